// A bridge under measurement: the real transport, channels and desk. Prints `ready PORT`; runs
// until it is killed.

#include <algorithm>

#include "bridge_side.hpp"
#include "driver.hpp"

int main(int argc, char** argv) {
  using namespace trestle;
  const bench::Flags flags(argc, argv);
  bench::Driver driver(wire::Role::bridge, flags);

  bench::BridgeSideOptions options;
  options.channels.pending_max = 4096;
  options.desk.sweep_after = std::chrono::minutes(5);
  options.desk.heard_fresh = std::chrono::hours(24);
  if (const long probe_us = flags.number("probe-us", 0); probe_us > 0) {
    // Members are silent and have to be asked: what a request then costs is time, not CPU. Below
    // zero, since one that answers would else be fresh for all who ask at the same instant.
    options.desk.heard_fresh = Duration(-1);
    options.probe_answered_after = Duration(probe_us);
    options.desk.probe_wait = std::max(options.desk.probe_wait, Duration(2 * probe_us));
  }
  options.desk.in_service_max = static_cast<std::size_t>(flags.number("in-service", 10));
  options.members = static_cast<std::uint64_t>(flags.number("members", bench::kMembers));
  bench::BridgeSide side(options, driver.local(), driver.suite(), Rng(1));
  driver.attach(side);
  driver.listen();
  driver.run();
}
