#include "trestle/wire/legacy/credentials.hpp"

#include "catch.hpp"
#include "trestle/base/bytes.hpp"

using namespace trestle;
using namespace trestle::wire::legacy;

namespace {

RawJson with_key(const std::string& x, const std::string& y, const std::string& kty = "EC") {
  return {R"({"publicKey":{"kty":")" + kty + R"(","x":")" + x + R"(","y":")" + y + R"("}})"};
}

// The key of the recorded conversation `ec-authentication`.
const std::string kX = "FJ8F7gXgvLqiRwqjExUfIc_1XWYdOQHbd_BirqU4jFA";
const std::string kY = "w_uin07WWrKPi14NdjuaBUxx4Zo4LuAQAVUe-v-YMXE";

}  // namespace

TEST_CASE("a browser's key is read out of its metadata") {
  const auto key = browser_key_of(with_key(kX, kY));
  REQUIRE(key.has_value());
  CHECK(to_hex(*key) ==
        "149f05ee05e0bcbaa2470aa313151f21cff55d661d3901db77f062aea5388c50"
        "c3fba29f4ed65ab28f8b5e0d763b9a054c71e19a382ee01001551efaff983171");
}

TEST_CASE("whatever is no P-256 key is no key") {
  CHECK_FALSE(browser_key_of(std::nullopt).has_value());
  CHECK_FALSE(browser_key_of(RawJson{}).has_value());
  CHECK_FALSE(browser_key_of(RawJson{R"({"publicKey":"f3730c65"})"}).has_value());
  CHECK_FALSE(browser_key_of(with_key(kX, kY, "RSA")).has_value());
  CHECK_FALSE(browser_key_of(with_key(kX, kY.substr(1))).has_value());
  CHECK_FALSE(browser_key_of(with_key(kX, kY + "=")).has_value());
  CHECK_FALSE(browser_key_of(with_key(kX, "+" + kY.substr(1))).has_value());
  // The last digit holds two bits that belong to no byte.
  CHECK_FALSE(browser_key_of(with_key(kX, kY.substr(0, 42) + "F")).has_value());
}

TEST_CASE("the secret of a bridge is read where the old bridges write it") {
  CHECK(bridge_token_of(RawJson{R"({"bridgeAuthToken":"s"})"}) == "s");
  CHECK_FALSE(bridge_token_of(RawJson{R"({"bridgeAuthToken":""})"}).has_value());
  CHECK_FALSE(bridge_token_of(RawJson{R"({"bridgeAuthToken":7})"}).has_value());
  CHECK_FALSE(bridge_token_of(std::nullopt).has_value());
}
