#include "trestle/wire/websocket/mask.hpp"

#include <numeric>
#include <set>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/websocket/mask_source.hpp"

using namespace trestle;
using namespace trestle::wire::websocket;

TEST_CASE("masking is what section 5.3 says, for every length, offset and place in memory") {
  const MaskKey key = {0x37, 0xfa, 0x21, 0x3d};
  Bytes space(160);
  for (std::size_t place = 0; place < 9; ++place) {
    for (std::size_t length = 0; length < 140; ++length) {
      for (std::size_t offset = 0; offset < 5; ++offset) {
        std::iota(space.begin(), space.end(), std::uint8_t{0});
        Bytes expected = space;
        for (std::size_t index = 0; index < length; ++index) {
          expected[place + index] =
              static_cast<std::uint8_t>(expected[place + index] ^ key[(offset + index) % 4]);
        }
        apply_mask(std::span(space).subspan(place, length), key, offset);
        if (space != expected) FAIL(place << " " << length << " " << offset);
      }
    }
  }
}

TEST_CASE("a masked copy is a copy that was masked") {
  const MaskKey key = {1, 0, 255, 128};
  for (std::size_t length = 0; length < 140; ++length) {
    Bytes from(length);
    std::iota(from.begin(), from.end(), std::uint8_t{7});
    Bytes to(length + 1, 0xa5);
    copy_masked(from, std::span(to).first(length), key);
    apply_mask(from, key);
    CHECK(std::equal(from.begin(), from.end(), to.begin()));
    CHECK(to.back() == 0xa5);
  }
}

TEST_CASE("masking in pieces is masking as a whole") {
  Rng rng(1);
  const MaskKey key = {9, 8, 7, 6};
  for (int round = 0; round < 200; ++round) {
    Bytes at_once(rng.below(300));
    Bytes in_pieces = at_once;
    apply_mask(at_once, key);
    for (std::size_t begin = 0; begin < in_pieces.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + rng.below(20), in_pieces.size() - begin);
      apply_mask(std::span(in_pieces).subspan(begin, piece), key, begin);
      begin += piece;
    }
    CHECK(at_once == in_pieces);
  }
}

TEST_CASE("a block is that of RFC 8439, section 2.3.2") {
  std::array<std::uint32_t, 16> state = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
                                         0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                                         0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                                         0x00000001, 0x09000000, 0x4a000000, 0x00000000};
  CHECK(to_hex(chacha20_block(state)) ==
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST_CASE("masks follow from the seed, block by block, and do not repeat") {
  std::array<std::uint8_t, MaskSource::kSeedBytes> seed{};
  std::iota(seed.begin(), seed.end(), std::uint8_t{0});
  MaskSource source(seed);
  // The state that a source of this seed begins with.
  std::array<std::uint32_t, 16> state = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
                                         0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                                         0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c};
  std::set<MaskKey> seen;
  constexpr int kBlocks = 64;
  for (int block = 0; block < kBlocks; ++block) {
    Bytes masks;
    for (int count = 0; count < 16; ++count) {
      const MaskKey key = source.next();
      seen.insert(key);
      append(masks, key);
    }
    const auto expected = chacha20_block(state);
    CHECK(std::equal(masks.begin(), masks.end(), expected.begin(), expected.end()));
    ++state[12];
  }
  CHECK(seen.size() == kBlocks * 16);
  seed[0] = 1;
  CHECK_FALSE(seen.contains(MaskSource(seed).next()));
}
