#pragma once

#include <cstdint>

#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::sim {

/// An exponentially distributed wait with the given mean, for arrivals and service times. By von
/// Neumann's comparison of uniform draws, so that it takes no logarithm and is the same on every
/// machine: the first of a run of falling draws is the fraction when the run has odd length; each
/// run of even length adds one mean.
inline Duration draw_exponential(Rng& rng, Duration mean) {
  std::uint64_t whole = 0;
  while (true) {
    const std::uint64_t first = rng.next() >> 32;
    std::uint64_t last = first;
    std::uint64_t length = 1;
    while (true) {
      const std::uint64_t drawn = rng.next() >> 32;
      if (drawn >= last) break;
      last = drawn;
      ++length;
    }
    if (length % 2 == 1) {
      // In two halves: a mean of hours times a fraction of 32 bits is more than 64 bits.
      const auto whole_mean = static_cast<std::uint64_t>(mean.count());
      const std::uint64_t high = (whole_mean >> 32) * first;
      const std::uint64_t low = (whole_mean & 0xffff'ffffu) * first >> 32;
      const std::uint64_t scaled = high + low;
      return mean * static_cast<Duration::rep>(whole) +
             Duration(static_cast<Duration::rep>(scaled));
    }
    ++whole;
  }
}

}  // namespace trestle::sim
