#pragma once

#include <set>

#include "crypto/suite_contract.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/suite/curve25519.hpp"

// What every world's Ed25519, X25519 and sealing promise. Both test programs of the room run it.
namespace trestle::test {

using crypto::Ed25519Key;
using crypto::Ed25519Pair;
using crypto::Ed25519Signature;
using crypto::Sealer;
using crypto::SealKey;
using crypto::SharedSecret;
using crypto::X25519Key;
using crypto::X25519Pair;

inline Ed25519Pair new_ed25519(Suite& suite) {
  crypto::Ed25519Secret secret;
  suite.random(secret.writable());
  return crypto::ed25519_pair(secret);
}

inline X25519Pair new_x25519(Suite& suite) {
  crypto::X25519Secret secret;
  suite.random(secret.writable());
  return crypto::x25519_pair(secret);
}

inline SealKey new_seal_key(Suite& suite) {
  SealKey key;
  suite.random(key.writable());
  return key;
}

inline void check_ed25519_signs_and_verifies(Suite& suite) {
  for (const std::size_t size : {0u, 1u, 31u, 32u, 33u, 200u, 100'000u}) {
    const Ed25519Pair pair = new_ed25519(suite);
    const Bytes message = patterned(size);
    const Ed25519Signature signature = crypto::ed25519_sign(pair, message);
    CHECK(crypto::is_strict(pair.key, signature));
    CHECK(crypto::ed25519_verify(pair.key, message, signature));
    CHECK(crypto::ed25519_sign(crypto::ed25519_pair(pair.secret), message) == signature);
    CHECK_FALSE(crypto::ed25519_verify(new_ed25519(suite).key, message, signature));
  }
}

inline void check_every_bit_of_ed25519_counts(Suite& suite) {
  const Ed25519Pair pair = new_ed25519(suite);
  const auto message = bytes_from_hex<16>("000102030405060708090a0b0c0d0e0f");
  const Ed25519Signature signature = crypto::ed25519_sign(pair, message);
  for (std::size_t bit = 0; bit < signature.bytes.size() * 8; ++bit) {
    const Ed25519Signature wrong{with_bit_flipped(signature.bytes, bit)};
    CHECK_FALSE(crypto::ed25519_verify(pair.key, message, wrong));
  }
  for (std::size_t bit = 0; bit < pair.key.bytes.size() * 8; ++bit) {
    const Ed25519Key wrong{with_bit_flipped(pair.key.bytes, bit)};
    CHECK_FALSE(crypto::ed25519_verify(wrong, message, signature));
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    CHECK_FALSE(crypto::ed25519_verify(pair.key, with_bit_flipped(message, bit), signature));
  }
}

/// A pair whose public key was exchanged signs as the secret's own key does, or the two signatures
/// together would tell the secret.
inline void check_foreign_public_key_changes_nothing(Suite& suite) {
  Ed25519Pair pair = new_ed25519(suite);
  const Ed25519Key own = pair.key;
  const Ed25519Signature signature = crypto::ed25519_sign(pair, as_bytes("message"));
  pair.key = new_ed25519(suite).key;
  CHECK(crypto::ed25519_sign(pair, as_bytes("message")) == signature);
  CHECK(crypto::ed25519_verify(own, as_bytes("message"), signature));
}

inline void check_x25519_agrees(Suite& suite) {
  for (int round = 0; round < 200; ++round) {
    const X25519Pair here = new_x25519(suite);
    const X25519Pair there = new_x25519(suite);
    const X25519Pair elsewhere = new_x25519(suite);
    SharedSecret ours, theirs, other;
    REQUIRE(crypto::x25519_agree(here, there.key, ours));
    REQUIRE(crypto::x25519_agree(there, here.key, theirs));
    REQUIRE(crypto::x25519_agree(here, elsewhere.key, other));
    CHECK(same_bytes(ours.bytes(), theirs.bytes()));
    CHECK_FALSE(same_bytes(ours.bytes(), other.bytes()));
  }
}

inline void check_small_order_is_refused(Suite& suite) {
  const X25519Pair pair = new_x25519(suite);
  const char* const points[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                "0100000000000000000000000000000000000000000000000000000000000000",
                                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"};
  for (const char* const point : points) {
    X25519Key key{bytes_from_hex<32>(point)};
    for (int ignored_bit = 0; ignored_bit < 2; ++ignored_bit) {
      CAPTURE(point, ignored_bit);
      SharedSecret agreed;
      REQUIRE(crypto::x25519_agree(pair, new_x25519(suite).key, agreed));
      CHECK_FALSE(crypto::x25519_agree(pair, key, agreed));
      CHECK(same_bytes(agreed.bytes(), SharedSecret().bytes()));
      key.bytes.back() ^= 0x80;
    }
  }
}

inline void check_sealing(Suite& suite) {
  Sealer sealer;
  const SealKey key = new_seal_key(suite);
  Rng rng(1);
  for (int round = 0; round < 1000; ++round) {
    Bytes plain(rng.below(300));
    suite.random(plain);
    Bytes context(rng.below(40));
    suite.random(context);
    const Bytes sealed = crypto::seal(suite, sealer, key, "test", context, plain);
    REQUIRE(sealed.size() == plain.size() + crypto::kSealedOverheadBytes);
    // Long enough that chance does not put it there.
    if (plain.size() >= 16) CHECK(std::ranges::search(sealed, plain).empty());
    const auto opened = crypto::open(sealer, key, "test", context, sealed);
    REQUIRE(opened);
    CHECK(*opened == plain);
    CHECK_FALSE(crypto::open(sealer, new_seal_key(suite), "test", context, sealed));
    CHECK_FALSE(crypto::open(sealer, key, "another", context, sealed));
    context.push_back(0);
    CHECK_FALSE(crypto::open(sealer, key, "test", context, sealed));
  }
}

/// Parts of two sealed messages put together: nonce of one, ciphertext of the other, and so on.
inline void check_swapped_parts(Sealer& sealer, const SealKey& key, const Bytes& one,
                                const Bytes& other) {
  const std::size_t tag = one.size() - crypto::kSealTagBytes;
  const std::size_t text = 1 + crypto::kSealNonceBytes;
  const std::pair<std::size_t, std::size_t> parts[] = {{1, text}, {text, tag}, {tag, one.size()}};
  for (const auto& [from, to] : parts) {
    Bytes mixed = one;
    for (std::size_t index = from; index < to; ++index) mixed[index] = other[index];
    CHECK_FALSE(crypto::open(sealer, key, "test", {}, mixed));
  }
}

inline void check_tampering_is_refused(Suite& suite) {
  Sealer sealer;
  const SealKey key = new_seal_key(suite);
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 100u}) {
    const Bytes plain = patterned(size);
    const Bytes sealed = crypto::seal(suite, sealer, key, "test", {}, plain);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes wrong = sealed;
      wrong[bit / 8] ^= static_cast<std::uint8_t>(0x80u >> (bit % 8));
      CHECK_FALSE(crypto::open(sealer, key, "test", {}, wrong));
    }
    for (std::size_t length = 0; length < sealed.size(); ++length) {
      CHECK_FALSE(crypto::open(sealer, key, "test", {}, std::span(sealed).first(length)));
    }
    Bytes longer = sealed;
    longer.push_back(0);
    CHECK_FALSE(crypto::open(sealer, key, "test", {}, longer));
    Bytes changed = plain;
    if (!changed.empty()) {
      changed.front() ^= 1;
      check_swapped_parts(sealer, key, sealed,
                          crypto::seal(suite, sealer, key, "test", {}, changed));
    }
    REQUIRE(crypto::open(sealer, key, "test", {}, sealed));
    CHECK(*crypto::open(sealer, key, "test", {}, sealed) == plain);
  }
}

inline void check_nonces_differ(Suite& suite, std::size_t count) {
  Sealer sealer;
  const SealKey key = new_seal_key(suite);
  std::set<Bytes> nonces;
  for (std::size_t index = 0; index < count; ++index) {
    const Bytes sealed = crypto::seal(suite, sealer, key, "test", {}, as_bytes("the same value"));
    nonces.insert(to_bytes(std::span(sealed).subspan(1, crypto::kSealNonceBytes)));
  }
  CHECK(nonces.size() == count);
}

/// T16: no two uses of a secret share a derived one, however label and context are cut.
inline void check_labels_do_not_collide(Suite& suite) {
  const ByteSpan secret = as_bytes("one secret for everything");
  const std::string_view text = "trestle ed25519 v1 x25519 v1";
  std::vector<Bytes> derived;
  for (std::size_t label_end = 0; label_end <= text.size(); ++label_end) {
    for (std::size_t end = label_end; end <= text.size(); ++end) {
      const std::string_view context = text.substr(label_end, end - label_end);
      const SealKey key =
          crypto::derive<SealKey>(suite, secret, text.substr(0, label_end), as_bytes(context));
      derived.push_back(to_bytes(key.bytes()));
    }
  }
  std::ranges::sort(derived);
  CHECK(std::ranges::adjacent_find(derived) == derived.end());
}

inline void check_expansion(Suite& suite) {
  const crypto::Digest256 key = crypto::hkdf_extract(suite, as_bytes("salt"), as_bytes("input"));
  Bytes longest(crypto::kHkdfBytesMax);
  crypto::hkdf_expand(suite, key, as_bytes("info"), longest);
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes framed(size + 2, 0xa5);
    crypto::hkdf_expand(suite, key, as_bytes("info"), std::span(framed).subspan(1, size));
    CHECK(framed.front() == 0xa5);
    CHECK(framed.back() == 0xa5);
    CHECK(std::equal(framed.begin() + 1, framed.end() - 1, longest.begin()));
  }
}

}  // namespace trestle::test
