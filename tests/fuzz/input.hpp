#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "trestle/base/bytes.hpp"
#include "trestle/base/node_id.hpp"

namespace trestle::fuzz {

/// Takes an input apart into decisions, for targets that play a story. What is not there reads as
/// zero, so that every input is a story and every beginning of one is a shorter one.
class Input {
 public:
  explicit Input(ByteSpan bytes) : rest_(bytes) {}

  bool is_over() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  bool flag() { return (byte() & 1) != 0; }
  /// Below `bound`, which is 1..256.
  std::size_t below(std::size_t bound) { return byte() % bound; }
  /// `bytes` of them, at most 8.
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < bytes; ++index) value = value << 8 | byte();
    return value;
  }
  /// As many as there are, up to `count`.
  ByteSpan take(std::size_t count) {
    const ByteSpan taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  /// A length of two bytes and what it counts.
  ByteSpan piece() { return take(static_cast<std::size_t>(number(2))); }
  ByteSpan rest() { return take(rest_.size()); }
  /// One of a few ids, near to each other or far: a story is about peers that meet again.
  NodeId id() {
    const std::uint64_t choice = byte();
    const std::uint64_t top = choice & 0x0f;
    return {top << 60 | (choice & 0x30) << 20, choice >> 6, static_cast<std::uint32_t>(choice)};
  }

 private:
  ByteSpan rest_;
};

}  // namespace trestle::fuzz
