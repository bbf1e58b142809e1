#include "trestle/sim/lookup_study.hpp"

#include "catch.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("a get in a small network with churn finds its value within few questions") {
  LookupStudyOptions options;
  options.members = 60;
  options.churn_percent = 20;
  options.records = 20;
  options.gets = 60;
  const LookupStudyResult first = run_lookup_study(options);
  INFO(first.violation);
  CHECK(first.violation.empty());
  CHECK(first.found == first.gets);
  CHECK(first.gets == 60);
  CHECK(first.queries >= first.found);
  CHECK(first.queries < 8 * first.found);
  CHECK(first.hops >= first.found);
  CHECK(first.hops <= first.queries);
  CHECK(first.members_at_end > 50);
  CHECK(run_lookup_study(options).fingerprint == first.fingerprint);
}

}  // namespace
}  // namespace trestle::sim::test
