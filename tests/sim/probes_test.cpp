#include "trestle/sim/probes.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "catch.hpp"
#include "fake_node.hpp"
#include "seeds.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

/// A network of thirty asks its bridges too seldom for these.
constexpr Probe kOfBusyBridges[] = {Probe::many_records_in_a_frame,
                                    Probe::bridge_attempt_timed_out,
                                    Probe::bridge_busy,
                                    Probe::request_moved,
                                    Probe::request_retried,
                                    Probe::retry_denied,
                                    Probe::request_saved_elsewhere,
                                    Probe::late_answer,
                                    Probe::request_hedged,
                                    Probe::hedge_won,
                                    Probe::bridge_excluded,
                                    Probe::bridge_ejected,
                                    Probe::bridge_trusted_again,
                                    Probe::breaker_opened,
                                    Probe::breaker_half_open,
                                    Probe::breaker_half_open_failed,
                                    Probe::breaker_closed_again};

PlanRequest storm_request(std::uint64_t seed) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 30;
  request.bridges = 2;
  request.minutes = 10;
  return request;
}

TEST_CASE("every declared probe is reached by the storms of the suite, and every rule holds there",
          "[large]") {
  Probes total;
  for (std::uint64_t seed = 1; seed <= std::max<std::uint64_t>(60, seeds_or(60)); ++seed) {
    Trial trial(make_plan(storm_request(seed)));
    const bool good = trial.run();
    INFO(trial.failure());
    REQUIRE(good);
    total.add(trial.probes());
  }
  INFO(total.to_text());
  for (std::size_t index = 0; index < kProbes; ++index) {
    const auto probe = static_cast<Probe>(index);
    if (std::ranges::find(kOfBusyBridges, probe) != std::end(kOfBusyBridges)) continue;
    CAPTURE(sentence(probe));
    CHECK(total.count(probe) > 0);
  }
}

TEST_CASE("a world in which nothing happens reaches no probe, and says which it missed") {
  Bench bench;
  Probes probes;
  bench.world.add_observer(probes);
  bench.add_started();
  bench.world.run_for(1min);
  probes.finish(bench.world);
  CHECK(probes.missed().size() == kProbes);
}

TEST_CASE("a probe counts what it names, and counts add up") {
  Bench bench;
  Probes probes;
  bench.world.add_observer(probes);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add();
  bench.dial(a, b);
  bench.world.run_for(1s);
  probes.finish(bench.world);
  CHECK(probes.count(Probe::dial_refused) == 1);
  CHECK(probes.count(Probe::dial_timed_out) == 0);
  CHECK(probes.missed().size() == kProbes - 1);
  Probes total;
  total.add(probes);
  total.add(probes);
  CHECK(total.count(Probe::dial_refused) == 2);
  CHECK(total.to_text().find("2  a dial was refused\n") != std::string::npos);
}

TEST_CASE("every probe has a sentence of its own") {
  for (std::size_t left = 0; left < kProbes; ++left) {
    const std::string_view text = sentence(static_cast<Probe>(left));
    CHECK_FALSE(text.empty());
    for (std::size_t right = 0; right < left; ++right) {
      CHECK(text != sentence(static_cast<Probe>(right)));
    }
  }
}

}  // namespace
}  // namespace trestle::sim::test
