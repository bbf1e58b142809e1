// P-ML-3: thirty virtual days of a small network.

#include <cstdio>
#include <vector>

#include <malloc.h>

#include "catch.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

/// What must not grow: every figure of a node that is no total, connections, agenda, heap.
struct Sample {
  std::uint64_t gauges = 0;
  std::uint64_t heap_bytes = 0;
};

/// Totals grow by right; records are what users put, a few more or less in each six hours.
bool is_gauge(std::string_view name) {
  return !name.ends_with("_total") && !name.ends_with("_peak") && !name.starts_with("dht.record");
}

Sample look(const World& world) {
  Sample sample;
  for (NodeIndex node = 0; node < world.size(); ++node) {
    for (const auto& [name, value] : world.node(node).status(world.now()).counters) {
      if (is_gauge(name)) sample.gauges += value;
    }
  }
  sample.gauges += world.network().connections_in_use();
  sample.heap_bytes = static_cast<std::uint64_t>(mallinfo2().uordblks);
  return sample;
}

TEST_CASE("P-ML-3: over thirty virtual days what a network remembers stays as it was") {
  PlanRequest request;
  request.seed = 30;
  request.nodes = 5;
  request.bridges = 1;
  request.minutes = 30 * 24 * 60;
  request.weather = Weather::calm;
  Plan plan = make_plan(request);
  plan.workload_spacing = 10min;
  plan.value_life = 6h;
  plan.world.news_max = 64;
  Trial trial(plan);
  World& world = trial.world();
  std::vector<Sample> days;
  for (int day = 0; day < 30; ++day) {
    Sample most;
    for (int look_of_day = 0; look_of_day < 24; ++look_of_day) {
      world.run_for(1h);
      REQUIRE_FALSE(world.violation());
      const Sample sample = look(world);
      most.gauges = std::max(most.gauges, sample.gauges);
      most.heap_bytes = std::max(most.heap_bytes, sample.heap_bytes);
    }
    days.push_back(most);
  }
  const auto most_of = [&](std::size_t from, std::size_t until) {
    Sample most;
    for (std::size_t day = from; day < until; ++day) {
      most.gauges = std::max(most.gauges, days[day].gauges);
      most.heap_bytes = std::max(most.heap_bytes, days[day].heap_bytes);
    }
    return most;
  };
  // The first two days fill caches and tables; after that, ten days must be like ten others.
  const Sample early = most_of(2, 12);
  const Sample late = most_of(20, 30);
  std::fprintf(stderr, "  gauges %llu then %llu, heap %llu then %llu bytes\n",
               static_cast<unsigned long long>(early.gauges),
               static_cast<unsigned long long>(late.gauges),
               static_cast<unsigned long long>(early.heap_bytes),
               static_cast<unsigned long long>(late.heap_bytes));
  CHECK(late.gauges * 100 <= early.gauges * 110);
  CHECK(late.heap_bytes * 100 <= early.heap_bytes * 105);
  CHECK(trial.workload().puts > 1000);
}

}  // namespace
}  // namespace trestle::sim::test
