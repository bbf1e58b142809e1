#include "trestle/link/peak_ewma.hpp"

#include <algorithm>

namespace trestle::link {
namespace {

/// No answer is slower than any timeout in use; the product below stays within 64 bits.
constexpr Duration kSampleMax = std::chrono::seconds(60);

}  // namespace

void PeakEwma::add(Instant now, Duration sample) {
  const std::int64_t scaled = std::clamp(sample, Duration::zero(), kSampleMax).count() * kScale;
  if (!is_measured_ || scaled >= scaled_) {
    is_measured_ = true;
    scaled_ = scaled;
    at_ = now;
    return;
  }
  const Duration passed = std::min(now - at_, kDecay);
  const std::int64_t step = (scaled_ - scaled) * passed.count() / kDecay.count();
  if (step == 0) return;  // the time is kept for the next sample
  scaled_ -= step;
  at_ = now;
}

void PeakEwma::add_at_least(Instant now, Duration sample) {
  if (!is_measured_ || sample > value(now)) add(now, sample);
}

Duration PeakEwma::value(Instant now) const {
  const Duration left = kDecay - std::clamp(now - at_, Duration::zero(), kDecay);
  return Duration(scaled_ / kScale * left.count() / kDecay.count());
}

}  // namespace trestle::link
