#include "trestle/crypto/suite/standin/mixer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trestle::crypto::standin {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
// The constants of splitmix64 and of MurmurHash3's finisher: odd, with their bits well spread.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;
constexpr std::uint64_t kLeftFactor = 0xff51afd7ed558ccdu;
constexpr std::uint64_t kRightFactor = 0xc4ceb9fe1a85ec53u;

std::uint64_t spread(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
  return word ^ (word >> 31);
}

std::uint64_t little_endian(std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// Up to eight bytes, little-endian whatever the machine; missing ones count as zero (the item's
/// length tells them apart).
std::uint64_t read_word(ByteSpan bytes) {
  std::uint64_t word = 0;
  if (bytes.size() == kWordBytes) {
    std::memcpy(&word, bytes.data(), kWordBytes);
    return little_endian(word);
  }
  for (std::size_t index = bytes.size(); index-- > 0;) word = word << 8 | bytes[index];
  return word;
}

}  // namespace

Mixer::Mixer(std::string_view domain) : left_(kGolden), right_(~kGolden) { add(as_bytes(domain)); }

void Mixer::add(ByteSpan item) {
  add_word(item.size());
  while (!item.empty()) {
    const std::size_t taken = std::min(item.size(), kWordBytes);
    add_word(read_word(item.first(taken)));
    item = item.subspan(taken);
  }
}

void Mixer::add_word(std::uint64_t word) {
  left_ = (left_ ^ word) * kLeftFactor;
  left_ ^= left_ >> 32;
  right_ = (std::rotl(right_, 23) + word) * kRightFactor;
  right_ ^= right_ >> 29;
}

void Mixer::finish(std::span<std::uint8_t> out) const {
  std::uint64_t counter = 0;
  for (std::size_t start = 0; start < out.size(); start += kWordBytes) {
    counter += kGolden;
    const std::uint64_t from_left = spread(left_ + counter);
    const std::uint64_t word = spread(from_left ^ (right_ + counter));
    const std::uint64_t ordered = little_endian(word);
    std::memcpy(out.data() + start, &ordered, std::min(kWordBytes, out.size() - start));
  }
}

}  // namespace trestle::crypto::standin
