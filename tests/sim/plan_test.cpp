#include "trestle/sim/plan.hpp"

#include "catch.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("the same request gives the same plan, another seed another one") {
  PlanRequest request;
  request.seed = 42;
  const Plan first = make_plan(request);
  CHECK(to_text(first) == to_text(make_plan(request)));
  request.seed = 43;
  CHECK(to_text(first) != to_text(make_plan(request)));
}

TEST_CASE("plans keep to their bounds, and phases follow each other") {
  const PlanOptions options;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    PlanRequest request;
    request.seed = seed;
    request.nodes = 10;
    request.minutes = 2;
    const Plan plan = make_plan(request, options);
    CHECK(plan.world.seed == seed);
    CHECK(plan.start_spacing * 10 <= plan.settled.time_since_epoch());
    CHECK(plan.settled < plan.storm_ends);
    CHECK(plan.storm_ends + options.convergence == plan.ends);
    CHECK(plan.world.network.latency.low <= plan.world.network.latency.high);
    CHECK(plan.world.network.loss_per_million <= options.loss_per_million_max);
    CHECK_FALSE(plan.faults.empty());
    for (const Fault& fault : plan.faults) CHECK(fault.at < plan.storm_ends);
  }
}

TEST_CASE("a calm plan has no accidents") {
  PlanRequest request;
  request.weather = Weather::calm;
  const Plan plan = make_plan(request);
  CHECK(plan.faults.empty());
  CHECK(plan.world.network.loss_per_million == 0);
  CHECK(plan.world.network.reset_per_million == 0);
  CHECK(plan.world.network.lost_dial_per_million == 0);
}

TEST_CASE("a given fault script replaces the drawn one and leaves the rest as it was") {
  PlanRequest request;
  request.seed = 9;
  const Plan drawn = make_plan(request);
  request.faults = FaultScript{};
  request.faults_file = "script.txt";
  const Plan given = make_plan(request);
  CHECK(given.faults.empty());
  CHECK(given.settled == drawn.settled);
  CHECK(given.world.network.loss_per_million == drawn.world.network.loss_per_million);
  CHECK(replay_command(request) ==
        "simulate --seed 9 --nodes 100 --bridges 2 --minutes 10 --weather storm "
        "--faults script.txt");
}

TEST_CASE("the replay command names everything that was decided") {
  PlanRequest request;
  request.seed = 5;
  request.nodes = 30;
  request.bridges = 3;
  request.minutes = 1;
  request.weather = Weather::calm;
  request.loss_per_million = 700;
  CHECK(replay_command(request) ==
        "simulate --seed 5 --nodes 30 --bridges 3 --minutes 1 --weather calm --loss 700");
}

}  // namespace
}  // namespace trestle::sim::test
