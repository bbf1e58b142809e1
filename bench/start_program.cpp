// How long a node takes from its start until it has eight peers. start_program [--before N]
// [--starts N]: so many nodes of one network in this process, then so many more, one after the
// other, each from its keys to its eighth proven link. Prints one JSON line: milliseconds.

#include <cstdio>
#include <cstdlib>

#include "dht_starts.hpp"
#include "flags.hpp"
#include "service_network.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  const bench::Flags flags(argc, argv);
  const bench::DhtStarts starts;
  const auto bootstrap = bench::run_bootstrap();
  bench::ServiceNetwork network((*bootstrap)->address());
  network.add_many(
      static_cast<std::size_t>(flags.number("before", static_cast<long>(starts.before))));
  const auto count =
      static_cast<std::size_t>(flags.number("starts", static_cast<long>(starts.starts)));
  bench::run_dht_starts(count, [&](std::size_t) { network.add(starts.peers); });
  // The goodbyes of all of them take their time and are not measured.
  std::fflush(nullptr);
  std::_Exit(0);
}
