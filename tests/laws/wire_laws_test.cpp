#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/machine_laws.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/endpoint.hpp"
#include "wire/websocket/frame_cases.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

/// One end of a WebSocket whose peer says anything that a peer may say, and sometimes more.
template <wire::websocket::Role kRole>
struct WebSocketFixture {
  explicit WebSocketFixture(std::uint64_t)
      : masks(std::array<std::uint8_t, test::ws::MaskSource::kSeedBytes>{1}),
        machine(kRole == test::ws::Role::server ? test::ws::Connection::server({})
                                                : test::ws::Connection::client({}, masks)) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return send(now, rng, test::binary("message"));
      case 1:
        return send(now, rng, test::ping("ping"));
      case 2:
        return send(now, rng, test::not_final(test::text("part")));
      case 3:
        return send(now, rng, test::last("part"));
      case 4:
        static_cast<void>(machine.send(test::ws::MessageKind::text, as_bytes("ours")));
        return;
      case 5:
        return machine.on_written(rng.below(machine.output().size() + 1));
      case 6:
        // Seldom, so that lives are long.
        if (rng.chance(1, 20)) machine.close(now, 1000, "enough");
        return;
      default:
        if (rng.chance(1, 20)) send(now, rng, test::closing(1000));
        return;
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> effects;
    while (const auto effect = machine.poll_effect()) effects.push_back(test::told(*effect));
    inputs.clear();
    return effects;
  }
  void shut(Instant) { machine.on_end(); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { act(now, rng); }

  void send(Instant now, Rng& rng, test::Sketch frame) {
    if (rng.chance(1, 30)) frame.reserved = 0x40;
    const bool is_server = kRole == test::ws::Role::server;
    // What is borrowed until the effects have been drained lies here.
    inputs.push_back(
        test::encoded({frame}, is_server ? test::ws::Role::client : test::ws::Role::server));
    machine.on_bytes(now, inputs.back());
  }

  test::ws::MaskSource masks;
  test::ws::Connection machine;
  std::vector<Bytes> inputs;
};

/// Likewise from the upgrade on, whose other half comes in two pieces; its owner takes everybody.
template <wire::websocket::Role kRole>
struct EndpointFixture {
  static constexpr bool kIsServer = kRole == test::ws::Role::server;
  static constexpr test::ws::Role kPeer =
      kIsServer ? test::ws::Role::client : test::ws::Role::server;

  explicit EndpointFixture(std::uint64_t)
      : masks(std::array<std::uint8_t, test::ws::MaskSource::kSeedBytes>{1}),
        head(kIsServer ? request().take_output() : answer()),
        machine(kIsServer ? test::ws::Endpoint::server(test::kLawEpoch, {})
                          : test::ws::Endpoint::client(request(), {}, masks)) {}

  static test::ws::ClientUpgrade request() {
    const test::ws::HandshakeKey key(std::array<std::uint8_t, 16>{});
    auto made = test::ws::ClientUpgrade::make(
        {.host = "here", .origin = {}, .subprotocols = {}, .fields = {}}, key, {});
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  static Bytes answer() {
    test::ws::ServerUpgrade upgrade;
    upgrade.on_bytes(request().take_output());
    upgrade.accept({});
    return upgrade.take_output();
  }

  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return hear_head(now);
      case 1:
        return hear_frame(now, test::not_final(test::text("part")));
      case 2:
        return hear_frame(now, test::ping("ping"));
      case 3:
        static_cast<void>(machine.send(test::ws::MessageKind::text, Bytes(100, 'x')));
        return;
      case 4:
        static_cast<void>(machine.batch_next(now));
        return;
      case 5:
        return write(rng);
      case 6:
        // Seldom, so that lives are long.
        if (rng.chance(1, 20)) machine.close(now, 1000, "enough");
        return;
      default:
        if (rng.chance(1, 20)) machine.on_end(now, "ended");
        return;
    }
  }
  void hear_head(Instant now) {
    const std::size_t half = head.size() / 2 + 1;
    Bytes piece(head.begin(),
                head.begin() + static_cast<std::ptrdiff_t>(std::min(half, head.size())));
    head.erase(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(piece.size()));
    if (!piece.empty()) hear(now, std::move(piece));
  }
  void hear_frame(Instant now, const test::Sketch& frame) {
    if (machine.is_upgraded()) hear(now, test::encoded({frame}, kPeer));
  }
  void hear(Instant now, Bytes bytes) {
    // What is borrowed until the effects have been drained lies here.
    input = std::move(bytes);
    machine.on_bytes(now, input);
  }
  void write(Rng& rng) {
    const std::size_t bytes = rng.below(machine.output().size() + 1);
    if (bytes > 0) machine.on_written(bytes);
    if (machine.wants_end()) machine.on_end_said();
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> effects;
    while (const auto effect = machine.poll_effect()) {
      if (std::holds_alternative<test::ws::Asked>(*effect)) machine.accept({});
      const auto* message = std::get_if<test::ws::MessageArrived>(&*effect);
      const auto* closed = std::get_if<test::ws::Closed>(&*effect);
      effects.push_back(message != nullptr  ? test::told(*message)
                        : closed != nullptr ? test::told(*closed)
                                            : "upgrade");
    }
    return effects;
  }
  void shut(Instant) { machine.break_off(); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { act(now, rng); }

  test::ws::MaskSource masks;
  Bytes head;
  test::ws::Endpoint machine;
  Bytes input;
};

}  // namespace

TEST_CASE("both endpoints of a WebSocket obey the laws of machines from its upgrade on") {
  test::obey_the_laws<EndpointFixture<test::ws::Role::server>>();
  test::obey_the_laws<EndpointFixture<test::ws::Role::client>>();
}

TEST_CASE("both ends of a WebSocket obey the laws of machines") {
  test::obey_the_laws<WebSocketFixture<test::ws::Role::server>>();
  test::obey_the_laws<WebSocketFixture<test::ws::Role::client>>();
}
