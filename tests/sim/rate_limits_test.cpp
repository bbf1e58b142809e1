// P-CR-8: legitimate discovery is never refused.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "seeds.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSecret = "a secret of the cold start";
constexpr NodeIndex kBootstrap = 0;
constexpr NodeIndex kBridges = 2;
constexpr NodeIndex kMembers = 50;

std::string url_of(NodeIndex node) { return "ws://node" + std::to_string(node) + ".sim:9000/"; }

std::uint64_t figure(const node::Status& status, std::string_view name) {
  const auto found =
      std::ranges::find(status.counters, name, &std::pair<std::string_view, std::uint64_t>::first);
  REQUIRE(found != status.counters.end());
  return found->second;
}

/// A bootstrap, two bridges and fifty nodes, none of which has ever run.
void populate(World& world) {
  node::BootstrapOptions bootstrap;
  bootstrap.common.address = url_of(kBootstrap);
  bootstrap.bridge_secret = to_bytes(as_bytes(kSecret));
  bootstrap.genesis = true;
  for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge) {
    bootstrap.bridges.push_back({{url_of(bridge)}});
  }
  world.add_node({.role = wire::Role::bootstrap,
                  .url = bootstrap.common.address,
                  .factory = [bootstrap](const NodeSeat& seat) {
                    return std::make_unique<node::BootstrapNode>(bootstrap, seat.identity,
                                                                 seat.suite, seat.rng);
                  }});
  while (world.size() <= kBridges) {
    node::BridgeOptions bridge;
    bridge.common.address = url_of(static_cast<NodeIndex>(world.size()));
    bridge.bridge_secret = bootstrap.bridge_secret;
    bridge.bootstrap_urls = {url_of(kBootstrap)};
    world.add_node({.role = wire::Role::bridge,
                    .url = bridge.common.address,
                    .factory = [bridge](const NodeSeat& seat) {
                      return std::make_unique<node::BridgeNode>(bridge, seat.identity, seat.suite,
                                                                seat.rng);
                    }});
  }
  while (world.size() <= kBridges + kMembers) {
    node::NodeOptions member;
    member.common.address = url_of(static_cast<NodeIndex>(world.size()));
    member.bootstrap_urls = {url_of(kBootstrap)};
    world.add_node({.role = wire::Role::node,
                    .url = member.common.address,
                    .factory = [member](const NodeSeat& seat) {
                      return std::make_unique<node::DhtNode>(member, seat.identity, seat.suite,
                                                             seat.rng);
                    }});
  }
}

TEST_CASE("P-CR-8: fifty nodes that start in the same second form a network, none is refused") {
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    WorldOptions options;
    options.seed = seed;
    World world(options);
    checkers::Checkers checkers;
    checkers.watch(world);
    populate(world);
    Rng rng(seed);
    for (NodeIndex node = 0; node < world.size(); ++node) {
      world.schedule(Instant(rng.between(0s, 1s)), [node](World& started) { started.start(node); });
    }
    world.run_until(Instant(90s));
    INFO((world.violation() ? world.report() : std::string()));
    REQUIRE_FALSE(world.violation());
    std::uint64_t served = 0;
    for (NodeIndex node = 1; node < world.size(); ++node) {
      CAPTURE(node);
      const node::Status status = world.node(node).status(world.now());
      CHECK(status.peers.size() >= 3);
      CHECK(figure(status, "dht.table") >= 20);
      CHECK(figure(status, "dht.requests_limited_total") == 0);
      CHECK(figure(status, "dht.asks_limited_total") == 0);
      served += figure(status, "dht.requests_total");
    }
    CHECK(served > 1000);
  }
}

}  // namespace
}  // namespace trestle::sim::test
