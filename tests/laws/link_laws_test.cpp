#include "catch.hpp"
#include "support/machine_laws.hpp"
#include "support/wire_pair.hpp"
#include "trestle/link/keepalive.hpp"
#include "trestle/link/multiplexer.hpp"
#include "trestle/pool/bridge_set.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

struct MultiplexerFixture {
  explicit MultiplexerFixture(std::uint64_t) {}

  void act(Instant now, Rng& rng) {
    const std::uint64_t kind = rng.below(4);
    const Duration wait = rng.between(0us, 10s);
    if (kind < 2) {
      const auto id = machine.open(now, wire::FindNodeRequest{}, now + wait + 1us, rng.next());
      if (id) ids.push_back(*id);
    } else if (!ids.empty()) {
      const wire::RequestId id = ids[rng.below(ids.size())];
      if (kind == 2) {
        machine.on_answer(now, id, wire::FindNodeResponse{});
      } else {
        machine.cancel(id);
      }
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> effects;
    while (const auto failed = machine.poll_effect()) {
      effects.push_back(std::to_string(failed->token) + std::string(name(failed->code)));
    }
    return effects;
  }
  void shut(Instant) { machine.close(ErrorCode::shutting_down); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { act(now, rng); }

  link::Multiplexer machine{{.in_flight_max = 8}};
  std::vector<wire::RequestId> ids;
};

struct KeepaliveFixture {
  explicit KeepaliveFixture(std::uint64_t seed) : machine(options, Rng(seed)) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(3)) {
      case 0:
        return machine.start(now);
      case 1:
        return machine.on_pong(now, 5ms);
      default:
        return machine.on_miss(now);
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> effects;
    while (const auto effect = machine.poll_effect()) {
      effects.push_back(std::to_string(static_cast<int>(*effect)));
    }
    return effects;
  }
  void shut(Instant) { machine.stop(); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) {
    rng.chance(1, 2) ? machine.on_pong(now, 5ms) : machine.on_miss(now);
  }

  link::KeepaliveOptions options;
  link::Keepalive machine;
};

/// What a driver does with orders at once: sign, verify, and remember connections.
template <typename Machine>
void obey(Machine& machine, Instant now, const link::TransportOrder& order, crypto::Suite& suite,
          const crypto::KeyPair& pair, std::vector<link::ConnectionId>& dialled) {
  if (const auto* dial = std::get_if<link::Dial>(&order)) dialled.push_back(dial->connection);
  if (const auto* sign = std::get_if<link::Sign>(&order)) {
    machine.on_signed(now, sign->connection, sign->ticket, suite.sign(pair, sign->message));
  }
}

/// A random event of the transport for one of these connections.
template <typename Machine>
void disturb(Machine& machine, Instant now, Rng& rng,
             const std::vector<link::ConnectionId>& connections) {
  if (connections.empty()) return;
  const link::ConnectionId connection = connections[rng.below(connections.size())];
  switch (rng.below(5)) {
    case 0:
      return machine.on_dial_failed(now, connection, ErrorCode::refused, "refused");
    case 1:
      return machine.on_closed(now, connection, 1006, "reset");
    case 2: {
      Bytes noise(rng.below(40));
      for (auto& byte : noise) byte = static_cast<std::uint8_t>(rng.next());
      machine.on_frame(now, connection, link::FrameKind::binary, noise);
      return;
    }
    case 3: {
      Bytes frame;
      wire::native::append_record(frame, {{rng.below(3000)}, wire::Pong{}});
      machine.on_frame(now, connection, link::FrameKind::binary, frame);
      return;
    }
    default:
      return machine.on_drained(now, connection, rng.below(1000));
  }
}

struct ChannelSetFixture {
  explicit ChannelSetFixture(std::uint64_t seed) : end(seed, wire::Role::node) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(4)) {
      case 0:
        connections.push_back(end.channels->on_accepted(now, {"192.0.2.1"}));
        return;
      case 1:
        end.channels->dial(now, "ws://somewhere");
        return;
      case 2:
        if (!undialled.empty()) {
          end.channels->on_dialled(now, undialled.back());
          connections.push_back(undialled.back());
          undialled.pop_back();
        }
        return;
      default:
        disturb(*end.channels, now, rng, connections);
    }
  }
  Instant next_deadline() const { return end.channels->next_deadline(); }
  void on_deadline(Instant now) { end.channels->on_deadline(now); }
  std::vector<std::string> drain(Instant now) {
    std::vector<std::string> effects;
    while (auto effect = end.channels->poll_effect()) {
      if (const auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        effects.push_back("order " + std::to_string(order->index()));
        obey(*end.channels, now, *order, end.suite, end.pair, undialled);
      } else {
        const auto& news = std::get<link::ChannelSet::News>(*effect);
        effects.push_back("news " + std::to_string(news.news.index()));
      }
    }
    return effects;
  }
  void shut(Instant now) { end.channels->close_all(now, ErrorCode::shutting_down, "the end"); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { disturb(*end.channels, now, rng, connections); }

  test::End end;
  std::vector<link::ConnectionId> connections;
  std::vector<link::ConnectionId> undialled;
};

struct BridgeSetFixture {
  explicit BridgeSetFixture(std::uint64_t seed)
      : end(seed, wire::Role::bootstrap, {}, "secret"),
        machine({.bridges = {{{"ws://a"}}, {{"ws://b"}}}}, end.local, end.suite, Rng(seed)) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(4)) {
      case 0:
        if (!std::exchange(started, true)) machine.start(now);
        return;
      case 1:
        machine.submit(now, wire::IntroduceRequest{});
        return;
      case 2:
        if (!dialled.empty()) {
          machine.on_dialled(now, dialled.back());
          connections.push_back(dialled.back());
          dialled.pop_back();
        }
        return;
      default:
        if (rng.chance(1, 3)) {
          disturb(machine, now, rng, dialled);
        } else {
          disturb(machine, now, rng, connections);
        }
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant now) {
    std::vector<std::string> effects;
    while (auto effect = machine.poll_effect(now)) {
      effects.push_back(std::to_string(effect->index()));
      if (const auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        effects.back() += " " + std::to_string(order->index());
        obey(machine, now, *order, end.suite, end.pair, dialled);
      }
    }
    return effects;
  }
  void shut(Instant now) { machine.stop(now); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { act(now, rng); }

  test::End end;
  pool::BridgeSet machine;
  bool started = false;
  std::vector<link::ConnectionId> dialled;
  std::vector<link::ConnectionId> connections;
};

}  // namespace

TEST_CASE("the multiplexer obeys the laws of machines") {
  test::obey_the_laws<MultiplexerFixture>();
}
TEST_CASE("the keepalive obeys the laws of machines") { test::obey_the_laws<KeepaliveFixture>(); }
TEST_CASE("a set of channels obeys the laws of machines") {
  test::obey_the_laws<ChannelSetFixture>();
}
TEST_CASE("the bridge set obeys the laws of machines") { test::obey_the_laws<BridgeSetFixture>(); }
