#include "trestle/mesh/legacy_dialling.hpp"

#include <algorithm>

#include "catch.hpp"

namespace trestle::test {
namespace {

using std::chrono::seconds;

TEST_CASE("a peer of the old dialect has one to two seconds to dial us, then we dial it") {
  mesh::LegacyDialling policy({}, Rng(1));
  Duration least = seconds(100);
  Duration most{};
  for (int draw = 0; draw < 1000; ++draw) {
    const Duration wait = policy.draw_first_wait();
    REQUIRE(wait >= seconds(1));
    REQUIRE(wait <= seconds(2));
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(most - least > std::chrono::milliseconds(900));
}

TEST_CASE("after both sockets died we dial again two to ten seconds later") {
  mesh::LegacyDialling policy({}, Rng(1));
  Duration least = seconds(100);
  Duration most{};
  for (int draw = 0; draw < 1000; ++draw) {
    const Duration wait = policy.draw_redial_wait();
    REQUIRE(wait >= seconds(2));
    REQUIRE(wait <= seconds(10));
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(most - least > seconds(7));
}

}  // namespace
}  // namespace trestle::test
