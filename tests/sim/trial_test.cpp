// Whole networks in every weather, and every way for them to end.

#include "trestle/sim/trial.hpp"

#include <array>
#include <cstdio>

#include "catch.hpp"
#include "seeds.hpp"

namespace trestle::sim::test {
namespace {

PlanRequest thirty(std::uint64_t seed, Weather weather, Mode mode) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 30;
  request.bridges = 2;
  request.minutes = 6;
  request.weather = weather;
  request.mode = mode;
  return request;
}

TEST_CASE("I1, I2, I6, I8, I18, L1, L2, L5, L6, L7: every weather, every mode, every rule",
          "[large]") {
  for (const Weather weather :
       {Weather::mobile, Weather::storm, Weather::datacentre_cut, Weather::adversary}) {
    for (const Mode mode : {Mode::healing, Mode::safety, Mode::liveness}) {
      for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
        Trial trial(make_plan(thirty(seed, weather, mode)));
        std::fprintf(stderr, "%s\n", trial.plan().world.replay.c_str());
        const bool good = trial.run();
        INFO(trial.failure());
        CHECK(good);
        CHECK(trial.broken_rule().empty());
        CHECK(trial.checkers().bounds.looks() > 100);
        CHECK(trial.faults_applied() > 0);
      }
    }
  }
}

TEST_CASE("a storm without any single class of fault is another storm: every class is applied") {
  std::array<std::uint64_t, kFaultKinds> drawn{};
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Plan plan = make_plan(thirty(seed, Weather::storm, Mode::healing));
    for (const Fault& fault : plan.faults) ++drawn[static_cast<std::size_t>(fault.kind)];
  }
  std::uint64_t total = 0;
  for (const std::uint64_t count : drawn) total += count;
  for (std::uint8_t kind = 0; kind < kFaultKinds; ++kind) {
    CAPTURE(name(static_cast<FaultKind>(kind)));
    CHECK(drawn[kind] * 500 >= total);  // 0.2 % of all faults at least
  }
}

TEST_CASE("ten percent an hour come and go, and every acknowledged record is read at all times") {
  PlanRequest request;
  request.seed = 4;
  request.nodes = 60;
  request.minutes = 90;
  request.weather = Weather::calm;
  request.churn_percent = 10;
  request.strict = true;
  Trial trial(make_plan(request));
  const bool good = trial.run();
  INFO(trial.failure());
  CHECK(good);
  CHECK(trial.faults_applied() > 10);
  CHECK(trial.acknowledged().stats().acknowledged > 100);
  CHECK(trial.acknowledged().stats().reads > 100);
  CHECK(trial.acknowledged().stats().misses == 0);
}

}  // namespace
}  // namespace trestle::sim::test
