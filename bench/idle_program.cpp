// Holds so many idle connections: idle_program --to URL --count N. Prints `ready N` once all are
// open; runs until it is killed.

#include <cstdio>

#include "driver.hpp"
#include "idle_side.hpp"
#include "trestle/host/timer.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::bootstrap, flags);
  const auto wanted = static_cast<std::size_t>(flags.number("count", 1000));
  bench::IdleSide side(flags.text("to"), wanted, driver.local(), driver.suite(), Rng(3));
  driver.attach(side);

  bool is_told = false;
  host::Timer look(driver.loop().loop(), [&] {
    if (side.lost() > 0) {
      std::fprintf(stderr, "%zu connections were lost\n", side.lost());
      return driver.stop();
    }
    if (!is_told && side.open() == wanted) {
      std::printf("ready %zu\n", side.open());
      std::fflush(stdout);
      is_told = true;
    }
    look.start(std::chrono::milliseconds(50));
  });
  look.start(std::chrono::milliseconds(50));
  driver.run();
}
