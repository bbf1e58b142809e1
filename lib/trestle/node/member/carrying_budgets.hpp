#pragma once

#include <cstddef>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
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

/// How often something may be done for each of many ids: a policy. Kept as the one moment at which
/// an id's account is even again; an id whose moment has passed is as good as unknown.
class CarryingBudgets {
 public:
  explicit CarryingBudgets(const CarryingBudgetOptions& options) : options_(options) {}

  /// Takes one from this id's account, if there is one left.
  [[nodiscard]] bool take(Instant now, const NodeId& id);
  /// After how long there will be one.
  Duration wait(Instant now, const NodeId& id) const;
  std::size_t size() const { return even_at_.size(); }

 private:
  Duration interval() const { return Duration(std::chrono::seconds(1)) / options_.per_second; }

  CarryingBudgetOptions options_;
  FlatMap<NodeId, Instant> even_at_;
};

}  // namespace trestle::node
