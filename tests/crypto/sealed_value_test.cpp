#include "trestle/crypto/sealed_value.hpp"

#include "catch.hpp"
#include "crypto/sealed_value_contract.hpp"

namespace trestle::test {
namespace {

TEST_CASE("ENC-01: stand-in: a value opens for its audience and for nobody else (200 cases)") {
  Suite suite(7);
  check_audiences(suite, 200);
}

TEST_CASE(
    "P-CR-31: stand-in: a sealed value with a bit flipped, cut anywhere or longer does not open") {
  Suite suite(7);
  for (const std::size_t size : {0u, 1u, 16u, 100u}) check_altered_values(suite, size);
}

TEST_CASE(
    "P-CR-31: stand-in: a value moved to another network, key, author or version does not open") {
  Suite suite(7);
  check_values_stay_in_their_place(suite);
}

TEST_CASE("P-CR-31: stand-in: parts of two sealed values put together do not open") {
  Suite suite(7);
  check_spliced_values(suite);
}

TEST_CASE("stand-in: values under a replaced network key open until it is the ninth") {
  Suite suite(7);
  check_replaced_network_keys(suite);
}

TEST_CASE("stand-in: lists of network keys are read as they were written, and no others") {
  Suite suite(7);
  check_network_key_lists(suite);
}

TEST_CASE("stand-in: wrapped network keys open for their member in their network (200 cases)") {
  Suite suite(7);
  check_wrapped_network_keys(suite, 200);
}

}  // namespace
}  // namespace trestle::test
