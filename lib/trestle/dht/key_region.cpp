#include "trestle/dht/key_region.hpp"

#include <cstdint>

namespace trestle::dht {
namespace {

/// A word whose first `bits` bits are zero and whose others are one; all are zero from its width
/// on.
template <typename Word>
Word tail(unsigned bits, unsigned width) {
  if (bits == 0) return static_cast<Word>(~Word{0});
  return bits >= width ? Word{0} : static_cast<Word>((Word{1} << (width - bits)) - 1);
}

unsigned beyond(unsigned bits, unsigned start) { return bits > start ? bits - start : 0; }

}  // namespace

KeyRegion region_around(const NodeId& place, unsigned bits) {
  const auto high = tail<std::uint64_t>(bits, 64);
  const auto middle = tail<std::uint64_t>(beyond(bits, 64), 64);
  const auto low = tail<std::uint32_t>(beyond(bits, 128), 32);
  return {.first = {place.high() & ~high, place.middle() & ~middle, place.low() & ~low},
          .last = {place.high() | high, place.middle() | middle, place.low() | low}};
}

}  // namespace trestle::dht
