#include "trestle/crypto/suite/suite.hpp"

#include <openssl/err.h>

#include "catch.hpp"
#include "crypto/suite_contract.hpp"

// Weak: resolves to null in a program that does not contain the stand-in.
extern "C" [[gnu::weak]] const char trestle_standin_crypto_marker[];

namespace trestle::test {
namespace {

TEST_CASE("OpenSSL: every byte and the length of the input change a digest") {
  Suite suite, other;
  check_digests_depend_on_every_byte(suite, other);
}

TEST_CASE("OpenSSL: random bytes differ, use every bit and stay inside their span") {
  Suite suite;
  check_random_bytes(suite);
}

TEST_CASE("OpenSSL: what is signed verifies under the public key alone") {
  Suite suite, other;
  check_sign_and_verify(suite, other);
}

TEST_CASE("OpenSSL: one flipped bit of signature, key or message is refused") {
  Suite suite;
  check_every_bit_counts(suite);
}

TEST_CASE("OpenSSL: signatures outside the range of the curve are refused") {
  Suite suite;
  // Half of all signatures come with the high s and are turned round by `sign`: meet both kinds.
  for (int round = 0; round < 100; ++round) check_impossible_signatures(suite);
}

TEST_CASE("OpenSSL: keys that are no point are refused") {
  Suite suite;
  check_impossible_keys(suite);
}

TEST_CASE("OpenSSL: a verification leaves nothing behind for the next one") {
  Suite suite;
  check_verifications_in_turn(suite);
}

TEST_CASE("OpenSSL: a stored scalar gives its pair back, and only a valid one") {
  Suite suite, other;
  check_restore(suite, other);
}

TEST_CASE("OpenSSL: a suite can be moved") { check_moving(Suite()); }

TEST_CASE("OpenSSL: ids and places are cut from the suite's digests") {
  Suite suite;
  check_identity(suite);
}

TEST_CASE("T1: ten thousand wrong keys claim an id, none is accepted") {
  Suite suite;
  check_wrong_keys(suite, 10'000);
}

TEST_CASE("OpenSSL: the simulation seed decides nothing") {
  Suite suite(1), other(1);
  wire::Nonce first{}, second{};
  suite.random(first);
  other.random(second);
  CHECK(first != second);
  CHECK(suite.generate().key != other.generate().key);
}

TEST_CASE("OpenSSL: refusing what a peer sent leaves no error behind for the next TLS call") {
  Suite suite;
  const KeyPair pair = suite.generate();
  Signature signature = suite.sign(pair, as_bytes("message"));
  KeyPair restored;
  ERR_clear_error();
  CHECK_FALSE(suite.verify(PublicKey{}, as_bytes("message"), signature));
  CHECK(ERR_peek_error() == 0);
  CHECK_FALSE(suite.verify(pair.key, as_bytes("other"), signature));
  CHECK(ERR_peek_error() == 0);
  CHECK_FALSE(suite.restore(PrivateKey(), restored));
  CHECK(ERR_peek_error() == 0);
  // A refusal does no harm to the context that the next call reuses.
  CHECK(suite.verify(pair.key, as_bytes("message"), signature));
}

TEST_CASE("OpenSSL: the stand-in is not in this program") {
  const char* const marker = trestle_standin_crypto_marker;
  CHECK(marker == nullptr);
}

}  // namespace
}  // namespace trestle::test
