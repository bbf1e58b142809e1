// Bridge sets that are asked all the time, and real bridges, in storms.

#include "trestle/sim/bridge_trial.hpp"

#include "catch.hpp"
#include "seeds.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

BridgeTrialOptions storm_of(std::uint64_t seed) {
  BridgeTrialOptions options;
  options.seed = seed;
  return options;
}

TEST_CASE(
    "P-BR-1, P-BR-2, P-BR-5: sets in a storm keep one connection a bridge, take turns, and end "
    "every request once") {
  Probes total;
  std::uint64_t assignments = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(40); ++seed) {
    BridgeTrial trial(storm_of(seed));
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    CHECK(trial.result().answered > 1000);
    total.add(trial.probes());
    assignments += trial.requests().assignments_checked();
  }
  CHECK(assignments > 20'000);
  INFO(total.to_text());
  for (const Probe probe :
       {Probe::many_records_in_a_frame, Probe::bridge_lost, Probe::bridge_unhealthy,
        Probe::bridge_healthy_again, Probe::bridge_attempt_timed_out, Probe::bridge_attempt_lost,
        Probe::breaker_opened, Probe::breaker_half_open, Probe::breaker_half_open_failed,
        Probe::breaker_closed_again, Probe::request_retried, Probe::request_moved,
        Probe::request_saved_elsewhere, Probe::retry_denied, Probe::late_answer,
        Probe::half_open_found_by_ping}) {
    CAPTURE(sentence(probe));
    CHECK(total.count(probe) > 0);
  }
}

TEST_CASE("P-CR-13: sets that change between pool and stateless under load keep their promises") {
  std::uint64_t stateless = 0;
  std::uint64_t reloads = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(15); ++seed) {
    BridgeTrialOptions options = storm_of(seed);
    options.switch_mode_every = 20s;
    options.failed_percent_max = 5;  // a lossy line costs most where every request dials
    BridgeTrial trial(options);
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    stateless += trial.requests().stateless_checked();
    reloads += trial.result().reloads;
  }
  CHECK(stateless > 1000);
  CHECK(reloads > 50);
}

TEST_CASE("switching pool to stateless and back under load fails no request") {
  std::uint64_t reloads = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(10); ++seed) {
    BridgeTrialOptions options = storm_of(seed);
    options.weather = Weather::calm;
    options.minutes = 2;
    options.switch_mode_every = 3s;
    // A connection of one request takes up to three seconds on the slowest lines that a plan draws,
    // and a bridge lets in eight of one address at a time: more than this would wait for that
    // alone.
    options.request_every = 1s;
    options.burst_max = 3;
    BridgeTrial trial(options);
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    CHECK(trial.result().failed == 0);
    CHECK(trial.result().refused == 0);
    CHECK(trial.result().answered == trial.result().submitted);
    reloads += trial.result().reloads;
  }
  CHECK(reloads > 250);
}

TEST_CASE("two choices with hedges keeps the same promises in a storm, and hedges win there") {
  Probes total;
  for (std::uint64_t seed = 1; seed <= seeds_or(10); ++seed) {
    BridgeTrialOptions options = storm_of(seed);
    options.set.balancing = pool::Balancing::two_choices;
    options.hedging = pool::Hedging::allowed;
    BridgeTrial trial(options);
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    total.add(trial.probes());
  }
  INFO(total.to_text());
  CHECK(total.count(Probe::request_hedged) > 0);
  CHECK(total.count(Probe::hedge_won) > 0);
}

TEST_CASE("requests that are withdrawn while answers are on their way keep the same promises") {
  std::uint64_t withdrawn = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(5); ++seed) {
    BridgeTrialOptions options = storm_of(seed);
    options.withdrawing_percent = 50;
    BridgeTrial trial(options);
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    withdrawn += trial.result().withdrawn;
  }
  CHECK(withdrawn > 100);
}

TEST_CASE("a bridge trial is the same again with the same seed") {
  BridgeTrial first(storm_of(5));
  BridgeTrial second(storm_of(5));
  CHECK(first.run() == second.run());
  CHECK(first.world().fingerprint() == second.world().fingerprint());
}

}  // namespace
}  // namespace trestle::sim::test
