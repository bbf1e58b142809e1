#include "trestle/crypto/token.hpp"

#include "catch.hpp"
#include "crypto/token_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("OpenSSL: tokens and lists are read as they were written (1,000 cases)") {
  Suite suite;
  check_token_round_trips(suite, 1000);
}

TEST_CASE("T10: OpenSSL: a token with any bit flipped, cut anywhere or longer is refused") {
  Suite suite;
  check_altered_tokens(suite, 3);
}

TEST_CASE("T10: OpenSSL: parts of two tokens of one signer are no token (1,000 cases)") {
  Suite suite;
  check_spliced_tokens(suite, 1000);
}

TEST_CASE("OpenSSL: an identity record binds three unlike keys to the id (200 cases)") {
  Suite suite;
  check_identity_records(suite, 200);
}

TEST_CASE(
    "OpenSSL: an identity record or rotation with any bit flipped or cut anywhere is refused") {
  Suite suite;
  check_altered_identities(suite);
}

TEST_CASE("T32: OpenSSL: only the old key names a successor, and only one that consents") {
  Suite suite;
  check_rotation(suite);
}

TEST_CASE("OpenSSL: identity records with keys of small order are refused, signed or not") {
  Suite suite;
  check_unusable_keys_are_refused(suite);
}

TEST_CASE("OpenSSL: texts are read back, and slips of the hand are noticed (1,000 cases)") {
  Suite suite;
  check_text_round_trips(suite, 1000);
}

}  // namespace
}  // namespace trestle::test
