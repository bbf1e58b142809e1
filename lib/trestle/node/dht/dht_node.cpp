#include "trestle/node/dht/dht_node.hpp"

namespace trestle::node {
namespace {

MemberOptions member_options(const NodeOptions& options) {
  MemberOptions made;
  made.common = options.common;
  made.spread_limits();
  made.program = "dht-node";
  made.role = wire::Role::node;
  made.bootstrap_urls = options.bootstrap_urls;
  const PlatformLimits limits = limits_of(options.platform);
  made.mesh.links_max = limits.links_max;
  made.link_values = link_values_of(limits);
  made.dht.table.buckets_max = limits.buckets_max;
  made.dht.table.diversity.mode = options.diversity;
  made.dht.table.proximity = options.proximity;
  made.dht.mode = options.lookup_mode;
  made.values = options.values;
  return made;
}

}  // namespace

DhtNode::DhtNode(const NodeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
                 Rng rng)
    : MemberNode(member_options(options), identity, suite, rng) {}

DhtNode::~DhtNode() = default;

}  // namespace trestle::node
