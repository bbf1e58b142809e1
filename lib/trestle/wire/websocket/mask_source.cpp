#include "trestle/wire/websocket/mask_source.hpp"

#include <bit>
#include <cstring>

namespace trestle::wire::websocket {
namespace {

constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kKeyBegins = 4;  ///< Word of the state; the counter is word 12.
constexpr std::size_t kCounter = 12;
constexpr int kDoubleRounds = 10;
/// "expand 32-byte k", as every implementation has it.
constexpr std::array<std::uint32_t, 4> kConstants = {0x61707865, 0x3320646e, 0x79622d32,
                                                     0x6b206574};

void quarter_round(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d) {
  a += b;
  d = std::rotl(d ^ a, 16);
  c += d;
  b = std::rotl(b ^ c, 12);
  a += b;
  d = std::rotl(d ^ a, 8);
  c += d;
  b = std::rotl(b ^ c, 7);
}

}  // namespace

std::array<std::uint8_t, 64> chacha20_block(const std::array<std::uint32_t, 16>& state) {
  std::array<std::uint32_t, 16> words = state;
  for (int round = 0; round < kDoubleRounds; ++round) {
    quarter_round(words[0], words[4], words[8], words[12]);
    quarter_round(words[1], words[5], words[9], words[13]);
    quarter_round(words[2], words[6], words[10], words[14]);
    quarter_round(words[3], words[7], words[11], words[15]);
    quarter_round(words[0], words[5], words[10], words[15]);
    quarter_round(words[1], words[6], words[11], words[12]);
    quarter_round(words[2], words[7], words[8], words[13]);
    quarter_round(words[3], words[4], words[9], words[14]);
  }
  std::array<std::uint8_t, 64> block{};
  for (std::size_t index = 0; index < words.size(); ++index) {
    const std::uint32_t word = words[index] + state[index];
    for (std::size_t byte = 0; byte < kWordBytes; ++byte) {
      block[index * kWordBytes + byte] = static_cast<std::uint8_t>(word >> (8 * byte));
    }
  }
  return block;
}

MaskSource::MaskSource(std::span<const std::uint8_t, kSeedBytes> seed) : state_{} {
  for (std::size_t index = 0; index < kConstants.size(); ++index) state_[index] = kConstants[index];
  for (std::size_t index = 0; index < seed.size(); ++index) {
    const std::uint32_t byte = seed[index];
    state_[kKeyBegins + index / kWordBytes] |= byte << (8 * (index % kWordBytes));
  }
}

MaskKey MaskSource::next() {
  if (used_ == block_.size()) {
    block_ = chacha20_block(state_);
    // 2^64 blocks: the counter's carry goes where the nonce begins, which is all zero here.
    if (++state_[kCounter] == 0) ++state_[kCounter + 1];
    used_ = 0;
  }
  MaskKey key{};
  std::memcpy(key.data(), block_.data() + used_, key.size());
  used_ += key.size();
  return key;
}

}  // namespace trestle::wire::websocket
