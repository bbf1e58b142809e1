#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {

/// Sizes that add up to `bytes`.
using Pieces = std::vector<std::size_t>;

inline Pieces whole(std::size_t bytes) { return {bytes}; }
inline Pieces byte_by_byte(std::size_t bytes) { return Pieces(bytes, 1); }

inline Pieces random_pieces(std::size_t bytes, Rng& rng) {
  Pieces pieces;
  // Mostly about as long as heads are, sometimes long.
  while (bytes > 0) {
    const std::uint64_t bound = rng.chance(1, 4) ? 400 : 9;
    const std::uint64_t drawn = rng.below(bound);
    const std::size_t piece = std::min<std::size_t>(bytes, drawn);
    pieces.push_back(piece);
    bytes -= piece;
  }
  return pieces;
}

/// Feeds copies of exactly the size of each piece, which die before the next one comes, so that a
/// sanitizer sees who reads too far or too late. `use` takes a writable piece.
template <typename Use>
void in_pieces(ByteSpan bytes, const Pieces& pieces, const Use& use) {
  std::size_t begin = 0;
  for (const std::size_t size : pieces) {
    Bytes piece = to_bytes(bytes.subspan(begin, size));
    use(std::span<std::uint8_t>(piece));
    begin += size;
  }
}

}  // namespace trestle::test
