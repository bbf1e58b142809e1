// Members on machines of all sizes, many of which have no link to spare.

#include <iterator>
#include <memory>

#include "catch.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr node::Platform kSizes[] = {node::Platform::mobile, node::Platform::desktop,
                                     node::Platform::server};

NodeIndex add_member(World& world, node::Platform size) {
  const auto node = static_cast<NodeIndex>(world.size());
  return world.add_node({.role = wire::Role::node,
                         .url = Cluster::url_of(node),
                         .factory = [size](const NodeSeat& seat) {
                           node::NodeOptions made;
                           made.common.address = seat.url;
                           made.bootstrap_urls = {Cluster::url_of(Cluster::kBootstrap)};
                           made.platform = size;
                           return std::make_unique<node::DhtNode>(made, seat.identity, seat.suite,
                                                                  seat.rng);
                         }});
}

TEST_CASE("ROUTE-11, L2: members with 20, 50 and 200 links at most agree on who is nearest") {
  for (const std::uint64_t seed : {1u, 2u}) {
    CAPTURE(seed);
    WorldOptions options;
    options.seed = seed;
    World world(options);
    Cluster cluster(world, {.bridges = 2, .members = 0});
    for (std::size_t member = 0; member < 57; ++member) {
      add_member(world, kSizes[member % std::size(kSizes)]);
    }
    cluster.start_all(200ms);
    world.run_for(10min);
    // Forty look-ups at the same moment: one at most members, each of which asks a third of the
    // network. Everybody has come within minutes, so there are more looks than one.
    Agreement agreement;
    for (std::uint64_t look = 0; look < 3 && (look == 0 || agreement.per_mille() < 990); ++look) {
      world.run_for(4min);
      agreement = measure_agreement(world, cluster.peers(), 40, 20, Rng(seed).fork("look", look));
    }
    INFO(agreement.named << " of " << agreement.wanted << " named");
    CHECK(agreement.per_mille() >= 990);
    CHECK(agreement.failed == 0);
    CHECK_FALSE(world.violation());
  }
}

}  // namespace
}  // namespace trestle::sim::test
