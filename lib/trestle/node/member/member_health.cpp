// Whether a member can do its job. What `/health` says rests on what others have answered of late,
// not on what we believe of ourselves (X48).

#include <cstddef>

#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

Readiness MemberNode::readiness(Instant now) const {
  if (is_stopping_) return Readiness::draining;
  if (dht_.records().is_read_only()) return Readiness::storage_failed;
  if (mesh_.links().empty()) return Readiness::isolated;
  if (dht_.neighbourhood_confirmed(now)) return Readiness::ready;
  std::size_t others = 0;
  dht_.table().visit([&](const dht::Peer& peer) {
    if (!dht_.table().is_failed(peer)) ++others;
  });
  return others < 2 ? Readiness::ready_as_a_pair : Readiness::unconfirmed;
}

bool MemberNode::is_healthy(Instant now) const { return is_ready(readiness(now)); }

}  // namespace trestle::node
