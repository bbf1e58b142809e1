#include <string>

#include <openssl/err.h>

#include "catch.hpp"
#include "crypto/suite_contract.hpp"

namespace trestle::test {
namespace {

// RFC 6979, A.2.5: a P-256 key pair and its signatures with SHA-256.
const std::string kScalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const std::string kX = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
const std::string kY = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
const std::string kSampleR = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716";
const std::string kSampleHighS = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
const std::string kTestR = "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367";
const std::string kTestS = "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";

PublicKey published_key() { return bytes_from_hex<64>(kX + kY); }

TEST_CASE("the published private scalar gives the published public key") {
  Suite suite;
  KeyPair pair;
  REQUIRE(suite.restore(scalar_from_hex(kScalar), pair));
  CHECK(to_hex(pair.key) == kX + kY);
}

TEST_CASE("the published key has the node id that another implementation computes") {
  Suite suite;
  CHECK(crypto::node_id_of(suite, published_key()).to_hex() ==
        "d6c23e2744a840cb3a5a14b6554cce7c070057c4");
  CHECK(crypto::place_of_key(suite, "greeting").to_hex() ==
        "a0f7e779f9247566c84036f07f7bdf4a40a869bd");
}

TEST_CASE("a published signature verifies") {
  Suite suite;
  const Signature signature = bytes_from_hex<64>(kTestR + kTestS);
  CHECK(suite.verify(published_key(), as_bytes("test"), signature));
  CHECK_FALSE(suite.verify(published_key(), as_bytes("sample"), signature));
}

TEST_CASE("a published signature with the high s is refused, its twin with the low s verifies") {
  Suite suite;
  const Signature high = bytes_from_hex<64>(kSampleR + kSampleHighS);
  const auto r = std::span(high).first<crypto::kScalarBytes>();
  const auto s = std::span(high).last<crypto::kScalarBytes>();
  CHECK_FALSE(suite.verify(published_key(), as_bytes("sample"), high));
  CHECK(suite.verify(published_key(), as_bytes("sample"), joined(r, crypto::negated(s))));
}

TEST_CASE("signatures with the restored published key verify under the published point") {
  Suite suite;
  KeyPair pair;
  REQUIRE(suite.restore(scalar_from_hex(kScalar), pair));
  for (int round = 0; round < 200; ++round) {
    const Bytes message = patterned(static_cast<std::size_t>(round));
    const Signature signature = suite.sign(pair, message);
    CHECK(crypto::is_canonical(signature));
    CHECK(suite.verify(published_key(), message, signature));
  }
}

TEST_CASE("signing the same bytes twice gives two signatures: the nonce is fresh") {
  Suite suite;
  const KeyPair pair = suite.generate();
  CHECK(suite.sign(pair, as_bytes("m")) != suite.sign(pair, as_bytes("m")));
}

TEST_CASE("points beside the curve are refused: the published one with x or y off by one") {
  Suite suite;
  const Signature signature = bytes_from_hex<64>(kTestR + kTestS);
  for (const std::size_t last_byte : {31u, 63u}) {
    for (const int step : {-1, 1}) {
      PublicKey key = published_key();
      key[last_byte] = static_cast<std::uint8_t>(key[last_byte] + step);
      CHECK_FALSE(suite.verify(key, as_bytes("test"), signature));
    }
  }
}

TEST_CASE("the mirrored point is another key") {
  Suite suite;
  // p - y, computed elsewhere.
  const std::string mirrored_y = "86fc01eef74743675be51616a9d7439b0d0e4df4d28160ae885c3d6b2bb9dd66";
  const PublicKey mirrored = bytes_from_hex<64>(kX + mirrored_y);
  CHECK_FALSE(suite.verify(mirrored, as_bytes("test"), bytes_from_hex<64>(kTestR + kTestS)));
}

TEST_CASE(
    "a key and signature chosen so that the sum is the point at infinity are refused, not fatal") {
  Suite suite;
  KeyPair pair;
  REQUIRE(suite.restore(scalar_from_hex(std::string(63, '0') + "1"), pair));
  // With the scalar 1 the sum is (e + r) / s times the generator, e being the digest: r = n - e
  // makes it vanish.
  const auto digest = suite.sha256(as_bytes("message"));
  REQUIRE(crypto::is_scalar(digest));
  std::array<std::uint8_t, crypto::kScalarBytes> one{};
  one.back() = 1;
  CHECK_FALSE(suite.verify(pair.key, as_bytes("message"), joined(crypto::negated(digest), one)));
  // OpenSSL calls this one an error; what it notes must not meet the next TLS call.
  CHECK(ERR_peek_error() == 0);
  CHECK(suite.verify(pair.key, as_bytes("message"), suite.sign(pair, as_bytes("message"))));
}

TEST_CASE("ten thousand random strings are no signatures") {
  Suite suite;
  const KeyPair pair = suite.generate();
  int accepted = 0;
  for (int round = 0; round < 10'000; ++round) {
    Signature signature;
    suite.random(signature);
    // Into range, so that the check of the range alone does not refuse it.
    signature.front() &= 0x7f;
    signature[crypto::kScalarBytes] &= 0x3f;
    if (suite.verify(pair.key, as_bytes("message"), signature)) ++accepted;
  }
  CHECK(accepted == 0);
}

}  // namespace
}  // namespace trestle::test
