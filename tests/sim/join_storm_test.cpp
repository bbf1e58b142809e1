// C26: newcomers join at once, and one of two bridges is lost in the middle.

#include "trestle/sim/join_storm.hpp"

#include <cstdio>

#include "catch.hpp"
#include "seeds.hpp"

namespace trestle::sim::test {
namespace {

void check_storm(const JoinStormOptions& options) {
  CAPTURE(options.seed);
  const JoinStormResult result = run_join_storm(options);
  INFO(result.to_text());
  INFO(result.violation);
  CHECK(result.violation.empty());
  CHECK(result.joined == options.newcomers);
  CHECK(result.failed == 0);
  CHECK(result.joins >= options.newcomers);
  CHECK(result.bridge_connections_most == 1);
  CHECK(result.attempts <= 2 * result.asks);  // one retry each at most
}

TEST_CASE("C26: 200 join at once while one of two bridges is lost: none fails", "[large]") {
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    JoinStormOptions options;
    options.seed = seed;
    check_storm(options);
  }
}

TEST_CASE("C26: 400 onboard at once while one of two bridges is lost: none fails", "[large]") {
  for (std::uint64_t seed = 1; seed <= seeds_or(1); ++seed) {
    JoinStormOptions options;
    options.seed = seed;
    options.newcomers = 400;
    check_storm(options);
  }
}

}  // namespace
}  // namespace trestle::sim::test
