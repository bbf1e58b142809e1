// Several askers at one bridge: crowd_program --bridge URL --sources N (--per-second R |
// --in-flight N)
// [--polite-per-second R] [--warm-up-ms N] [--run-ms N]. Prints one JSON line: what the sources got
// together, and the polite one alone.

#include <cstdio>

#include "crowd_side.hpp"
#include "driver.hpp"
#include "nanoseconds.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"

namespace {

using namespace trestle;

void append_to(std::vector<std::uint32_t>& all, const std::vector<std::uint32_t>& some) {
  all.insert(all.end(), some.begin(), some.end());
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::bootstrap, flags);

  bench::SourceOptions eager;
  eager.per_second = static_cast<double>(flags.number("per-second", 0));
  eager.in_flight = static_cast<std::size_t>(flags.number("in-flight", 0));
  std::vector<bench::SourceOptions> sources(static_cast<std::size_t>(flags.number("sources", 0)),
                                            eager);
  const long polite = flags.number("polite-per-second", 0);
  if (polite > 0) sources.push_back({.per_second = static_cast<double>(polite), .in_flight = 0});
  bench::CrowdSide side(flags.text("bridge"), sources, driver.local(), driver.suite(), Rng(4));
  driver.attach(side);

  Instant began{};
  host::Timer end(driver.loop().loop(), [&] { driver.stop(); });
  host::Timer begin(driver.loop().loop(), [&] {
    side.begin_counting();
    began = host::steady_now();
    end.start(std::chrono::milliseconds(flags.number("run-ms", 1000)));
  });
  host::Timer tick(driver.loop().loop(), [&] {
    side.ask_due(host::steady_now());
    tick.start(std::chrono::milliseconds(1));
  });
  begin.start(std::chrono::milliseconds(flags.number("warm-up-ms", 500)));
  tick.start(std::chrono::milliseconds(1));
  driver.run();

  const double seconds = static_cast<double>((host::steady_now() - began).count()) / 1e6;
  std::vector<std::uint32_t> answered;
  std::vector<std::uint32_t> busy;
  std::uint64_t failed = 0;
  std::uint64_t withheld = 0;
  for (std::size_t source = 0; source < side.sources(); ++source) {
    append_to(answered, side.outcome(source).answered);
    append_to(busy, side.outcome(source).busy);
    failed += side.outcome(source).failed;
    withheld += side.outcome(source).withheld;
  }
  const auto& last = side.outcome(side.sources() - 1);
  std::printf(
      "{\"answered\": %zu, \"busy\": %zu, \"failed\": %llu, \"withheld\": %llu, "
      "\"per_second\": %.1f, \"busy_p99_ms\": %.3f, \"polite_answered\": %zu, "
      "\"polite_busy\": %zu, \"polite_p50_ms\": %.3f, \"polite_p99_ms\": %.3f}\n",
      answered.size(), busy.size(), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(withheld), static_cast<double>(answered.size()) / seconds,
      bench::quantile_us(busy, 990) / 1e3, polite > 0 ? last.answered.size() : 0,
      polite > 0 ? last.busy.size() : 0,
      polite > 0 ? bench::quantile_us(last.answered, 500) / 1e3 : 0.0,
      polite > 0 ? bench::quantile_us(last.answered, 990) / 1e3 : 0.0);
  return failed == 0 ? 0 : 1;
}
