#include "trestle/node/member/pending_asks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace trestle::node {

bool PendingAsks::add(PendingAsk ask) {
  if (asks_.size() >= asks_max_) return false;
  asks_.push_back(std::move(ask));
  return true;
}

template <typename Condition>
std::vector<PendingAsk> PendingAsks::take_if(Condition condition) {
  const auto kept_end = std::stable_partition(
      asks_.begin(), asks_.end(), [&](const PendingAsk& ask) { return !condition(ask); });
  std::vector<PendingAsk> taken(std::make_move_iterator(kept_end),
                                std::make_move_iterator(asks_.end()));
  asks_.erase(kept_end, asks_.end());
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
