#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::dht {

// What the two sources of the routing table share.

/// Bits of a peer's flags.
inline constexpr std::uint8_t kConnected = 1;
inline constexpr std::uint8_t kFailed = 2;
/// It has left us without an answer since it was last seen: once is enough, failed are among them.
inline constexpr std::uint8_t kDoubtful = 4;

/// Upper bound of `bucket_peers_max`: a bucket is ranked on the stack, by keys of 64 bits whose
/// last six say which peer.
inline constexpr std::size_t kBucketPeersCeiling = 64;
inline constexpr std::uint64_t kPeerBits = kBucketPeersCeiling - 1;

/// Whether those keys cannot tell two ids apart, whatever the target: they agree in what a key
/// shows of their distance to it.
constexpr bool look_alike(std::uint64_t left, std::uint64_t right) {
  return (left ^ right) <= kPeerBits;
}

}  // namespace trestle::dht
