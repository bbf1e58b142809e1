#pragma once

#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

/// A full member: lookups and storage. Nothing beyond what every member does.
class DhtNode final : public MemberNode {
 public:
  DhtNode(const NodeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
          Rng rng);
  /// In the source file, which thereby holds the vtable: one made where the class is used would ask
  /// for type information, and the library is built without.
  ~DhtNode() override;
};

}  // namespace trestle::node
