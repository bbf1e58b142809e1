#pragma once

#include <cstdint>
#include <optional>

#include "trestle/base/histogram.hpp"
#include "trestle/base/time.hpp"

namespace trestle::link {

/// When a request without an answer is late enough to ask somebody else as well: after the 95th
/// percentile of recent answers, so that one request in twenty is.
///
/// Recent: the last ten to twenty seconds, in two halves that are thrown away in turn.
class HedgeDelay {
 public:
  static constexpr Duration kHalf = std::chrono::seconds(10);
  /// A percentile of fewer says nothing.
  static constexpr std::uint64_t kSamplesMin = 20;

  void add(Instant now, Duration answer_time);
  /// Nothing while too few answers were seen.
  std::optional<Duration> delay() const { return delay_; }

 private:
  /// Walking the buckets costs more than a request: once in so many samples is recent enough.
  static constexpr std::uint64_t kSamplesPerLook = 64;

  void look();

  Histogram current_;
  Histogram previous_;
  Instant turned_at_{};
  std::optional<Duration> delay_;
};

}  // namespace trestle::link
