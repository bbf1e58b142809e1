#include "trestle/crypto/sealed_value.hpp"

#include "catch.hpp"
#include "crypto/sealed_value_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("ENC-01: OpenSSL: a value opens for its audience and for nobody else (50 cases)") {
  Suite suite;
  check_audiences(suite, 50);
}

TEST_CASE(
    "P-CR-31: OpenSSL: a sealed value with a bit flipped, cut anywhere or longer does not open") {
  Suite suite;
  for (const std::size_t size : {0u, 17u}) check_altered_values(suite, size);
}

TEST_CASE(
    "P-CR-31: OpenSSL: a value moved to another network, key, author or version does not open") {
  Suite suite;
  check_values_stay_in_their_place(suite);
}

TEST_CASE("P-CR-31: OpenSSL: parts of two sealed values put together do not open") {
  Suite suite;
  check_spliced_values(suite);
}

TEST_CASE("OpenSSL: values under a replaced network key open until it is the ninth") {
  Suite suite;
  check_replaced_network_keys(suite);
}

TEST_CASE("OpenSSL: lists of network keys are read as they were written, and no others") {
  Suite suite;
  check_network_key_lists(suite);
}

TEST_CASE("OpenSSL: wrapped network keys open for their member in their network (50 cases)") {
  Suite suite;
  check_wrapped_network_keys(suite, 50);
}

}  // namespace
}  // namespace trestle::test
