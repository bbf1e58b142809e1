#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "trestle/base/time.hpp"

namespace trestle::inline base {

/// Seeded random numbers for decisions (jitter, choices), never for keys or nonces: those come from
/// the crypto suite.
///
/// xoshiro256** (Blackman and Vigna), so that a seed means the same with every compiler and
/// standard library; the standard distributions and `shuffle` differ between libraries and are not
/// used. One draw per statement: g++ and clang evaluate arguments in opposite order.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// An independent stream for a part of the owner. Depends on this generator's seed and the label
  /// alone, not on how much was drawn so far: a new draw in one component shifts no other
  /// component.
  Rng fork(std::string_view label) const;
  /// One of many under the same label. Index 0 is the stream of `fork(label)`: use one form or the
  /// other per label.
  Rng fork(std::string_view label, std::uint64_t index) const;

  std::uint64_t next();
  /// Uniform in [0, bound); 0 for bound 0. Unbiased (rejection).
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [low, high], both ends included, to the microsecond.
  Duration between(Duration low, Duration high);
  /// True in `numerator` of `denominator` cases.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_;
};

}  // namespace trestle::inline base
