#include "trestle/base/result.hpp"

#include <string>

#include "catch.hpp"

using namespace trestle;

namespace {

enum class Refusal { full, closed };

Result<std::string, Refusal> answer(bool accepted) {
  if (!accepted) return refuse(Refusal::closed);
  return "yes";
}

}  // namespace

TEST_CASE("a command gives its value or the reason of its refusal") {
  const auto accepted = answer(true);
  REQUIRE(accepted.has_value());
  CHECK(*accepted == "yes");
  const auto refused = answer(false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == Refusal::closed);
}
