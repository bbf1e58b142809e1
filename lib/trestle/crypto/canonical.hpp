#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trestle/base/bytes.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

// The bytes of what is signed and kept: identity records, tokens, lists. Fields of fixed size in a
// fixed order, numbers big-endian, no choice anywhere: one statement has exactly one encoding, and
// what does not encode to the same bytes again is refused.
namespace trestle::crypto {

/// The end of the year 9999. No honest time lies beyond, and below it sums of times cannot
/// overflow.
inline constexpr WallTime kWallTimeMax{std::chrono::milliseconds(253'402'300'799'999)};

class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::size_t bytes_expected) { bytes_.reserve(bytes_expected); }

  CanonicalWriter& bytes(ByteSpan field) {
    append(bytes_, field);
    return *this;
  }
  /// Big-endian in `width` bytes, 1..8.
  CanonicalWriter& number(std::uint64_t value, std::size_t width) {
    for (std::size_t index = width; index-- > 0;) {
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * index)));
    }
    return *this;
  }
  CanonicalWriter& time(WallTime time) {
    return number(static_cast<std::uint64_t>(time.time_since_epoch().count()), 8);
  }
  CanonicalWriter& id(const NodeId& id) { return bytes(id.to_bytes()); }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// Reads what the writer wrote. After the first field that is not there everything reads as zero:
/// ask `is_done` once, at the end.
class CanonicalReader {
 public:
  explicit CanonicalReader(ByteSpan bytes) : rest_(bytes) {}

  void bytes(std::span<std::uint8_t> field) {
    if (!has(field.size())) {
      std::fill(field.begin(), field.end(), std::uint8_t{0});
      return;
    }
    std::copy_n(rest_.begin(), field.size(), field.begin());
    rest_ = rest_.subspan(field.size());
  }
  std::uint64_t number(std::size_t width) {
    if (!has(width)) return 0;
    std::uint64_t value = 0;
    for (const std::uint8_t byte : rest_.first(width)) value = value << 8 | byte;
    rest_ = rest_.subspan(width);
    return value;
  }
  WallTime time() {
    const std::uint64_t milliseconds = number(8);
    const auto last = static_cast<std::uint64_t>(kWallTimeMax.time_since_epoch().count());
    if (milliseconds > last) is_good_ = false;
    return WallTime(std::chrono::milliseconds(std::min(milliseconds, last)));
  }
  NodeId id() {
    std::array<std::uint8_t, NodeId::kBytes> field{};
    bytes(field);
    return NodeId::from_bytes(field);
  }
  std::size_t bytes_left() const { return rest_.size(); }
  /// Everything was there, and nothing is left.
  bool is_done() const { return is_good_ && rest_.empty(); }

 private:
  bool has(std::size_t size) {
    if (rest_.size() < size) is_good_ = false;
    return is_good_;
  }

  ByteSpan rest_;
  bool is_good_ = true;
};

}  // namespace trestle::crypto
