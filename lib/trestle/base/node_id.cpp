#include "trestle/base/node_id.hpp"

#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
std::optional<NodeId> NodeId::from_hex(std::string_view text) {
  std::array<std::uint8_t, kBytes> bytes;
  if (!trestle::from_hex(text, bytes)) return std::nullopt;
  return from_bytes(bytes);
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
