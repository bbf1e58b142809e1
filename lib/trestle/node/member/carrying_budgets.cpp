#include "trestle/node/member/carrying_budgets.hpp"

#include <algorithm>

namespace trestle::node {

bool CarryingBudgets::take(Instant now, const NodeId& id) {
  Instant* known = even_at_.find(id);
  if (known == nullptr) {
    if (even_at_.size() >= options_.ids_max) {
      for (auto entry = even_at_.begin(); entry != even_at_.end();) {
        entry = entry->second <= now ? even_at_.erase(entry) : entry + 1;
      }
    }
    if (even_at_.size() >= options_.ids_max) return false;
    known = even_at_.insert(id, now).first;
  }
  const Instant even = std::max(*known, now);
  if (even + interval() > now + interval() * options_.burst) return false;
  *known = even + interval();
  return true;
}

Duration CarryingBudgets::wait(Instant now, const NodeId& id) const {
  const Instant* known = even_at_.find(id);
  if (known == nullptr) return Duration::zero();
  const Instant open = *known + interval() - interval() * options_.burst;
  return std::max(open - now, Duration::zero());
}

}  // namespace trestle::node
