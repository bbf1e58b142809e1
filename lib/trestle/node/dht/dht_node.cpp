#include "trestle/node/dht/dht_node.hpp"

namespace trestle::node {
namespace {

MemberOptions member_options(const NodeOptions& options) {
  MemberOptions made;
  made.common = options.common;
  made.program = "dht-node";
  made.role = wire::Role::node;
  made.bootstrap_urls = options.bootstrap_urls;
  return made;
}

}  // namespace

DhtNode::DhtNode(const NodeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
                 Rng rng)
    : MemberNode(member_options(options), identity, suite, rng) {}

DhtNode::~DhtNode() = default;

}  // namespace trestle::node
