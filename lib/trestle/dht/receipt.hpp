#pragma once

#include <algorithm>
#include <cstdint>

namespace trestle::dht {

/// What may be said of a record that is being written (design section 6): a value.
struct Receipt {
  /// R: native storing nodes among the nearest that answered, ourselves included if we are one of
  /// them, and no fewer than were seen of late.
  std::uint32_t holders = 0;
  /// Those of them that have synced it to their disk.
  std::uint32_t synced = 0;

  /// W. Never fewer than two: one node is one disk.
  constexpr std::uint32_t wanted() const { return std::max<std::uint32_t>(2, holders / 2 + 1); }
  constexpr bool is_acknowledged() const { return holders >= 2 && synced >= wanted(); }
  friend constexpr bool operator==(const Receipt&, const Receipt&) = default;
};

}  // namespace trestle::dht
