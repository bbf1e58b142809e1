#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trestle::bench {

/// Finer than the core's microseconds: one request in flight takes about fifteen of them.
inline std::uint64_t nanoseconds() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot).count());
}

/// The value below which that share of the samples lies, in microseconds; 0 without samples.
inline double quantile_us(std::vector<std::uint32_t> samples, std::size_t permille) {
  if (samples.empty()) return 0;
  const std::size_t place = std::min(samples.size() - 1, samples.size() * permille / 1000);
  const auto wanted = samples.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(samples.begin(), wanted, samples.end());
  return *wanted / 1e3;
}

}  // namespace trestle::bench
