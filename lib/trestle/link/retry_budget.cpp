#include "trestle/link/retry_budget.hpp"

#include <algorithm>
#include <utility>

namespace trestle::link {

void RetryBudget::on_request() {
  const std::uint64_t most = std::max(options_.saved_max, options_.floor) * kPerRetry;
  tokens_ = std::min(tokens_ + options_.percent, most);
  earned_ += options_.percent;
}

bool RetryBudget::take(Instant now) {
  const std::uint64_t floor = options_.floor * kPerRetry;
  if (tokens_ >= floor) {
    // Nothing is missing: the time of what is taken now begins.
    refilled_at_ = now;
    earned_ = 0;
  } else if (const auto intervals = (now - refilled_at_) / options_.floor_interval; intervals > 0) {
    refilled_at_ += intervals * options_.floor_interval;
    const auto given = std::min(static_cast<std::uint64_t>(intervals) * kPerRetry, floor);
    const std::uint64_t missed = given - std::min(given, std::exchange(earned_, 0));
    tokens_ = std::min(tokens_ + missed, floor);
  }
  if (tokens_ < kPerRetry) return false;
  tokens_ -= kPerRetry;
  return true;
}

}  // namespace trestle::link
