#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "trestle/base/bytes.hpp"

namespace trestle::sim {

/// A running 64-bit hash over everything that happened in a world, in order. Equal fingerprints
/// mean equal runs: it is what compares two executions of one seed, two compilers, two standard
/// libraries. Not a security hash.
class Fingerprint {
 public:
  void add(std::uint64_t word) {
    value_ = std::rotl(value_ ^ word, 29) * 0x9e3779b97f4a7c15u;
    value_ ^= value_ >> 32;
  }
  void add(ByteSpan bytes) { add(of(bytes)); }

  std::uint64_t value() const { return value_; }

  /// FNV-1a over words of eight bytes read little-endian, then over the rest: a frame costs a few
  /// nanoseconds.
  static std::uint64_t of(ByteSpan bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ bytes.size();
    std::size_t place = 0;
    for (; place + 8 <= bytes.size(); place += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + place, 8);
      if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
      hash = (hash ^ word) * 0x100000001b3u;
      hash ^= hash >> 29;
    }
    for (; place < bytes.size(); ++place) hash = (hash ^ bytes[place]) * 0x100000001b3u;
    return hash;
  }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace trestle::sim
