#include "trestle/node/member/pending_asks.hpp"

#include <algorithm>
#include <utility>

namespace trestle::node {

bool PendingAsks::add(PendingAsk ask) {
  if (asks_.size() >= asks_max_) return false;
  asks_.push_back(std::move(ask));
  return true;
}

template <typename Condition>
std::vector<PendingAsk> PendingAsks::take_if(Condition condition) {
  std::vector<PendingAsk> taken;
  std::vector<PendingAsk> kept;
  for (PendingAsk& ask : asks_) (condition(ask) ? taken : kept).push_back(std::move(ask));
  asks_ = std::move(kept);
  return taken;
}

std::vector<PendingAsk> PendingAsks::take(const NodeId& peer) {
  return take_if([&](const PendingAsk& ask) { return ask.peer == peer; });
}

std::vector<PendingAsk> PendingAsks::take_due(Instant now) {
  return take_if([&](const PendingAsk& ask) { return ask.deadline <= now; });
}

std::vector<PendingAsk> PendingAsks::take_all() { return std::exchange(asks_, {}); }

Instant PendingAsks::next_deadline() const {
  Instant next = kNever;
  for (const PendingAsk& ask : asks_) next = std::min(next, ask.deadline);
  return next;
}

}  // namespace trestle::node
