#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/curve_order.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/proof.hpp"
#include "trestle/crypto/suite/suite.hpp"

// What every suite promises, whichever world it belongs to. Both test programs of the room run all
// of it.
namespace trestle::test {

using crypto::KeyPair;
using crypto::PrivateKey;
using crypto::PublicKey;
using crypto::Signature;
using crypto::Suite;

template <std::size_t Size>
std::array<std::uint8_t, Size> bytes_from_hex(std::string_view text) {
  std::array<std::uint8_t, Size> bytes{};
  REQUIRE(from_hex(text, bytes));
  return bytes;
}

inline PrivateKey scalar_from_hex(std::string_view text) {
  return PrivateKey(bytes_from_hex<PrivateKey::kBytes>(text));
}

template <std::size_t Size>
std::array<std::uint8_t, Size> with_bit_flipped(std::array<std::uint8_t, Size> bytes,
                                                std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80u >> (bit % 8));
  return bytes;
}

inline bool same_bytes(ByteSpan left, ByteSpan right) { return std::ranges::equal(left, right); }

inline Bytes patterned(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t index = 0; index < size; ++index)
    bytes[index] = static_cast<std::uint8_t>(index * 7 + 3);
  return bytes;
}

/// r and s put together from two numbers.
inline Signature joined(crypto::Scalar r, crypto::Scalar s) {
  Signature signature{};
  std::ranges::copy(r, signature.begin());
  std::ranges::copy(s, signature.begin() + crypto::kScalarBytes);
  return signature;
}

inline void check_digests_depend_on_every_byte(Suite& suite, Suite& other) {
  std::vector<Bytes> seen;
  for (std::size_t size = 0; size < 200; ++size) {
    // All zero: only the length tells these inputs apart.
    const Bytes data(size, 0);
    const auto long_digest = suite.sha256(data);
    const auto short_digest = suite.sha1(data);
    CHECK(long_digest == other.sha256(data));
    CHECK(short_digest == other.sha1(data));
    seen.push_back(to_bytes(long_digest));
    seen.push_back(to_bytes(short_digest));
    seen.push_back(to_bytes(suite.hmac_sha256(as_bytes("key"), data)));
  }
  const Bytes data = patterned(100);
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    Bytes changed = data;
    changed[bit / 8] ^= static_cast<std::uint8_t>(0x80u >> (bit % 8));
    seen.push_back(to_bytes(suite.sha256(changed)));
    seen.push_back(to_bytes(suite.sha1(changed)));
    seen.push_back(to_bytes(suite.hmac_sha256(as_bytes("key"), changed)));
    seen.push_back(to_bytes(suite.hmac_sha256(changed, as_bytes("data"))));
  }
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

inline void check_random_bytes(Suite& suite) {
  suite.random({});
  std::vector<wire::Nonce> nonces(1000);
  wire::Nonce seen{};
  for (wire::Nonce& nonce : nonces) {
    suite.random(nonce);
    for (std::size_t index = 0; index < seen.size(); ++index) seen[index] |= nonce[index];
  }
  std::ranges::sort(nonces);
  CHECK(std::ranges::adjacent_find(nonces) == nonces.end());
  // Every bit of every position is used.
  CHECK(std::ranges::all_of(seen, [](std::uint8_t byte) { return byte == 0xff; }));

  // Nothing beside the span is touched, whatever its size.
  for (std::size_t size = 0; size < 40; ++size) {
    Bytes framed(size + 2, 0xa5);
    suite.random(std::span(framed).subspan(1, size));
    CHECK(framed.front() == 0xa5);
    CHECK(framed.back() == 0xa5);
  }
}

inline void check_sign_and_verify(Suite& suite, Suite& other) {
  for (const std::size_t size : {0u, 1u, 31u, 32u, 33u, 200u, 100'000u}) {
    const KeyPair pair = suite.generate();
    const Bytes message = patterned(size);
    const Signature signature = suite.sign(pair, message);
    CHECK(suite.verify(pair.key, message, signature));
    // A verifier shares nothing with the signer but the public key.
    CHECK(other.verify(pair.key, message, signature));
  }
}

inline void check_every_bit_counts(Suite& suite) {
  const KeyPair pair = suite.generate();
  const auto message = bytes_from_hex<16>("000102030405060708090a0b0c0d0e0f");
  const Signature signature = suite.sign(pair, message);
  REQUIRE(suite.verify(pair.key, message, signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    CAPTURE(bit);
    CHECK_FALSE(suite.verify(pair.key, message, with_bit_flipped(signature, bit)));
    CHECK_FALSE(suite.verify(with_bit_flipped(pair.key, bit), message, signature));
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    CAPTURE(bit);
    CHECK_FALSE(suite.verify(pair.key, with_bit_flipped(message, bit), signature));
  }
  CHECK_FALSE(suite.verify(pair.key, std::span(message).first(15), signature));
}

inline void check_impossible_signatures(Suite& suite) {
  const KeyPair pair = suite.generate();
  const ByteSpan message = as_bytes("message");
  const Signature signature = suite.sign(pair, message);
  REQUIRE(crypto::is_canonical(signature));
  const auto r = std::span(signature).first<crypto::kScalarBytes>();
  const auto s = std::span(signature).last<crypto::kScalarBytes>();
  const std::array<std::uint8_t, crypto::kScalarBytes> zero{};
  std::array<std::uint8_t, crypto::kScalarBytes> largest;
  largest.fill(0xff);

  for (const auto& wrong : {zero, crypto::kCurveOrder, largest}) {
    CHECK_FALSE(suite.verify(pair.key, message, joined(wrong, s)));
    CHECK_FALSE(suite.verify(pair.key, message, joined(r, wrong)));
    CHECK_FALSE(suite.verify(pair.key, message, joined(wrong, wrong)));
  }
  // The twin with the high s: the same signature to mathematics, another one to us.
  CHECK_FALSE(suite.verify(pair.key, message, joined(r, crypto::negated(s))));
}

inline void check_impossible_keys(Suite& suite) {
  const KeyPair pair = suite.generate();
  const Signature signature = suite.sign(pair, as_bytes("message"));
  PublicKey largest;
  largest.fill(0xff);
  for (const PublicKey& wrong : {PublicKey{}, largest}) {
    CHECK_FALSE(suite.verify(wrong, as_bytes("message"), signature));
  }
  PublicKey swapped = pair.key;
  std::ranges::rotate(swapped, swapped.begin() + crypto::kScalarBytes);
  CHECK_FALSE(suite.verify(swapped, as_bytes("message"), signature));
}

inline void check_restore(Suite& suite, Suite& other) {
  for (int round = 0; round < 20; ++round) {
    const KeyPair pair = suite.generate();
    KeyPair restored;
    REQUIRE(other.restore(pair.secret, restored));
    CHECK(restored.key == pair.key);
    CHECK(same_bytes(restored.secret.bytes(), pair.secret.bytes()));
    CHECK(suite.verify(pair.key, as_bytes("m"), other.sign(restored, as_bytes("m"))));
  }
  const std::string order = to_hex(crypto::kCurveOrder);
  KeyPair kept = suite.generate();
  const PublicKey key = kept.key;
  CHECK_FALSE(suite.restore(PrivateKey(), kept));
  CHECK_FALSE(suite.restore(scalar_from_hex(order), kept));
  CHECK_FALSE(suite.restore(scalar_from_hex(order.substr(0, 62) + "52"), kept));
  CHECK_FALSE(suite.restore(scalar_from_hex(std::string(64, 'f')), kept));
  CHECK(kept.key == key);
  CHECK(suite.restore(scalar_from_hex(std::string(63, '0') + "1"), kept));
  CHECK(suite.restore(scalar_from_hex(order.substr(0, 62) + "50"), kept));
}

inline void check_moving(Suite suite) {
  const KeyPair pair = suite.generate();
  Suite moved(std::move(suite));
  const Signature signature = moved.sign(pair, as_bytes("m"));
  Suite assigned;
  assigned = std::move(moved);
  CHECK(assigned.verify(pair.key, as_bytes("m"), signature));
}

inline void check_identity(Suite& suite) {
  const KeyPair pair = suite.generate();
  const auto digest = suite.sha256(pair.key);
  CHECK(crypto::node_id_of(suite, pair.key).to_hex() == to_hex(digest).substr(0, 40));
  CHECK(crypto::place_of_key(suite, "greeting").to_hex() ==
        to_hex(suite.sha1(as_bytes("greeting"))));
}

/// A verification leaves nothing behind for the next one, whichever key and outcome it had.
inline void check_verifications_in_turn(Suite& suite) {
  constexpr std::size_t kPairs = 50;
  std::vector<KeyPair> pairs;
  std::vector<Signature> signatures;
  for (std::size_t index = 0; index < kPairs; ++index) {
    pairs.push_back(suite.generate());
    signatures.push_back(suite.sign(pairs.back(), as_bytes("message")));
  }
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t signer = rng.below(kPairs);
    const std::size_t claimed = rng.below(kPairs);
    if (rng.chance(1, 4)) {
      const std::size_t bit = rng.below(pairs[claimed].key.size() * 8);
      const PublicKey wrong = with_bit_flipped(pairs[claimed].key, bit);
      CHECK_FALSE(suite.verify(wrong, as_bytes("message"), signatures[claimed]));
    }
    CHECK(suite.verify(pairs[claimed].key, as_bytes("message"), signatures[signer]) ==
          (signer == claimed));
    CHECK(suite.verify(pairs[signer].key, as_bytes("message"), signatures[signer]));
  }
}

/// T1: whoever says the victim's key without its secret, or shows another key for the victim's id,
/// is refused.
inline void check_wrong_keys(Suite& suite, int wrong_keys) {
  const KeyPair victim = suite.generate();
  const NodeId id = crypto::node_id_of(suite, victim.key);
  wire::Hello hello;
  hello.key = victim.key;
  int accepted = 0;
  for (int round = 0; round < wrong_keys; ++round) {
    const KeyPair liar = suite.generate();
    wire::Welcome welcome;
    suite.random(welcome.nonce);
    const Bytes signed_bytes = crypto::transcript(crypto::Side::dialler, hello, welcome);
    const Signature proof = suite.sign(liar, signed_bytes);
    if (suite.verify(victim.key, signed_bytes, proof)) ++accepted;
    if (crypto::node_id_of(suite, liar.key) == id) ++accepted;
  }
  CHECK(accepted == 0);
}

}  // namespace trestle::test
