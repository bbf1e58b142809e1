#include <memory>

#include "catch.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

/// Each of the three programs' nodes, alone.
struct Alone {
  explicit Alone(std::uint64_t seed) : suite(seed) {
    const crypto::KeyPair pair = suite.generate();
    const crypto::Identity identity{pair.key, crypto::node_id_of(suite, pair.key)};
    node::BootstrapOptions bootstrap;
    bootstrap.bridges = {{{"ws://bridge"}}};
    nodes.push_back(std::make_unique<node::BootstrapNode>(bootstrap, identity, suite, Rng(seed)));
    node::BridgeOptions bridge;
    bridge.bootstrap_urls = {"ws://bootstrap"};
    nodes.push_back(std::make_unique<node::BridgeNode>(bridge, identity, suite, Rng(seed)));
    node::NodeOptions member;
    member.bootstrap_urls = {"ws://bootstrap"};
    nodes.push_back(std::make_unique<node::DhtNode>(member, identity, suite, Rng(seed)));
  }

  crypto::Suite suite;
  std::vector<std::unique_ptr<node::Node>> nodes;
};

template <typename Kind>
std::size_t drain_counting(node::Node& node, Instant now) {
  std::size_t count = 0;
  while (auto effect = node.poll_effect(now))
    count += std::holds_alternative<Kind>(*effect) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("every node dials at start, and tells its state at any time") {
  Alone alone(1);
  for (const auto& node : alone.nodes) {
    node->start(kStart);
    CHECK(drain_counting<link::Dial>(*node, kStart) == 1);
    const node::Status status = node->status(kStart + 5s);
    CAPTURE(status.program);
    CHECK(status.uptime == 5s);
    CHECK(status.healthy == node->is_healthy(kStart));
    CHECK_FALSE(status.counters.empty());
  }
}

TEST_CASE("a node that is shut down says so once, and then nothing more") {
  Alone alone(2);
  for (const auto& node : alone.nodes) {
    node->start(kStart);
    drain_counting<link::Dial>(*node, kStart);
    node->begin_shutdown(kStart + 1s);
    node->begin_shutdown(kStart + 1s);
    CHECK(drain_counting<node::Stopped>(*node, kStart + 1s) == 1);
    CHECK(node->next_deadline() == kNever);
    CHECK_FALSE(node->is_healthy(kStart + 1s));
    CHECK(drain_counting<node::Stopped>(*node, kStart + 2s) == 0);
  }
}

TEST_CASE("only a full member takes data from its users") {
  Alone alone(3);
  for (const auto& node : alone.nodes) node->start(kStart);
  CHECK(alone.nodes[0]->put(kStart, "key", {1}, 1h).error() == ErrorCode::unsupported);
  CHECK(alone.nodes[0]->find(kStart, NodeId{}).error() == ErrorCode::unsupported);
  CHECK(alone.nodes[1]->put(kStart, "key", {1}, 1h).error() == ErrorCode::unsupported);
  CHECK(alone.nodes[2]->put(kStart, "key", {1}, 1h).has_value());
}

TEST_CASE("an operation under way at shutdown ends with a code") {
  Alone alone(4);
  node::Node& member = *alone.nodes[2];
  member.start(kStart);
  REQUIRE(member.get(kStart, "key").has_value());
  member.begin_shutdown(kStart);
  CHECK(drain_counting<node::OperationEnded>(member, kStart) == 1);
}
