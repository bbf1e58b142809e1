#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/time.hpp"

namespace trestle::inline base {

/// Durations counted in buckets of a fixed shape: four to each doubling, from 1 us to 67 s, so a
/// quantile is known to within a fifth of its value. Never resets; allocates once, with the first
/// sample, for most of those in a quiet node never see one.
///
/// Bucket 0 holds everything below 1 us, the last one everything from 67 s upwards.
class Histogram {
 public:
  static constexpr std::size_t kPerDoubling = 4;
  static constexpr std::size_t kDoublings = 26;
  static constexpr std::size_t kBuckets = 1 + kPerDoubling * kDoublings + 1;

  void add(Duration sample);

  std::uint64_t count() const { return count_; }
  /// Of all samples together; negative ones count as zero.
  Duration sum() const { return sum_; }
  /// The upper bound of the bucket in which that share of the samples lies, 0 when there are none.
  /// `permille` in 1..1000: 500 is the median, 990 the 99th percentile.
  Duration quantile(std::uint32_t permille) const;

  /// What was added since `earlier`, a copy taken before; the whole if it is no earlier state of
  /// this one.
  Histogram since(const Histogram& earlier) const;

  std::uint64_t bucket(std::size_t index) const { return count_ == 0 ? 0 : counts_[index]; }
  /// Samples of that bucket are below this; `Duration::max()` for the last.
  static Duration upper_bound(std::size_t index);

 private:
  static std::size_t bucket_of(Duration sample);

  std::vector<std::uint64_t> counts_;  ///< Of all buckets, or empty.
  std::uint64_t count_ = 0;
  Duration sum_{};
};

}  // namespace trestle::inline base
