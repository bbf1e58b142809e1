#include "trestle/wire/websocket/utf8_check.hpp"

#include <cstddef>
#include <cstring>

namespace trestle::wire::websocket {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

std::uint64_t word_at(const std::uint8_t* place) {
  std::uint64_t word = 0;
  std::memcpy(&word, place, kWordBytes);
  return word;
}

/// The first byte that is not ASCII, or a little before it; `end` if there is none.
const std::uint8_t* past_ascii(const std::uint8_t* place, const std::uint8_t* end) {
  constexpr std::size_t kStride = 4 * kWordBytes;
  while (static_cast<std::size_t>(end - place) >= kStride) {
    const std::uint64_t first = word_at(place) | word_at(place + kWordBytes);
    const std::uint64_t second = word_at(place + 2 * kWordBytes) | word_at(place + 3 * kWordBytes);
    if (((first | second) & kHighBits) != 0) break;
    place += kStride;
  }
  while (static_cast<std::size_t>(end - place) >= kWordBytes) {
    if ((word_at(place) & kHighBits) != 0) break;
    place += kWordBytes;
  }
  while (place != end && *place < 0x80) ++place;
  return place;
}

}  // namespace

bool Utf8Check::take(ByteSpan piece) {
  const std::uint8_t* place = piece.data();
  const std::uint8_t* const end = place + piece.size();
  while (place != end) {
    const std::uint8_t byte = *place;
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
      ++place;
    } else if (byte < 0x80) {
      place = past_ascii(place, end);
    } else {
      // The second byte alone decides whether a character is overlong, a surrogate or above
      // U+10FFFF (Unicode 15, table 3-7).
      if (byte < 0xc2 || byte > 0xf4) return false;
      missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
      high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
      ++place;
    }
  }
  return true;
}

}  // namespace trestle::wire::websocket
