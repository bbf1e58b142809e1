#include "trestle/crypto/suite/curve25519.hpp"

#include <openssl/err.h>

#include "catch.hpp"
#include "crypto/curve25519_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("OpenSSL: what an Ed25519 key signs verifies under it and under no other") {
  Suite suite;
  check_ed25519_signs_and_verifies(suite);
}

TEST_CASE("OpenSSL: one flipped bit of an Ed25519 signature, key or message is refused") {
  Suite suite;
  check_every_bit_of_ed25519_counts(suite);
}

TEST_CASE("OpenSSL: an Ed25519 pair with a foreign public key signs as its secret does") {
  Suite suite;
  check_foreign_public_key_changes_nothing(suite);
}

TEST_CASE("OpenSSL: two X25519 keys agree on what no third one knows") {
  Suite suite;
  check_x25519_agrees(suite);
}

TEST_CASE("OpenSSL: X25519 refuses every encoding of a point of small order") {
  Suite suite;
  check_small_order_is_refused(suite);
}

TEST_CASE("OpenSSL: what is sealed opens with its key, label and context alone (1,000 cases)") {
  Suite suite;
  check_sealing(suite);
}

TEST_CASE(
    "P-CR-31: OpenSSL: sealed bytes with a bit flipped, cut, longer or put together do not open") {
  Suite suite;
  check_tampering_is_refused(suite);
}

TEST_CASE("P-CR-30: OpenSSL: a hundred thousand seals of one value have as many nonces") {
  Suite suite;
  check_nonces_differ(suite, 100'000);
}

TEST_CASE("T16: OpenSSL: no two labels and contexts give the same derived key") {
  Suite suite;
  check_labels_do_not_collide(suite);
}

TEST_CASE(
    "OpenSSL: an expanded key is a prefix of a longer one, and nothing beside it is touched") {
  Suite suite;
  check_expansion(suite);
}

TEST_CASE("OpenSSL: refusing what a peer sent leaves no error behind, of these keys either") {
  Suite suite;
  const Ed25519Pair pair = new_ed25519(suite);
  const Ed25519Signature signature = crypto::ed25519_sign(pair, as_bytes("message"));
  Sealer sealer;
  const SealKey key = new_seal_key(suite);
  Bytes sealed = crypto::seal(suite, sealer, key, "test", {}, as_bytes("value"));
  sealed.back() ^= 1;
  ERR_clear_error();
  CHECK_FALSE(crypto::ed25519_verify(pair.key, as_bytes("other"), signature));
  CHECK(ERR_peek_error() == 0);
  // y = 2 is no point.
  Ed25519Key no_point;
  no_point.bytes.front() = 2;
  CHECK_FALSE(crypto::ed25519_verify(no_point, as_bytes("message"), signature));
  CHECK(ERR_peek_error() == 0);
  SharedSecret agreed;
  CHECK_FALSE(crypto::x25519_agree(new_x25519(suite), X25519Key{}, agreed));
  CHECK(ERR_peek_error() == 0);
  CHECK_FALSE(crypto::open(sealer, key, "test", {}, sealed));
  CHECK(ERR_peek_error() == 0);
}

}  // namespace
}  // namespace trestle::test
