#pragma once

#include <cstdint>
#include <vector>

#include "trestle/base/rng.hpp"
#include "trestle/sim/fault_script.hpp"

namespace trestle::sim {

/// How often what goes wrong, per thousand node-hours; 0: never. Each class with a rate happens at
/// least once, so that none silently disappears from short runs.
struct NemesisOptions {
  std::uint32_t partitions = 0;
  std::uint32_t one_way_partitions = 0;
  std::uint32_t flapping_partitions = 0;
  /// Nodes clogged one by one over seconds and released in another order: the best finder of bugs
  /// there is. Counted by node; those of one swizzle come together.
  std::uint32_t swizzles = 0;
  std::uint32_t restarts = 0;
  std::uint32_t kills = 0;
  std::uint32_t crashes = 0;
  std::uint32_t power_cuts = 0;
  std::uint32_t resets = 0;
  std::uint32_t half_opens = 0;
  std::uint32_t black_holes = 0;
  std::uint32_t latencies = 0;
  std::uint32_t pauses = 0;
  std::uint32_t slows = 0;
  std::uint32_t clock_jumps = 0;
  std::uint32_t disks_full = 0;
  std::uint32_t disk_errors = 0;
  std::uint32_t disk_losses = 0;
  /// Of those in `turncoats`, per thousand node-hours of the whole network; none if there are none.
  std::uint32_t misconducts = 0;
  /// Who may misbehave.
  std::vector<NodeIndex> turncoats{};
  Duration partition_min = std::chrono::seconds(1);
  Duration partition_max =
      std::chrono::seconds(90);  ///< Beyond the time after which peers are given up.
  std::uint32_t parts_max = 5;   ///< Of a k-way partition.
  Duration flap_min = std::chrono::milliseconds(200);
  Duration flap_max = std::chrono::seconds(10);  ///< Longer than a dial is waited for.
  Duration clog_spread =
      std::chrono::seconds(10);  ///< From the first clog of a swizzle to the last.
  Duration clog_max = std::chrono::seconds(30);
  Duration downtime_min = std::chrono::milliseconds(100);  ///< A supervisor restarts at once.
  /// Drawn evenly over the scales below: most daemons are back within seconds, some machines stay
  /// away for minutes.
  Duration downtime_max = std::chrono::minutes(10);
  Duration latency_min = std::chrono::milliseconds(50);
  Duration latency_max = std::chrono::seconds(2);
  Duration spike_max = std::chrono::seconds(20);
  Duration pause_min = std::chrono::milliseconds(100);
  Duration pause_max = std::chrono::seconds(120);  ///< C3; drawn over the scales, like downtimes.
  Duration slow_min = std::chrono::seconds(5);
  Duration slow_max = std::chrono::seconds(60);
  Duration turn_wait_min = std::chrono::milliseconds(100);
  Duration turn_wait_max = std::chrono::seconds(5);
  Duration jump_max = std::chrono::hours(1);  ///< Either way; drawn over the scales.
  Duration jumped_min = std::chrono::seconds(5);
  Duration jumped_max = std::chrono::minutes(5);  ///< Until somebody sets the clock right.
  Duration disk_trouble_min = std::chrono::seconds(5);
  Duration disk_trouble_max = std::chrono::minutes(2);
  Duration misconduct_min = std::chrono::seconds(10);
  Duration misconduct_max = std::chrono::minutes(2);
};

/// The storm of reliability.md 7.4, as far as these classes go: about 10 faults per node-hour.
NemesisOptions storm();
/// Phones on the move: connections break, turn half-open, come late; nodes sleep.
NemesisOptions mobile();
/// Data centres cut off from each other, and machines without power.
NemesisOptions datacentre_cut();

/// Draws the faults of `nodes` nodes in [from, until).
FaultScript draw_faults(const NemesisOptions& options, Rng rng, std::uint32_t nodes, Instant from,
                        Instant until);

}  // namespace trestle::sim
