#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "trestle/base/assertion.hpp"
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

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound); 0 for bound 0. Unbiased (rejection). Inline: with a bound that is known
  /// when it is compiled, no division is left.
  std::uint64_t below(std::uint64_t bound) {
    if (bound == 0) return 0;
    std::uint64_t drawn = next();
    // The lowest values would make some remainders likelier than others; they are drawn again.
    // There are fewer of them than `bound`, so hardly ever need they be counted.
    if (drawn < bound) [[unlikely]]
      drawn = redrawn(drawn, bound);
    return drawn % bound;
  }
  /// Uniform in [low, high], both ends included, to the microsecond.
  Duration between(Duration low, Duration high);
  /// True in `numerator` of `denominator` cases.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) {
    TRESTLE_ASSERT(denominator > 0);
    return below(denominator) < numerator;
  }

 private:
  std::uint64_t redrawn(std::uint64_t drawn, std::uint64_t bound);

  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_;
};

}  // namespace trestle::inline base
