// P-ML-1 for whole nodes: whatever was under way, after `Stopped` there is no timer and no action.

#include "catch.hpp"
#include "node/node_and_peers.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using test::DrivenNode;
using test::NodeAndPeers;
using test::NodeKind;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;

Bytes noise(Rng& rng) {
  Bytes bytes(rng.below(60));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

/// Strangers, peers, losses, noise and users, for a while.
void live(NodeAndPeers& world, Rng& rng) {
  for (int step = 0; step < 10; ++step) {
    switch (rng.below(7)) {
      case 0:
        world.connect(rng.below(world.peers.size()));
        break;
      case 1:
        if (!world.wires.empty()) world.lose(world.wires[rng.below(world.wires.size())]);
        break;
      case 2: {
        const auto connection = world.node.accept(world.now, "192.0.2.7");
        const auto kind = rng.chance(1, 2) ? link::FrameKind::text : link::FrameKind::binary;
        world.node->on_frame(world.now, connection, kind, noise(rng));
        break;
      }
      case 3: {
        const auto connection = world.node.accept(world.now, "192.0.2.8");
        const std::string text =
            wire::legacy::encode(wire::legacy::DhtPeerHello{NodeId{rng.next(), 1, 1}, {}});
        world.node->on_frame(world.now, connection, link::FrameKind::text, as_bytes(text));
        break;
      }
      case 4:
        static_cast<void>(world.node->get(world.now, "key"));
        break;
      case 5:
        static_cast<void>(world.node->put(world.now, "key", {1}, 1h));
        break;
      default:
        world.pass(rng.between(1ms, 20s));
    }
    world.settle();
  }
}

/// Anything a driver may still report, for connections that were and those that never were.
void disturb(NodeAndPeers& world, Rng& rng) {
  const auto owner = rng.chance(1, 4) ? link::ConnectionOwner::pool : link::ConnectionOwner::node;
  const link::ConnectionId connection{owner, rng.below(12)};
  node::Node& node = *world.node;
  switch (rng.below(11)) {
    case 0:
      return node.on_frame(world.now, connection, link::FrameKind::binary, noise(rng));
    case 1:
      return node.on_frame(world.now, connection, link::FrameKind::text, as_bytes("{}"));
    case 2:
      return node.on_dialled(world.now, connection);
    case 3:
      return node.on_dial_failed(world.now, connection, ErrorCode::timeout, "late");
    case 4:
      return node.on_closed(world.now, connection, 1006, "late");
    case 5:
      return node.on_signed(world.now, connection, {1}, {});
    case 6:
      return node.on_verified(world.now, connection, {1}, true);
    case 7:
      return node.on_reload(world.now, {{{{"ws://another"}}}, pool::BridgeMode::pool, {}});
    case 8:
      REQUIRE_FALSE(node.put(world.now, "key", {1}, 1h).has_value());
      REQUIRE_FALSE(node.get(world.now, "key").has_value());
      REQUIRE_FALSE(node.find(world.now, NodeId{1, 1, 1}).has_value());
      return;
    case 9:
      return node.begin_shutdown(world.now);
    default:
      return node.start(world.now);
  }
}

}  // namespace

TEST_CASE("P-ML-1: a node that stopped has no timer and does nothing, whatever is still reported") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    NodeAndPeers world(static_cast<NodeKind>(seed % 3), seed);
    world.add_peer(wire::Role::node);
    world.add_peer(wire::Role::bridge);
    world.add_peer(wire::Role::bootstrap, "secret");
    if (rng.chance(9, 10)) world.node->start(world.now);
    world.settle();
    live(world, rng);
    world.node->begin_shutdown(world.now);
    world.settle();
    REQUIRE(world.node.stopped == 1);
    REQUIRE(world.node.open.empty());
    REQUIRE(world.node.dialling.empty());
    for (int late = 0; late < 8; ++late) {
      world.now += rng.between(Duration::zero(), 1h);
      disturb(world, rng);
      REQUIRE(world.node.drain(world.now).empty());
      REQUIRE(world.node->next_deadline() == kNever);
      world.node->on_deadline(world.now);
      REQUIRE(world.node.drain(world.now).empty());
    }
  }
}

TEST_CASE("P-ML-1: whoever is accepted by a node that goes or went is closed in the same step") {
  for (const NodeKind kind : {NodeKind::bootstrap, NodeKind::bridge, NodeKind::dht}) {
    NodeAndPeers world(kind, 1);
    world.node->start(world.now);
    world.settle();
    world.node->begin_shutdown(world.now);
    for (int late = 0; late < 2; ++late) {
      const auto connection = world.node.accept(world.now, "192.0.2.7");
      std::size_t closed = 0;
      for (const node::Effect& effect : world.node.drain(world.now)) {
        const auto* close = std::get_if<link::CloseTransport>(&effect);
        if (close != nullptr && close->connection == connection) ++closed;
        REQUIRE_FALSE(std::holds_alternative<link::SendFrame>(effect));
      }
      CHECK(closed == 1);
      CHECK(world.node->next_deadline() == kNever);
    }
  }
}
