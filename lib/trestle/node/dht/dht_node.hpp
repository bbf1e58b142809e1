#pragma once

#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

/// A full member: lookups and storage. Nothing beyond what every member does.
class DhtNode final : public MemberNode {
 public:
  DhtNode(const NodeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
          Rng rng);
};

}  // namespace trestle::node
