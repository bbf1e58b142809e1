// The bootstrap's end under measurement: the real transport and bridge set, so many requests in
// flight for so long. Prints one JSON line.
//
//   asker_program --bridge URL [--mode stateless] [--in-flight N] [--neighbours N]
//                 [--patience-ms N] [--warm-up-ms N] [--run-ms N]

#include <algorithm>
#include <cstdio>

#include "asker_side.hpp"
#include "driver.hpp"
#include "nanoseconds.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::bootstrap, flags);

  bench::AskerSideOptions options;
  for (const std::string& url : flags.all("bridge")) options.bridges.bridges.push_back({{url}});
  options.in_flight = static_cast<std::size_t>(flags.number("in-flight", 128));
  options.bridges.requests_max = 2048;
  options.neighbours = static_cast<std::size_t>(flags.number("neighbours", 0));
  if (options.neighbours > 0) options.neighbours_url = flags.text("bridge");
  if (flags.text("mode") == "stateless") {
    options.bridges.mode = pool::BridgeMode::stateless;
    options.bridges.stateless_max = options.in_flight;
    options.bridges.stateless_opening_max = 64;
  }
  if (const long patience_ms = flags.number("patience-ms", 0); patience_ms > 0) {
    options.bridges.attempt_timeout = std::chrono::milliseconds(patience_ms);
    options.bridges.total_timeout = std::chrono::milliseconds(patience_ms);
    options.bridges.connection_wait = std::chrono::milliseconds(patience_ms);
    options.budget_ms = static_cast<std::uint32_t>(patience_ms);
  }
  bench::AskerSide side(options, driver.local(), driver.suite(), Rng(2));
  driver.attach(side);

  Instant began{};
  double cpu_before = 0;
  double warm_up_answered = 0;
  host::Timer end(driver.loop().loop(), [&] { driver.stop(); });
  host::Timer begin(driver.loop().loop(), [&] {
    warm_up_answered = static_cast<double>(side.answered());
    side.begin_counting();
    began = host::steady_now();
    cpu_before = bench::cpu_seconds();
    end.start(std::chrono::milliseconds(flags.number("run-ms", 1000)));
  });
  host::Timer settle(driver.loop().loop(), [&] {
    if (side.is_settled()) {
      begin.start(std::chrono::milliseconds(flags.number("warm-up-ms", 300)));
    } else {
      settle.start(std::chrono::milliseconds(10));
    }
  });
  settle.start(Duration::zero());
  driver.run();

  const double seconds = static_cast<double>((host::steady_now() - began).count()) / 1e6;
  const double cpu = bench::cpu_seconds() - cpu_before;
  const auto answered = static_cast<double>(side.answered());
  std::printf(
      "{\"answered\": %.0f, \"failed\": %llu, \"per_second\": %.0f, \"cpu_us\": %.3f, "
      "\"warm_up_share\": %.4f, "
      "\"p50_us\": %.2f, \"p99_us\": %.2f}\n",
      answered, static_cast<unsigned long long>(side.failed()), answered / seconds,
      cpu * 1e6 / std::max(1.0, answered), warm_up_answered / std::max(1.0, answered),
      bench::quantile_us(side.times(), 500), bench::quantile_us(side.times(), 990));
  return side.failed() == 0 && answered > 0 ? 0 : 1;
}
