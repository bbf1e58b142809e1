#include "trestle/sim/checkers/operations.hpp"

#include <algorithm>
#include <string>

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kRule = "every operation ends exactly once";

std::string describe(const OperationKey& key) {
  return "n" + std::to_string(key.node) + ", operation " + std::to_string(key.operation.value);
}

}  // namespace

void Operations::observe(World& world, const Happening& happening) {
  const OperationKey key{happening.node, happening.incarnation, {happening.number}};
  switch (happening.kind) {
    case HappeningKind::operation_accepted: {
      ++accepted_;
      const Instant until = after(happening.at, options_.operation_max);
      if (!open_.insert(key, until).second) {
        world.report_violation(kRule, describe(key) + ": its id is in use for another one");
      }
      earliest_ = std::min(earliest_, until);
      return;
    }
    case HappeningKind::operation_ended:
      ++ended_;
      if (const Instant* until = open_.find(key)) {
        waited_ += happening.at - (*until - options_.operation_max);
      }
      if (!open_.erase(key)) {
        world.report_violation(kRule, describe(key) + ": ended twice, or never began");
      }
      return;
    case HappeningKind::stopped:
    case HappeningKind::killed:
      for (std::size_t index = open_.size(); index-- > 0;) {
        const OperationKey open = open_.at_index(index).first;
        if (open.node != happening.node) continue;
        if (happening.kind == HappeningKind::stopped) {
          world.report_violation(kRule, describe(open) + ": the node stopped without ending it");
        }
        ++lost_with_node_;
        open_.erase(open);
      }
      return;
    default:
      return;
  }
}

void Operations::after_event(World& world) {
  if (world.now() < earliest_) return;
  earliest_ = kNever;
  for (const auto& [key, until] : open_) {
    if (world.now() >= until) {
      const bool is_paused = world.is_running(key.node) && world.is_paused(key.node);
      const Instant free_again = is_paused ? world.now() : world.resumed_at(key.node);
      const Instant allowed = after(free_again, options_.operation_max);
      if (world.now() < allowed) {
        earliest_ = std::min(earliest_, allowed);
        continue;
      }
      return world.report_violation(kRule, describe(key) + ": still under way after its time");
    }
    earliest_ = std::min(earliest_, until);
  }
}

}  // namespace trestle::sim::checkers
