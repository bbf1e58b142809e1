#include "trestle/base/histogram.hpp"

#include <algorithm>
#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

std::uint64_t microseconds(Duration sample) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(sample).count();
  return count <= 0 ? 0 : static_cast<std::uint64_t>(count);
}

}  // namespace

void Histogram::add(Duration sample) {
  if (counts_.empty()) counts_.resize(kBuckets);
  ++counts_[bucket_of(sample)];
  ++count_;
  sum_ += std::max(sample, Duration::zero());
}

/// The doubling is the position of the highest bit; the two bits below it choose the quarter.
std::size_t Histogram::bucket_of(Duration sample) {
  const std::uint64_t value = microseconds(sample);
  if (value == 0) return 0;
  const auto doubling = static_cast<std::size_t>(std::bit_width(value)) - 1;
  if (doubling >= kDoublings) return kBuckets - 1;
  const std::uint64_t scaled = value * kPerDoubling >> doubling;  // 4..7
  return 1 + doubling * kPerDoubling + static_cast<std::size_t>(scaled - kPerDoubling);
}

Duration Histogram::upper_bound(std::size_t index) {
  TRESTLE_ASSERT(index < kBuckets);
  if (index == kBuckets - 1) return Duration::max();
  if (index == 0) return std::chrono::microseconds(1);
  const std::size_t doubling = (index - 1) / kPerDoubling;
  const std::size_t quarter = (index - 1) % kPerDoubling;
  const std::uint64_t quarters = (kPerDoubling + quarter + 1) << doubling;
  return std::chrono::microseconds((quarters + kPerDoubling - 1) / kPerDoubling);
}

Duration Histogram::quantile(std::uint32_t permille) const {
  TRESTLE_ASSERT(permille >= 1 && permille <= 1000);
  if (count_ == 0) return Duration::zero();
  const std::uint64_t rank = (count_ * permille + 999) / 1000;
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < kBuckets; ++index) {
    seen += counts_[index];
    if (seen >= rank) return upper_bound(index);
  }
  return Duration::max();
}

Histogram Histogram::since(const Histogram& earlier) const {
  if (earlier.count_ == 0 || earlier.count_ > count_) return *this;
  Histogram added = *this;
  for (std::size_t index = 0; index < kBuckets; ++index) {
    if (earlier.counts_[index] > counts_[index]) return *this;
    added.counts_[index] -= earlier.counts_[index];
  }
  added.count_ -= earlier.count_;
  added.sum_ = std::max(sum_ - earlier.sum_, Duration::zero());
  return added;
}

}  // namespace trestle::inline base
