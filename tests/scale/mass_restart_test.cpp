// A thousand members that stop and start in the same second.

#include "trestle/sim/mass_restart.hpp"

#include "catch.hpp"

namespace trestle {
namespace {

sim::MassRestartResult restart(bool forgets) {
  sim::MassRestartOptions options;
  options.seed = 1;
  options.members = 1000;
  options.forgets = forgets;
  options.part = std::chrono::milliseconds(250);
  return sim::run_mass_restart(options);
}

void check_all_are_back(const sim::MassRestartResult& result) {
  CHECK(result.violation.empty());
  CHECK(result.rejoined == 1000);
  CHECK(result.parts == 1);
  CHECK(result.last_rejoined_after <= std::chrono::seconds(30));
}

}  // namespace

TEST_CASE(
    "T33, RECOV-05: a thousand members restarted at once find each other by what they saved") {
  const sim::MassRestartResult result = restart(false);
  INFO(result.to_text());
  check_all_are_back(result);
  // The edge is for newcomers: hardly one in a hundred needs it.
  CHECK(result.joins_total() <= 20);
}

TEST_CASE("T33, RECOV-05: a thousand members that forgot everything rejoin without a storm") {
  const sim::MassRestartResult result = restart(true);
  INFO(result.to_text());
  check_all_are_back(result);
  CHECK(result.joins_total() >= 1000);
  CHECK(result.joins_total() <= 1100);
  CHECK(result.joins_peak() <= 2 * result.joins_steady());
}

}  // namespace trestle
