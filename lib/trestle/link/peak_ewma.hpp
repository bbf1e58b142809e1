#pragma once

#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::link {

/// The recent answer time of one peer, pessimistic on purpose: a slower answer counts at once, a
/// faster one by the share of ten seconds that has passed since the last ("peak-EWMA" of Twitter's
/// Finagle, in integers). Without answers it fades to zero in the same time, so that a peer that
/// was slow is tried again.
class PeakEwma {
 public:
  static constexpr Duration kDecay = std::chrono::seconds(10);

  void add(Instant now, Duration sample);
  /// An attempt that was given up after so long: its answer would have been slower still.
  void add_at_least(Instant now, Duration sample);
  bool is_measured() const { return is_measured_; }
  Duration value(Instant now) const;

 private:
  /// 1024ths of a microsecond: steps of a small share of a small difference must not be lost.
  static constexpr std::int64_t kScale = 1024;

  bool is_measured_ = false;
  std::int64_t scaled_ = 0;
  Instant at_{};
};

/// What it costs to give a peer one more request: its answer time, once for each request it has and
/// once for this one. A peer that was never measured gets one request to be measured by.
inline std::int64_t load_cost(const PeakEwma& answers, std::uint32_t in_flight, Instant now) {
  if (!answers.is_measured() && in_flight > 0) return PeakEwma::kDecay.count() * in_flight;
  return (answers.value(now).count() + 1) * (std::int64_t{in_flight} + 1);
}

}  // namespace trestle::link
