#pragma once

#include <cstdint>
#include <memory>

#include "trestle/base/rng.hpp"
#include "trestle/sim/fault_script.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// How often what goes wrong, per thousand node-hours; 0: never. Each class with a rate happens at
/// least once, so that none silently disappears from short runs.
struct NemesisOptions {
  std::uint32_t partitions = 0;
  std::uint32_t one_way_partitions = 0;
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
  Duration partition_min = std::chrono::seconds(1);
  Duration partition_max =
      std::chrono::seconds(90);  ///< Beyond the time after which peers are given up.
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
};

/// The storm of reliability.md 7.4, as far as these classes go: about 8 faults per node-hour.
NemesisOptions storm();

/// Draws the faults of `nodes` nodes in [from, until).
FaultScript draw_faults(const NemesisOptions& options, Rng rng, std::uint32_t nodes, Instant from,
                        Instant until);

/// A node that was asked to go must be gone by then (C4).
inline constexpr Duration kShutdownMax = std::chrono::seconds(10);

/// A node that is to crash in the middle of a step and makes none is killed after this long.
inline constexpr Duration kCrashWithin = std::chrono::seconds(5);

/// Does what a fault script says. Must outlive the world's running.
class Nemesis {
 public:
  Nemesis(World& world, FaultScript script)
      : world_(world),
        script_(std::move(script)),
        turns_(Rng(world.options().seed).fork("nemesis-turns")) {}

  /// Schedules every fault and its end.
  void unleash();
  /// Ends every fault at once, restarts what is down, and does nothing more.
  void retire();

  /// Faults that had an effect; a node that is down cannot be killed again.
  std::uint64_t applied() const { return applied_; }

 private:
  void apply(const Fault& fault);
  void apply_partition(const Fault& fault);
  void apply_restart(const Fault& fault);
  void apply_kill(const Fault& fault);
  void start_when_down(NodeIndex node, Instant at);
  void apply_to_connection(const Fault& fault);
  void apply_latency(const Fault& fault);
  void apply_crash(const Fault& fault);
  void apply_pause(const Fault& fault);
  void apply_slow(const Fault& fault);
  void pause(NodeIndex node, Instant until);
  void take_turns(NodeIndex node, std::uint32_t incarnation, Instant until, Duration wait_max);

  World& world_;
  FaultScript script_;
  Rng turns_;
  bool retired_ = false;
  std::uint64_t applied_ = 0;
};

}  // namespace trestle::sim
