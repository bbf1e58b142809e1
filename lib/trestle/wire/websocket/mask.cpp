#include "trestle/wire/websocket/mask.hpp"

#include <cstring>

#include "trestle/base/assertion.hpp"

namespace trestle::wire::websocket {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
using WordOfBytes = std::array<std::uint8_t, kWordBytes>;

/// The key twice, beginning with the byte that masks the one at `offset`.
WordOfBytes repeated(MaskKey key, std::size_t offset) {
  WordOfBytes bytes{};
  for (std::size_t index = 0; index < kWordBytes; ++index) {
    bytes[index] = key[(offset + index) % key.size()];
  }
  return bytes;
}

void mask_word(const std::uint8_t* from, std::uint8_t* to, std::uint64_t mask) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, kWordBytes);
  word ^= mask;
  std::memcpy(to, &word, kWordBytes);
}

/// `from` and `to` are the same place, or do not overlap. Words are as long as the key twice, so
/// that each begins with the same byte of it, and the order of bytes in a word does not matter.
void mask_bytes(const std::uint8_t* from, std::uint8_t* to, std::size_t bytes, WordOfBytes key) {
  std::uint64_t mask = 0;
  std::memcpy(&mask, key.data(), kWordBytes);
  for (; bytes >= 4 * kWordBytes; bytes -= 4 * kWordBytes) {
    mask_word(from, to, mask);
    mask_word(from + kWordBytes, to + kWordBytes, mask);
    mask_word(from + 2 * kWordBytes, to + 2 * kWordBytes, mask);
    mask_word(from + 3 * kWordBytes, to + 3 * kWordBytes, mask);
    from += 4 * kWordBytes;
    to += 4 * kWordBytes;
  }
  for (; bytes >= kWordBytes; bytes -= kWordBytes) {
    mask_word(from, to, mask);
    from += kWordBytes;
    to += kWordBytes;
  }
  for (std::size_t index = 0; index < bytes; ++index) {
    to[index] = static_cast<std::uint8_t>(from[index] ^ key[index]);
  }
}

}  // namespace

void apply_mask(std::span<std::uint8_t> bytes, MaskKey key, std::size_t offset) {
  mask_bytes(bytes.data(), bytes.data(), bytes.size(), repeated(key, offset));
}

void copy_masked(ByteSpan from, std::span<std::uint8_t> to, MaskKey key) {
  TRESTLE_ASSERT(from.size() == to.size());
  mask_bytes(from.data(), to.data(), from.size(), repeated(key, 0));
}

}  // namespace trestle::wire::websocket
