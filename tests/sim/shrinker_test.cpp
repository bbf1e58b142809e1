#include "trestle/sim/shrinker.hpp"

#include <algorithm>

#include "catch.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

PlanRequest storm_of(std::uint64_t seed) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 40;
  request.minutes = 10;
  return request;
}

bool has(const PlanRequest& request, FaultKind kind, NodeIndex node) {
  const FaultScript& script = *request.faults;
  return std::ranges::any_of(
      script, [&](const Fault& fault) { return fault.kind == kind && fault.node == node; });
}

TEST_CASE("a failure that needs two faults, nine nodes and four minutes is reduced to them") {
  // Which two: any that the seed draws.
  const Plan plan = make_plan(storm_of(7));
  const auto killed = std::ranges::find(plan.faults, FaultKind::kill, &Fault::kind);
  const auto paused = std::ranges::find(plan.faults, FaultKind::pause, &Fault::kind);
  REQUIRE(killed != plan.faults.end());
  REQUIRE(paused != plan.faults.end());
  const Judge judge = [&](const PlanRequest& request) -> std::string {
    const bool fails = has(request, FaultKind::kill, killed->node) &&
                       has(request, FaultKind::pause, paused->node) && request.nodes >= 9 &&
                       request.operations_max >= 3;
    return fails ? "the rule" : "";
  };
  const auto shrunk = shrink(storm_of(7), judge);
  REQUIRE(shrunk.has_value());
  CHECK(shrunk->rule == "the rule");
  CHECK(judge(shrunk->request) == "the rule");
  CHECK(shrunk->request.faults->size() == 2);
  CHECK(shrunk->request.nodes == 9);
  CHECK(shrunk->request.operations_max == 4);
  CHECK(shrunk->request.plain_network);
  const Instant last = std::max(killed->at, paused->at);
  CHECK(make_plan(shrunk->request).storm_ends > last);
  CHECK(shrunk->runs < 200);
}

TEST_CASE("a smaller run that breaks another rule is not taken for the same failure") {
  const Judge judge = [](const PlanRequest& request) -> std::string {
    if (request.faults->size() > 20) return "the rule";
    return request.faults->empty() ? "" : "another rule";
  };
  const auto shrunk = shrink(storm_of(3), judge);
  REQUIRE(shrunk.has_value());
  CHECK(shrunk->rule == "the rule");
  CHECK(shrunk->request.faults->size() == 21);
}

TEST_CASE("what does not fail is not shrunk, and runs are bounded") {
  CHECK_FALSE(shrink(storm_of(1), [](const PlanRequest&) { return std::string(); }).has_value());
  std::uint32_t runs = 0;
  const Judge judge = [&runs](const PlanRequest& request) -> std::string {
    ++runs;
    return request.faults->size() > 5 ? "the rule" : "";
  };
  const auto shrunk = shrink(storm_of(1), judge, {.runs_max = 10});
  REQUIRE(shrunk.has_value());
  CHECK(runs == 10);
  CHECK(shrunk->runs == 10);
}

TEST_CASE("a run and its shrunk form are replayed by the printed command's options alone") {
  PlanRequest request = storm_of(5);
  request.nodes = 12;
  request.minutes = 1;
  request.faults = make_plan(request).faults;
  request.faults_file = "script.txt";
  const auto read = fault_script_from_text(to_text(*request.faults));
  REQUIRE(read.has_value());
  PlanRequest again = request;
  again.faults = read;
  Trial first(make_plan(request));
  Trial second(make_plan(again));
  first.run();
  second.run();
  CHECK(first.world().fingerprint() == second.world().fingerprint());
}

}  // namespace
}  // namespace trestle::sim::test
