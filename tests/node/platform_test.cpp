#include "trestle/node/member/platform.hpp"

#include "catch.hpp"
#include "node/node_and_peers.hpp"

using namespace trestle;
using test::NodeAndPeers;
using test::NodeKind;

TEST_CASE("ROUTE-11: 20, 50 and 200 links, 2, 3 and 5 to a bucket, 8, 12 and 20 buckets") {
  struct Case {
    node::Platform platform;
    std::size_t links;
    std::size_t per_bucket;
    std::size_t buckets;
    std::size_t nearest;
    std::size_t nearest_idle;
    std::size_t per_bucket_idle;
  };
  for (const Case& one : {Case{node::Platform::mobile, 20, 2, 8, 10, 5, 1},
                          Case{node::Platform::desktop, 50, 3, 12, 20, 8, 2},
                          Case{node::Platform::server, 200, 5, 20, 20, 8, 2}}) {
    const node::PlatformLimits limits = node::limits_of(one.platform);
    CHECK(limits.links_max == one.links);
    CHECK(limits.links_per_bucket_max == one.per_bucket);
    CHECK(limits.buckets_max == one.buckets);
    CHECK(node::link_values_of(limits).nearest == one.nearest);
    CHECK(node::link_values_of(limits).per_bucket_max == one.per_bucket);
    CHECK(node::link_values_of(limits).nearest_when_idle == one.nearest_idle);
    CHECK(node::link_values_of(limits).per_bucket_when_idle == one.per_bucket_idle);
  }
}

TEST_CASE("ROUTE-11: no more links and buckets than its platform allows, whoever comes") {
  for (const auto& [kind, links, buckets] :
       {std::tuple(NodeKind::mobile, 20, 8), std::tuple(NodeKind::dht, 200, 20)}) {
    NodeAndPeers world(kind, 3);
    for (int count = 0; count < links + 30; ++count) {
      world.connect(world.add_peer(wire::Role::node));
      REQUIRE(world.node->status(world.now).peers.size() <= static_cast<std::size_t>(links));
    }
    CHECK(world.node->status(world.now).peers.size() == static_cast<std::size_t>(links));
    CHECK(world.node.counter(world.now, "dht.buckets") <= static_cast<std::uint64_t>(buckets));
  }
}
