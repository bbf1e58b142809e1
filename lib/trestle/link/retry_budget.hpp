#pragma once

#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::link {

struct RetryBudgetOptions {
  /// Retries allowed for every hundred requests.
  std::uint32_t percent = 10;
  /// Retries that are there without any traffic, given back one a second. Three: the one request of
  /// a quiet hour may try every bridge of a small set.
  std::uint32_t floor = 3;
  /// Retries that a busy time can save up: a bad second may follow, a bad minute may not.
  std::uint32_t saved_max = 50;
};

/// How many second attempts the traffic may carry: a token bucket filled by first attempts.
///
/// Without it a peer that is slow under load gets each request again, from everybody, and the load
/// that made it slow doubles. With it all retries together stay below `percent` of the requests,
/// plus the floor.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryBudgetOptions& options)
      : options_(options), tokens_(options.floor * kPerRetry) {}

  /// A first attempt was made.
  void on_request();
  /// Takes the right to one retry; false when there is none left.
  bool take(Instant now);

 private:
  /// Hundredths of a retry, so that percents add up in integers.
  static constexpr std::uint64_t kPerRetry = 100;

  RetryBudgetOptions options_;
  std::uint64_t tokens_;
  Instant refilled_at_{};
};

}  // namespace trestle::link
