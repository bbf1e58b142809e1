// Whole networks of the three real programs. A failing seed is printed with the command that has it
// again.

#include <cstdio>

#include "catch.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

PlanRequest hundred(std::uint64_t seed) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 100;
  request.bridges = 2;
  request.minutes = 3;
  return request;
}

PlanRequest fingerprint_request(std::uint64_t seed) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 30;
  request.bridges = 2;
  request.minutes = 2;
  return request;
}

TEST_CASE(
    "P-BR-1, P-BR-2: a hundred nodes survive a storm, are one network after it, and do so "
    "twice",
    "[large]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Trial trial(make_plan(hundred(seed)));
    // A failed assertion in the core ends the process: this line says which run it was.
    std::fprintf(stderr, "%s\n", trial.plan().world.replay.c_str());
    const bool good = trial.run();
    INFO(trial.failure());
    CHECK(good);
    CHECK_FALSE(trial.world().violation());
    CHECK(trial.shortcomings().empty());

    INFO(trial.summary());
    CHECK(trial.checkers().single_bridge_connection.most_seen() == 1);
    CHECK(trial.checkers().answers.answers() > 1000);
    CHECK(trial.checkers().operations.under_way() == 0);
    CHECK(trial.faults_applied() > 10);
    CHECK(trial.world().network().stats().retransmissions > 0);
    CHECK(trial.workload().puts_done > 0);
    CHECK(trial.workload().gets_done > 0);

    Trial again(make_plan(hundred(seed)));
    CHECK(again.run() == good);
    CHECK(again.world().fingerprint() == trial.world().fingerprint());
  }
}

// That builds with other compilers and libraries see the same is what `make check-compilers`
// compares.
TEST_CASE("whole networks: a seed gives the same fingerprint every time") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Trial first(make_plan(fingerprint_request(seed)));
    Trial second(make_plan(fingerprint_request(seed)));
    CHECK(first.run() == second.run());
    CHECK(first.world().fingerprint() == second.world().fingerprint());
    CHECK(first.world().stats().events == second.world().stats().events);
  }
}

TEST_CASE("whole networks: another seed gives another fingerprint") {
  PlanRequest request;
  request.nodes = 10;
  request.minutes = 1;
  request.seed = 1;
  Trial first(make_plan(request));
  request.seed = 2;
  Trial second(make_plan(request));
  first.run();
  second.run();
  CHECK(first.world().fingerprint() != second.world().fingerprint());
}

TEST_CASE("whole networks: a calm one joins completely and loses no operation") {
  PlanRequest request = hundred(3);
  request.weather = Weather::calm;
  request.minutes = 2;
  Trial trial(make_plan(request));
  const bool good = trial.run();
  INFO(trial.failure());
  CHECK(good);
  CHECK(trial.world().stats().joins >= 99);
  CHECK(trial.workload().puts_done == trial.workload().puts);
  CHECK(trial.workload().gets_done == trial.workload().gets);
  // Many members keep what they are asked for; whoever does not knows, or is told, who does.
  CHECK(trial.workload().gets_elsewhere > 0);
  CHECK(trial.workload().gets_elsewhere < trial.workload().gets_done);
  CHECK(trial.workload().hops >= trial.workload().gets_elsewhere);
  CHECK(trial.workload().questions >= trial.workload().hops);
  CHECK(trial.workload().finds_done == trial.workload().finds);
  CHECK(trial.checkers().operations.lost_with_node() == 0);
}

}  // namespace
}  // namespace trestle::sim::test
