#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/wire/native/decode_error.hpp"

namespace trestle::wire::native {

/// A number of 64 bits in groups of 7 has at most this many bytes, of which the last holds one bit.
inline constexpr std::size_t kVarintBytesMax = 10;
inline constexpr unsigned kVarintGroupBits = 7;
inline constexpr std::uint8_t kVarintMore = 0x80;  ///< Set on all bytes but the last.

/// Size of `value` as a varint, 1..10.
constexpr std::size_t varint_bytes(std::uint64_t value) {
  const auto bits = static_cast<unsigned>(std::bit_width(value | 1));
  return (bits + kVarintGroupBits - 1) / kVarintGroupBits;
}

/// Reads primitive fields from borrowed bytes. The first failure stays: afterwards every read gives
/// zero or nothing, and the caller looks at `error()` once, at the end.
class Reader {
 public:
  explicit Reader(ByteSpan bytes) : rest_(bytes) {}

  std::size_t left() const { return rest_.size(); }
  bool failed() const { return failed_; }
  /// Call only after a failure.
  DecodeError error() const {
    TRESTLE_ASSERT(failed_);
    return error_;
  }

  void fail(DecodeError error) {
    if (failed_) return;
    failed_ = true;
    error_ = error;
    rest_ = {};
  }

  std::uint8_t byte() {
    const ByteSpan taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }

  /// Exactly `count` bytes, borrowed from the input; empty after a failure.
  ByteSpan take(std::uint64_t count) {
    if (count > rest_.size()) {
      fail(DecodeError::truncated);
      return {};
    }
    const ByteSpan taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  /// Unsigned LEB128 in its shortest form; anything longer is malformed, so that a message has one
  /// encoding.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < kVarintBytesMax; ++index) {
      if (index == rest_.size()) {
        fail(DecodeError::truncated);
        return 0;
      }
      const std::uint8_t byte = rest_[index];
      const auto group = static_cast<std::uint64_t>(byte & ~kVarintMore);
      const bool is_last = (byte & kVarintMore) == 0;
      const bool overflows = index == kVarintBytesMax - 1 && group > 1;
      const bool is_padding = is_last && group == 0 && index > 0;
      if (overflows || is_padding) break;
      value |= group << (kVarintGroupBits * index);
      if (is_last) {
        rest_ = rest_.subspan(index + 1);
        return value;
      }
    }
    fail(DecodeError::malformed);
    return 0;
  }

  /// A length and that many bytes, borrowed. A length above `bytes_max` is refused before anything
  /// is looked at.
  ByteSpan sized(std::size_t bytes_max) {
    const std::uint64_t length = varint();
    if (length > bytes_max) {
      fail(DecodeError::oversized);
      return {};
    }
    return take(length);
  }

 private:
  ByteSpan rest_;
  bool failed_ = false;
  DecodeError error_ = DecodeError::truncated;
};

/// Writes primitive fields into space that was measured before. Writing more than that is our own
/// mistake.
class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> space) : rest_(space) {}

  std::size_t left() const { return rest_.size(); }

  void byte(std::uint8_t value) {
    TRESTLE_ASSERT(!rest_.empty());
    rest_[0] = value;
    rest_ = rest_.subspan(1);
  }

  void raw(ByteSpan bytes) {
    TRESTLE_ASSERT(bytes.size() <= rest_.size());
    std::copy(bytes.begin(), bytes.end(), rest_.begin());
    rest_ = rest_.subspan(bytes.size());
  }

  void varint(std::uint64_t value) {
    while (value >= kVarintMore) {
      byte(static_cast<std::uint8_t>(value | kVarintMore));
      value >>= kVarintGroupBits;
    }
    byte(static_cast<std::uint8_t>(value));
  }

  void sized(ByteSpan bytes) {
    varint(bytes.size());
    raw(bytes);
  }

 private:
  std::span<std::uint8_t> rest_;
};

}  // namespace trestle::wire::native
