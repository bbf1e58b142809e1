#include "trestle/crypto/suite/curve25519.hpp"

#include "catch.hpp"
#include "crypto/curve25519_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("stand-in: what an Ed25519 key signs verifies under it and under no other") {
  Suite suite(7);
  check_ed25519_signs_and_verifies(suite);
}

TEST_CASE("stand-in: one flipped bit of an Ed25519 signature, key or message is refused") {
  Suite suite(7);
  check_every_bit_of_ed25519_counts(suite);
}

TEST_CASE("stand-in: an Ed25519 pair with a foreign public key signs as its secret does") {
  Suite suite(7);
  check_foreign_public_key_changes_nothing(suite);
}

TEST_CASE("stand-in: two X25519 keys agree on what no third one knows") {
  Suite suite(7);
  check_x25519_agrees(suite);
}

TEST_CASE("stand-in: X25519 refuses every encoding of a point of small order") {
  Suite suite(7);
  check_small_order_is_refused(suite);
}

TEST_CASE("stand-in: what is sealed opens with its key, label and context alone (1,000 cases)") {
  Suite suite(7);
  check_sealing(suite);
}

TEST_CASE(
    "P-CR-31: stand-in: sealed bytes with a bit flipped, cut, longer or put together do not open") {
  Suite suite(7);
  check_tampering_is_refused(suite);
}

TEST_CASE("P-CR-30: stand-in: a hundred thousand seals of one value have as many nonces") {
  Suite suite(7);
  check_nonces_differ(suite, 100'000);
}

TEST_CASE("T16: stand-in: no two labels and contexts give the same derived key") {
  Suite suite(7);
  check_labels_do_not_collide(suite);
}

TEST_CASE(
    "stand-in: an expanded key is a prefix of a longer one, and nothing beside it is touched") {
  Suite suite(7);
  check_expansion(suite);
}

}  // namespace
}  // namespace trestle::test
