#include "trestle/node/member/carrying_budgets.hpp"

namespace trestle::node {

bool CarryingBudgets::take(Instant now, const NodeId& id) {
  return accounts_.has_place(now, id) && accounts_.take(now, id, pace_);
}

Duration CarryingBudgets::wait(Instant now, const NodeId& id) const {
  return accounts_.wait(now, id, pace_);
}

}  // namespace trestle::node
