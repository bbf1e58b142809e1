#include "trestle/crypto/suite/suite.hpp"

#include "catch.hpp"
#include "crypto/suite_contract.hpp"
#include "trestle/crypto/suite/standin/marker.hpp"

namespace trestle::test {
namespace {

// Each end of a conversation has a suite of its own, with a seed of its own.
constexpr std::uint64_t kSeed = 7;
constexpr std::uint64_t kOtherSeed = 8;

TEST_CASE("stand-in: every byte and the length of the input change a digest") {
  Suite suite(kSeed), other(kOtherSeed);
  check_digests_depend_on_every_byte(suite, other);
}

TEST_CASE("stand-in: random bytes differ, use every bit and stay inside their span") {
  Suite suite(kSeed);
  check_random_bytes(suite);
}

TEST_CASE("stand-in: what is signed verifies under the public key alone") {
  Suite suite(kSeed), other(kOtherSeed);
  check_sign_and_verify(suite, other);
}

TEST_CASE("stand-in: one flipped bit of signature, key or message is refused") {
  Suite suite(kSeed);
  check_every_bit_counts(suite);
}

TEST_CASE("stand-in: signatures outside the range of the curve are refused") {
  Suite suite(kSeed);
  for (int round = 0; round < 4; ++round) check_impossible_signatures(suite);
}

TEST_CASE("stand-in: keys that are no point are refused") {
  Suite suite(kSeed);
  check_impossible_keys(suite);
}

TEST_CASE("stand-in: a verification leaves nothing behind for the next one") {
  Suite suite(kSeed);
  check_verifications_in_turn(suite);
}

TEST_CASE("stand-in: a stored scalar gives its pair back, and only a valid one") {
  Suite suite(kSeed), other(kOtherSeed);
  check_restore(suite, other);
}

TEST_CASE("stand-in: a suite can be moved") { check_moving(Suite(kSeed)); }

TEST_CASE("stand-in: ids and places are cut from the suite's digests") {
  Suite suite(kSeed);
  check_identity(suite);
}

TEST_CASE("T1: ten thousand wrong keys claim an id of the simulation, none is accepted") {
  Suite suite(kSeed);
  check_wrong_keys(suite, 10'000);
}

TEST_CASE("stand-in: the seed decides every byte") {
  const auto story = [](std::uint64_t seed) {
    Suite suite(seed);
    Bytes bytes(100);
    suite.random(bytes);
    const KeyPair pair = suite.generate();
    append(bytes, pair.secret.bytes());
    append(bytes, pair.key);
    append(bytes, suite.sign(pair, as_bytes("message")));
    Bytes last(9);
    suite.random(last);
    append(bytes, last);
    return bytes;
  };
  CHECK(story(1) == story(1));
  CHECK(story(1) != story(2));
}

TEST_CASE("stand-in: its bytes are the same on every compiler and machine") {
  Suite suite(kSeed);
  CHECK(to_hex(suite.sha256(as_bytes("abc"))) ==
        "d1754bf769c31d100e918fe50e31f73cc0a27c1454e6be0ee399819fbe2c7bfb");
  CHECK(to_hex(suite.sha1({})) == "c03e5e08cd1b0b49a99879218bcc31921282c1a2");
  CHECK(to_hex(suite.generate().key).substr(0, 32) == "9e695f7057f0d37363bf661287267d1b");
}

TEST_CASE("stand-in: a foreign key in one's own pair forges nothing") {
  Suite suite(kSeed);
  const KeyPair victim = suite.generate();
  KeyPair mixed = suite.generate();
  mixed.key = victim.key;
  CHECK_FALSE(suite.verify(victim.key, as_bytes("m"), suite.sign(mixed, as_bytes("m"))));
}

TEST_CASE("stand-in: a bit of the input flips half of the digest") {
  Suite suite(kSeed);
  constexpr int kRounds = 1000;
  Rng rng(kSeed);
  int flipped_bits = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::array<std::uint8_t, 24> input;
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(rng.next());
    const std::size_t bit = rng.below(input.size() * 8);
    const auto before = suite.sha256(input);
    const auto after = suite.sha256(with_bit_flipped(input, bit));
    int differing = 0;
    for (std::size_t index = 0; index < before.size(); ++index) {
      differing += std::popcount(static_cast<std::uint8_t>(before[index] ^ after[index]));
    }
    // 128 of 256 expected, standard deviation 8: six of them.
    CHECK(differing > 80);
    CHECK(differing < 176);
    flipped_bits += differing;
  }
  const int average = flipped_bits / kRounds;
  CHECK(average >= 127);
  CHECK(average <= 129);
}

TEST_CASE("stand-in: ids of generated keys fill the key space evenly") {
  Suite suite(kSeed);
  std::array<int, 16> counts{};
  for (int round = 0; round < 16'000; ++round) {
    ++counts[crypto::node_id_of(suite, suite.generate().key).high() >> 60];
  }
  // 1000 expected in each sixteenth, standard deviation 31: six of them.
  for (const int count : counts) {
    CHECK(count > 814);
    CHECK(count < 1186);
  }
}

TEST_CASE("stand-in: it marks every program that contains it") {
  CHECK(std::string_view(trestle_standin_crypto_marker) ==
        "trestle stand-in crypto: no security at all");
}

}  // namespace
}  // namespace trestle::test
