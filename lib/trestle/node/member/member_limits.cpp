// What a member grants its peers, and what it gives up when memory is short.

#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

void MemberOptions::spread_limits() {
  const Limits& limits = common.limits;
  channels = limits.links;
  records = limits.records;
  dht.limits = limits.serving;
  dht.records = limits.store;
  carrier.origin = limits.carried_origin;
}

void MemberNode::on_memory(Instant now, MemoryState state) {
  stir();
  memory_ = state;
  const std::size_t pending_max = channels_.pending_max();
  channels_.limit_pending(state == MemoryState::plenty ? pending_max : pending_max / 8);
  if (state == MemoryState::plenty) return;
  verifier_.forget_checked();
  mesh_.let_go_of_idle(now);
  pump(now);
}

}  // namespace trestle::node
