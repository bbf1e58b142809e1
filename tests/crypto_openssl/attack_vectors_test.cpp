#include "catch.hpp"
#include "crypto/curve25519_contract.hpp"
#include "crypto_openssl/vectors/aes_gcm_vectors.hpp"
#include "crypto_openssl/vectors/ecdsa_vectors.hpp"
#include "crypto_openssl/vectors/ed25519_vectors.hpp"
#include "crypto_openssl/vectors/hkdf_vectors.hpp"
#include "crypto_openssl/vectors/x25519_vectors.hpp"

namespace trestle::test {
namespace {

Bytes bytes_of(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  REQUIRE(from_hex(hex, bytes));
  return bytes;
}

TEST_CASE("published and classical ECDSA P-256 cases come out as they must") {
  Suite suite;
  for (const EcdsaVector& vector : kEcdsaVectors) {
    CAPTURE(vector.name);
    CHECK(suite.verify(bytes_from_hex<64>(vector.key), bytes_of(vector.message),
                       bytes_from_hex<64>(vector.signature)) == vector.is_valid);
  }
}

TEST_CASE("published and classical Ed25519 cases come out as they must") {
  for (const Ed25519Vector& vector : kEd25519Vectors) {
    CAPTURE(vector.name);
    CHECK(crypto::ed25519_verify({bytes_from_hex<32>(vector.key)}, bytes_of(vector.message),
                                 {bytes_from_hex<64>(vector.signature)}) == vector.is_valid);
  }
}

TEST_CASE("published Ed25519 secrets have the published keys and make the published signatures") {
  for (const Ed25519SigningVector& vector : kEd25519SigningVectors) {
    CAPTURE(vector.secret);
    const Ed25519Pair pair =
        crypto::ed25519_pair(crypto::Ed25519Secret(bytes_from_hex<32>(vector.secret)));
    CHECK(to_hex(pair.key.bytes) == vector.key);
    CHECK(to_hex(crypto::ed25519_sign(pair, bytes_of(vector.message)).bytes) == vector.signature);
  }
}

TEST_CASE("published and classical X25519 cases come out as they must, zero refused") {
  for (const X25519Vector& vector : kX25519Vectors) {
    CAPTURE(vector.name);
    const X25519Pair pair =
        crypto::x25519_pair(crypto::X25519Secret(bytes_from_hex<32>(vector.secret)));
    SharedSecret agreed;
    const bool is_agreed = crypto::x25519_agree(pair, {bytes_from_hex<32>(vector.other)}, agreed);
    CHECK(to_hex(agreed.bytes()) == vector.agreed);
    CHECK(is_agreed == (std::string_view(vector.agreed) != std::string(64, '0')));
  }
}

TEST_CASE("X25519 applied to its own results a thousand times gives the number of RFC 7748") {
  auto scalar = bytes_from_hex<32>("09" + std::string(62, '0'));
  auto point = scalar;
  for (int round = 0; round < 1000; ++round) {
    const X25519Pair pair = crypto::x25519_pair(crypto::X25519Secret(scalar));
    SharedSecret agreed;
    REQUIRE(crypto::x25519_agree(pair, {point}, agreed));
    point = scalar;
    std::ranges::copy(agreed.bytes(), scalar.begin());
  }
  CHECK(to_hex(scalar) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("published and classical AES-256-GCM cases come out as they must") {
  Sealer sealer;
  for (const SealVector& vector : kAesGcmVectors) {
    CAPTURE(vector.name);
    const SealKey key(bytes_from_hex<32>(vector.key));
    const auto nonce = bytes_from_hex<12>(vector.nonce);
    Bytes plain;
    CHECK(sealer.open(key, nonce, bytes_of(vector.context), bytes_of(vector.sealed), plain) ==
          vector.is_valid);
    CHECK(to_hex(plain) == (vector.is_valid ? vector.plain : ""));
    if (!vector.is_valid) continue;
    Bytes sealed;
    sealer.seal(key, nonce, bytes_of(vector.context), bytes_of(vector.plain), sealed);
    CHECK(to_hex(sealed) == vector.sealed);
  }
}

TEST_CASE("published HKDF cases and those around them come out as they must") {
  Suite suite;
  for (const HkdfVector& vector : kHkdfVectors) {
    CAPTURE(vector.name);
    const crypto::Digest256 key =
        crypto::hkdf_extract(suite, bytes_of(vector.salt), bytes_of(vector.input));
    Bytes output(std::string_view(vector.output).size() / 2);
    crypto::hkdf_expand(suite, key, bytes_of(vector.info), output);
    CHECK(to_hex(output) == vector.output);
  }
}

TEST_CASE("the longest HKDF output is the one another implementation computes") {
  Suite suite;
  Bytes input(32);
  for (std::size_t index = 0; index < input.size(); ++index) {
    input[index] = static_cast<std::uint8_t>(index);
  }
  Bytes output(crypto::kHkdfBytesMax);
  crypto::hkdf_expand(suite, crypto::hkdf_extract(suite, as_bytes("salt"), input), as_bytes("info"),
                      output);
  CHECK(to_hex(suite.sha256(output)) ==
        "93964b1e2faf1ea5b72bc46c874917251e7cc3ec83d9d35c5836537df802ceee");
}

}  // namespace
}  // namespace trestle::test
