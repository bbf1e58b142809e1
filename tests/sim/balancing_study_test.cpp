// P10: eight bridges, one ten times slower, 60 % load.

#include "trestle/sim/balancing_study.hpp"

#include <cstdio>

#include "catch.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

BalancingResult study(pool::Balancing balancing, pool::Hedging hedging) {
  BalancingOptions options;
  options.balancing = balancing;
  options.hedging = hedging;
  options.warm_up = 2s;
  options.measured = 5s;
  const BalancingResult result = study_balancing(options);
  std::fprintf(stderr, "  %s\n", result.to_text().c_str());
  return result;
}

TEST_CASE("P10: round robin piles up at the slow bridge") {
  const BalancingResult result = study(pool::Balancing::round_robin, pool::Hedging::never);
  INFO(result.to_text());
  CHECK(result.p99() > 100 * result.p50());
}

TEST_CASE("P10: two choices with hedges: p99 within ten times p50, 5 % extra requests at most") {
  const BalancingResult result = study(pool::Balancing::two_choices, pool::Hedging::allowed);
  INFO(result.to_text());
  CHECK(result.requests > 20'000);
  CHECK(result.failed == 0);
  CHECK(result.refused == 0);
  CHECK(result.p99() <= 10 * result.p50());
  CHECK(result.extra_permille() <= 50);
}

TEST_CASE("P10: two choices alone is far better than round robin") {
  const BalancingResult result = study(pool::Balancing::two_choices, pool::Hedging::never);
  INFO(result.to_text());
  CHECK(result.failed == 0);
  CHECK(result.extra_permille() == 0);
  CHECK(result.p99() <= 50ms);
}

TEST_CASE("a balancing study is the same again with the same seed, and another with another") {
  BalancingOptions options;
  options.warm_up = 500ms;
  options.measured = 500ms;
  const BalancingResult first = study_balancing(options);
  CHECK(first.fingerprint == study_balancing(options).fingerprint);
  options.seed = 2;
  CHECK(first.fingerprint != study_balancing(options).fingerprint);
}

}  // namespace
}  // namespace trestle::sim::test
