#include <array>

#include "catch.hpp"
#include "support/machine_laws.hpp"
#include "trestle/wire/websocket/connection.hpp"
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

}  // namespace

TEST_CASE("both ends of a WebSocket obey the laws of machines") {
  test::obey_the_laws<WebSocketFixture<test::ws::Role::server>>();
  test::obey_the_laws<WebSocketFixture<test::ws::Role::client>>();
}
