#include "trestle/link/retry_budget.hpp"

#include <algorithm>

namespace trestle::link {

void RetryBudget::on_request() {
  const std::uint64_t most = std::max(options_.saved_max, options_.floor) * kPerRetry;
  tokens_ = std::min(tokens_ + options_.percent, most);
}

bool RetryBudget::take(Instant now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - refilled_at_);
  if (seconds.count() > 0) {
    refilled_at_ += seconds;
    // The floor never takes away what traffic has saved.
    const std::uint64_t floor = options_.floor * kPerRetry;
    const auto given = static_cast<std::uint64_t>(seconds.count());
    if (tokens_ < floor) {
      tokens_ = given >= options_.floor ? floor : std::min(tokens_ + given * kPerRetry, floor);
    }
  }
  if (tokens_ < kPerRetry) return false;
  tokens_ -= kPerRetry;
  return true;
}

}  // namespace trestle::link
