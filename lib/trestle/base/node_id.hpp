#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::inline base {

/// A point of the 160-bit key space: a node, or the place of a stored key.
///
/// Held as machine words, most significant first: comparing and xoring words is what lookups spend
/// their time on, and a bytewise id is 15 times slower in wasm32 (design section 2). The order is
/// that of the 20 bytes read big-endian.
class NodeId {
 public:
  static constexpr std::size_t kBytes = 20;
  static constexpr unsigned kBits = 160;

  constexpr NodeId() = default;
  constexpr NodeId(std::uint64_t high, std::uint64_t middle, std::uint32_t low)
      : high_(high), middle_(middle), low_(low) {}

  /// Inline, as is `to_bytes`: every contact in every message goes through one of them.
  static NodeId from_bytes(std::span<const std::uint8_t, kBytes> bytes) {
    return {read_word<std::uint64_t>(bytes.data()), read_word<std::uint64_t>(bytes.data() + 8),
            read_word<std::uint32_t>(bytes.data() + 16)};
  }
  /// Exactly 40 hex digits of either case; anything else is refused.
  static std::optional<NodeId> from_hex(std::string_view text);

  std::array<std::uint8_t, kBytes> to_bytes() const {
    std::array<std::uint8_t, kBytes> bytes;
    write_word(high_, bytes.data());
    write_word(middle_, bytes.data() + 8);
    write_word(low_, bytes.data() + 16);
    return bytes;
  }
  /// 40 lower-case hex digits.
  std::string to_hex() const;
  /// The first 8 hex digits: enough for a log line, not for a decision.
  std::string to_short_hex() const;

  constexpr bool is_zero() const { return high_ == 0 && middle_ == 0 && low_ == 0; }
  /// Bit `index`, 0 being the most significant; below `kBits`.
  constexpr bool bit(unsigned index) const {
    TRESTLE_ASSERT(index < kBits);
    if (index < 64) return (high_ >> (63 - index) & 1) != 0;
    if (index < 128) return (middle_ >> (127 - index) & 1) != 0;
    return (low_ >> (159 - index) & 1) != 0;
  }
  /// The bits from `index` on as a number, `Count` of them; what lies beyond the last one is 0.
  template <unsigned Count>
  constexpr unsigned bits_from(unsigned index) const {
    if (index + Count <= 64) {
      return static_cast<unsigned>(high_ >> (64 - Count - index) & ((1u << Count) - 1));
    }
    unsigned number = 0;
    for (unsigned at = index; at < index + Count; ++at) {
      number = number << 1 | (at < kBits && bit(at) ? 1u : 0u);
    }
    return number;
  }
  /// This id with bit `index` inverted.
  NodeId with_bit_flipped(unsigned index) const;

  constexpr std::uint64_t high() const { return high_; }
  constexpr std::uint64_t middle() const { return middle_; }
  constexpr std::uint32_t low() const { return low_; }

  friend constexpr auto operator<=>(const NodeId&, const NodeId&) = default;
  friend constexpr bool operator==(const NodeId&, const NodeId&) = default;

 private:
  template <typename Word>
  static constexpr Word big_endian(Word word) {
    return std::endian::native == std::endian::little ? std::byteswap(word) : word;
  }
  template <typename Word>
  static Word read_word(const std::uint8_t* bytes) {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return big_endian(word);
  }
  template <typename Word>
  static void write_word(Word word, std::uint8_t* bytes) {
    word = big_endian(word);
    std::memcpy(bytes, &word, sizeof word);
  }

  std::uint64_t high_ = 0;
  std::uint64_t middle_ = 0;
  std::uint32_t low_ = 0;
};

/// The XOR metric of Kademlia (Maymounkov and Mazières, 2002): a number of 160 bits, itself
/// comparable.
constexpr NodeId distance(const NodeId& left, const NodeId& right) {
  return {left.high() ^ right.high(), left.middle() ^ right.middle(), left.low() ^ right.low()};
}

/// Whether `left` is nearer to `target` than `right` is.
constexpr bool closer(const NodeId& target, const NodeId& left, const NodeId& right) {
  return distance(target, left) < distance(target, right);
}

/// Number of leading bits that both ids share, 0..160.
unsigned common_prefix_bits(const NodeId& left, const NodeId& right);

}  // namespace trestle::inline base
