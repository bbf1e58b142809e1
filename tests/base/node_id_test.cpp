#include "trestle/base/node_id.hpp"

#include <algorithm>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

namespace {

/// The reference: an id as the 20 bytes it stands for.
using Plain = std::array<std::uint8_t, NodeId::kBytes>;

Plain random_bytes(Rng& rng) {
  Plain bytes;
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next() >> 56);
  return bytes;
}

/// Mostly near `base`, so that long common prefixes occur.
Plain random_neighbour(Rng& rng, const Plain& base) {
  Plain bytes = base;
  const std::uint64_t place = rng.below(bytes.size() + 1);
  for (std::size_t index = place; index < bytes.size(); ++index) {
    if (rng.chance(1, 2)) bytes[index] = static_cast<std::uint8_t>(rng.next() >> 56);
  }
  return bytes;
}

bool plain_bit(const Plain& bytes, unsigned index) {
  return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

unsigned plain_prefix(const Plain& left, const Plain& right) {
  unsigned bits = 0;
  while (bits < NodeId::kBits && plain_bit(left, bits) == plain_bit(right, bits)) ++bits;
  return bits;
}

Plain plain_distance(const Plain& left, const Plain& right) {
  Plain apart;
  for (std::size_t index = 0; index < apart.size(); ++index) {
    apart[index] = static_cast<std::uint8_t>(left[index] ^ right[index]);
  }
  return apart;
}

}  // namespace

TEST_CASE("an id keeps its bytes and its hex digits") {
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    const Plain bytes = random_bytes(rng);
    const NodeId id = NodeId::from_bytes(bytes);
    REQUIRE(id.to_bytes() == bytes);
    REQUIRE(id.to_hex() == to_hex(bytes));
    REQUIRE(id.to_short_hex() == to_hex(bytes).substr(0, 8));
    const auto read = NodeId::from_hex(id.to_hex());
    REQUIRE(read.has_value());
    REQUIRE(*read == id);
  }
}

TEST_CASE("words are most significant first") {
  const NodeId id(0x0001020304050607u, 0x08090a0b0c0d0e0fu, 0x10111213u);
  CHECK(id.to_hex() == "000102030405060708090a0b0c0d0e0f10111213");
}

TEST_CASE("exactly 40 hex digits of either case make an id, nothing else does") {
  const std::string digits = "0123456789abcdefABCDEF0123456789abcdef01";
  REQUIRE(digits.size() == 40);
  REQUIRE(NodeId::from_hex(digits).has_value());
  CHECK(NodeId::from_hex(digits)->to_hex() == "0123456789abcdefabcdef0123456789abcdef01");
  CHECK_FALSE(NodeId::from_hex("").has_value());
  CHECK_FALSE(NodeId::from_hex(digits.substr(1)).has_value());
  CHECK_FALSE(NodeId::from_hex(digits + "0").has_value());
  CHECK_FALSE(NodeId::from_hex("0x" + digits.substr(2)).has_value());
  for (std::size_t place = 0; place < digits.size(); ++place) {
    for (const char wrong : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '-'}) {
      std::string changed = digits;
      changed[place] = wrong;
      CHECK_FALSE(NodeId::from_hex(changed).has_value());
    }
  }
}

TEST_CASE("order, distance, prefix and bits are those of the bytes") {
  Rng rng(2);
  for (int round = 0; round < 5000; ++round) {
    const Plain a = random_bytes(rng);
    const Plain b = random_neighbour(rng, a);
    const Plain c = random_neighbour(rng, a);
    const NodeId left = NodeId::from_bytes(a);
    const NodeId right = NodeId::from_bytes(b);
    const NodeId target = NodeId::from_bytes(c);
    REQUIRE((left <=> right) == (a <=> b));
    REQUIRE((left == right) == (a == b));
    REQUIRE(distance(left, right).to_bytes() == plain_distance(a, b));
    REQUIRE(common_prefix_bits(left, right) == plain_prefix(a, b));
    REQUIRE(closer(target, left, right) == (plain_distance(c, a) < plain_distance(c, b)));
    const auto index = static_cast<unsigned>(rng.below(NodeId::kBits));
    REQUIRE(left.bit(index) == plain_bit(a, index));
  }
}

TEST_CASE("flipping a bit changes that bit alone, and twice changes nothing") {
  Rng rng(3);
  for (unsigned index = 0; index < NodeId::kBits; ++index) {
    const NodeId id = NodeId::from_bytes(random_bytes(rng));
    const NodeId flipped = id.with_bit_flipped(index);
    for (unsigned other = 0; other < NodeId::kBits; ++other) {
      REQUIRE((flipped.bit(other) == id.bit(other)) == (other != index));
    }
    REQUIRE(common_prefix_bits(id, flipped) == index);
    REQUIRE(flipped.with_bit_flipped(index) == id);
  }
}

TEST_CASE("the distance is a metric: zero to itself, symmetric, and it keeps the triangle") {
  Rng rng(4);
  for (int round = 0; round < 1000; ++round) {
    const NodeId a = NodeId::from_bytes(random_bytes(rng));
    const NodeId b = NodeId::from_bytes(random_bytes(rng));
    const NodeId c = NodeId::from_bytes(random_bytes(rng));
    REQUIRE(distance(a, a).is_zero());
    REQUIRE(distance(a, b) == distance(b, a));
    REQUIRE(distance(distance(a, b), distance(b, c)) == distance(a, c));
    REQUIRE_FALSE(closer(a, b, b));
  }
}

TEST_CASE("an id is zero when all of its bits are") {
  CHECK(NodeId{}.is_zero());
  CHECK(common_prefix_bits(NodeId{}, NodeId{}) == NodeId::kBits);
  for (unsigned index = 0; index < NodeId::kBits; ++index) {
    CHECK_FALSE(NodeId{}.with_bit_flipped(index).is_zero());
  }
}
