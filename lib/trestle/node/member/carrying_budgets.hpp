#pragma once

#include <cstddef>

#include "trestle/base/node_id.hpp"
#include "trestle/base/rate_account.hpp"
#include "trestle/base/time.hpp"

namespace trestle::node {

struct CarryingBudgetOptions {
  /// Requests carried for one id a second, and at once after a pause.
  std::uint32_t per_second = 5;
  std::uint32_t burst = 10;
  /// Ids with a request in the last two seconds. One more is refused: whoever invents ids meets
  /// this bound before our memory does.
  std::size_t ids_max = 256;
};

/// How often something may be done for each of many ids: a policy.
class CarryingBudgets {
 public:
  explicit CarryingBudgets(const CarryingBudgetOptions& options)
      : pace_(Pace::per_second(options.per_second, options.burst)), accounts_(options.ids_max) {}

  /// Takes one from this id's account, if there is one left, and room for the account.
  [[nodiscard]] bool take(Instant now, const NodeId& id);
  /// After how long there will be one.
  Duration wait(Instant now, const NodeId& id) const;
  std::size_t size() const { return accounts_.size(); }

 private:
  Pace pace_;
  RateAccounts<NodeId> accounts_;
};

}  // namespace trestle::node
