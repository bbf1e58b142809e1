// A thousand members for six hours, of which a tenth is exchanged in every one of them.

#include "catch.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("through six hours of churn everything acknowledged is readable at all times") {
  PlanRequest request;
  request.seed = 1;
  request.nodes = 1000;
  request.minutes = 360;
  request.weather = Weather::calm;
  request.churn_percent = 10;
  request.strict = true;  // a single read that misses or is too old ends the run
  Trial trial(make_plan(request));
  const bool is_good = trial.run();
  INFO(trial.failure());
  // And half an hour after the last change look-ups name 99 of 100 of the nearest (L2).
  CHECK(is_good);
  // Half of the members were exchanged, and there was enough to lose and enough to read.
  CHECK(trial.faults_applied() > 2000);
  CHECK(trial.acknowledged().stats().acknowledged > 250);
  CHECK(trial.acknowledged().stats().reads > 450);
  CHECK(trial.acknowledged().stats().misses == 0);
}

}  // namespace
}  // namespace trestle::sim::test
