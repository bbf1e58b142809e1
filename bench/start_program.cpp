// How long a node takes from its start until it has eight peers. start_program [--before N]
// [--starts N]: so many nodes of one network in this process, then so many more, one after the
// other, each from its keys to its eighth proven link. Prints one JSON line: milliseconds.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "flags.hpp"
#include "service_network.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kPeers = 8;
  const bench::Flags flags(argc, argv);
  const auto bootstrap = bench::run_bootstrap();
  bench::ServiceNetwork network((*bootstrap)->address());
  network.add_many(static_cast<std::size_t>(flags.number("before", 48)));

  const long starts = flags.number("starts", 16);
  std::printf("{\"milliseconds\": [");
  for (long number = 0; number < starts; ++number) {
    const auto begun = Clock::now();
    network.add(kPeers);
    const std::chrono::duration<double, std::milli> took = Clock::now() - begun;
    std::printf("%s%.3f", number == 0 ? "" : ", ", took.count());
  }
  std::printf("]}\n");
  // The goodbyes of all of them take their time and are not measured.
  std::fflush(nullptr);
  std::_Exit(0);
}
