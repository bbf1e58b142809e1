// The bootstrap's end under measurement: the real transport and bridge set, so many requests in
// flight for so long. Prints one JSON line.
//
//   asker_program --bridge URL [--in-flight N] [--warm-up-ms N] [--run-ms N]

#include <algorithm>
#include <cstdio>
#include <vector>

#include "asker_side.hpp"
#include "driver.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"

namespace {

using namespace trestle;

double quantile_us(std::vector<std::uint32_t>& times, std::size_t permille) {
  if (times.empty()) return 0;
  const std::size_t place = std::min(times.size() - 1, times.size() * permille / 1000);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(place), times.end());
  return times[place] / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::bootstrap);

  bench::AskerSideOptions options;
  for (const std::string& url : flags.all("bridge")) options.bridges.bridges.push_back({{url}});
  options.in_flight = static_cast<std::size_t>(flags.number("in-flight", 128));
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
  begin.start(std::chrono::milliseconds(flags.number("warm-up-ms", 300)));
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
      quantile_us(side.times(), 500), quantile_us(side.times(), 990));
  return side.failed() == 0 && answered > 0 ? 0 : 1;
}
