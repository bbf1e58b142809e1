// Newcomers at a bootstrap node: join_program --bootstrap URL --joins N --at-once N. Prints one
// JSON line: how many were introduced by a bridge, how long all took together, and the CPU of this
// side.

#include <cstdio>

#include "driver.hpp"
#include "join_side.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/timer.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::node, flags);
  const auto joins = static_cast<std::size_t>(flags.number("joins", 200));
  const auto at_once = static_cast<std::size_t>(flags.number("at-once", 200));
  bench::JoinSide side(flags.text("bootstrap"), joins, at_once, driver.suite(), Rng(5));
  driver.attach(side);

  host::Timer look(driver.loop().loop(), [&] {
    if (side.is_done()) return driver.stop();
    look.start(std::chrono::milliseconds(1));
  });
  look.start(std::chrono::milliseconds(1));
  const Instant began = host::steady_now();
  const double cpu_before = bench::cpu_seconds();
  driver.run();
  std::printf("{\"joined\": %zu, \"failed\": %zu, \"seconds\": %.4f, \"cpu_seconds\": %.4f}\n",
              side.joined(), side.failed(),
              static_cast<double>((host::steady_now() - began).count()) / 1e6,
              bench::cpu_seconds() - cpu_before);
  return side.failed() == 0 ? 0 : 1;
}
