#pragma once

#include <compare>
#include <cstdint>

namespace trestle::dht {

/// Peers that may well be in one hand. Zero is nobody's: such a peer counts in no group.
struct PeerGroup {
  std::uint64_t value = 0;
  bool is_exempt() const { return value == 0; }
  friend constexpr auto operator<=>(const PeerGroup&, const PeerGroup&) = default;
};

/// The groups of one peer: where it is, and who invited it.
struct PeerGroups {
  PeerGroup place{};
  PeerGroup inviter{};
  friend constexpr bool operator==(const PeerGroups&, const PeerGroups&) = default;
};

}  // namespace trestle::dht
