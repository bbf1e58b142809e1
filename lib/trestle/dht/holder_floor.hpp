#pragma once

#include <cstdint>
#include <vector>

#include "trestle/base/time.hpp"

namespace trestle::dht {

/// The largest number of storing nodes that any lookup found around a place of late: a policy. A
/// node that was cut off with few others still knows how many there ought to be, and does not call
/// a value kept that only those few have (design section 6).
class HolderFloor {
 public:
  /// How long a number counts. An hour covers the outages that people notice; a network that really
  /// shrank has its receipts `weak` for that long.
  static constexpr Duration kWindow = std::chrono::hours(1);

  void note(Instant now, std::uint32_t holders);
  std::uint32_t at(Instant now) const;

 private:
  struct Seen {
    Instant at{};
    std::uint32_t holders = 0;
  };
  /// Each entry is later and smaller than the one before: the others can never be the largest
  /// again. So there are no more than holders of one place.
  std::vector<Seen> seen_;
};

}  // namespace trestle::dht
