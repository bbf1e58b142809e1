#include "trestle/base/node_id.hpp"

#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

template <typename Word>
Word read_word(const std::uint8_t* bytes) {
  Word word = 0;
  for (std::size_t index = 0; index < sizeof(Word); ++index) {
    word = static_cast<Word>(word << 8 | bytes[index]);
  }
  return word;
}

template <typename Word>
void write_word(Word word, std::uint8_t* bytes) {
  for (std::size_t index = 0; index < sizeof(Word); ++index) {
    bytes[index] = static_cast<std::uint8_t>(word >> (8 * (sizeof(Word) - 1 - index)));
  }
}

}  // namespace

NodeId NodeId::from_bytes(std::span<const std::uint8_t, kBytes> bytes) {
  return {read_word<std::uint64_t>(bytes.data()), read_word<std::uint64_t>(bytes.data() + 8),
          read_word<std::uint32_t>(bytes.data() + 16)};
}

std::optional<NodeId> NodeId::from_hex(std::string_view text) {
  std::array<std::uint8_t, kBytes> bytes;
  if (!trestle::from_hex(text, bytes)) return std::nullopt;
  return from_bytes(bytes);
}

std::array<std::uint8_t, NodeId::kBytes> NodeId::to_bytes() const {
  std::array<std::uint8_t, kBytes> bytes;
  write_word(high_, bytes.data());
  write_word(middle_, bytes.data() + 8);
  write_word(low_, bytes.data() + 16);
  return bytes;
}

std::string NodeId::to_hex() const { return trestle::to_hex(to_bytes()); }

std::string NodeId::to_short_hex() const {
  const auto bytes = to_bytes();
  return trestle::to_hex(ByteSpan(bytes).first(4));
}

NodeId NodeId::with_bit_flipped(unsigned index) const {
  TRESTLE_ASSERT(index < kBits);
  NodeId flipped = *this;
  if (index < 64) {
    flipped.high_ ^= std::uint64_t{1} << (63 - index);
  } else if (index < 128) {
    flipped.middle_ ^= std::uint64_t{1} << (127 - index);
  } else {
    flipped.low_ ^= std::uint32_t{1} << (159 - index);
  }
  return flipped;
}

unsigned common_prefix_bits(const NodeId& left, const NodeId& right) {
  const NodeId apart = distance(left, right);
  if (apart.high() != 0) return static_cast<unsigned>(std::countl_zero(apart.high()));
  if (apart.middle() != 0) return 64 + static_cast<unsigned>(std::countl_zero(apart.middle()));
  if (apart.low() != 0) return 128 + static_cast<unsigned>(std::countl_zero(apart.low()));
  return NodeId::kBits;
}

}  // namespace trestle::inline base
