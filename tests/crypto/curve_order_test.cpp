#include "trestle/crypto/curve_order.hpp"

#include "catch.hpp"
#include "crypto/suite_contract.hpp"

namespace trestle::test {
namespace {

using Number = std::array<std::uint8_t, crypto::kScalarBytes>;

Number number(std::string_view hex) { return bytes_from_hex<crypto::kScalarBytes>(hex); }

const std::string kZero(64, '0');
const std::string kOne = std::string(63, '0') + "1";
const std::string kOrderLessOne =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
const std::string kOrder = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const std::string kLastLow = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";
const std::string kFirstHigh = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a9";

TEST_CASE("a scalar is a number from 1 to n-1") {
  CHECK_FALSE(crypto::is_scalar(number(kZero)));
  CHECK(crypto::is_scalar(number(kOne)));
  CHECK(crypto::is_scalar(number(kOrderLessOne)));
  CHECK_FALSE(crypto::is_scalar(number(kOrder)));
  CHECK_FALSE(crypto::is_scalar(number(std::string(64, 'f'))));
}

TEST_CASE("a canonical signature has r from 1 to n-1 and s from 1 to (n-1)/2") {
  const auto canonical = [](const std::string& r, const std::string& s) {
    return crypto::is_canonical(joined(number(r), number(s)));
  };
  CHECK(canonical(kOne, kOne));
  CHECK(canonical(kOrderLessOne, kLastLow));
  CHECK_FALSE(canonical(kOne, kFirstHigh));
  CHECK_FALSE(canonical(kOne, kOrderLessOne));
  CHECK_FALSE(canonical(kOne, kOrder));
  CHECK_FALSE(canonical(kOne, kZero));
  CHECK_FALSE(canonical(kZero, kOne));
  CHECK_FALSE(canonical(kOrder, kOne));
}

TEST_CASE("of a number and its negative exactly one is low, and negating twice gives the number") {
  CHECK(to_hex(crypto::negated(number(kOne))) == kOrderLessOne);
  CHECK(to_hex(crypto::negated(number(kLastLow))) == kFirstHigh);
  Rng rng(1);
  for (int round = 0; round < 1000; ++round) {
    Number drawn;
    for (std::uint8_t& byte : drawn) byte = static_cast<std::uint8_t>(rng.next());
    if (!crypto::is_scalar(drawn)) continue;
    const Number negative = crypto::negated(drawn);
    CHECK(crypto::negated(negative) == drawn);
    CHECK(crypto::is_canonical(joined(drawn, drawn)) !=
          crypto::is_canonical(joined(drawn, negative)));
  }
}

}  // namespace
}  // namespace trestle::test
