#pragma once

#include <cstdint>
#include <vector>

#include "trestle/base/rng.hpp"
#include "trestle/sim/byzantine_peer.hpp"
#include "trestle/sim/fault_drawing.hpp"
#include "trestle/sim/fault_script.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// A node that was asked to go must be gone by then (C4).
inline constexpr Duration kShutdownMax = std::chrono::seconds(10);

/// A node that is to crash in the middle of a step and makes none is killed after this long.
inline constexpr Duration kCrashWithin = std::chrono::seconds(5);

/// What is wrong for ever with a node outside of the core.
enum class Broken : std::uint8_t {
  silent,   ///< Its machine is without power; nobody was told.
  stopped,  ///< The process does not go on, its kernel takes what comes.
  cut_off,  ///< Nothing passes from or to it.
  mute,     ///< It hears the core and cannot reach it.
  deaf,     ///< It reaches the core and hears nothing of it.
  down,     ///< Its process ended, its kernel said so.
};
inline constexpr std::uint8_t kBrokenKinds = 6;

/// Does what a fault script says. Must outlive the world's running.
class Nemesis {
 public:
  /// `board` is where misconduct is ordered; without one nobody misbehaves. Must outlive it.
  Nemesis(World& world, FaultScript script, MisconductBoard* board = nullptr)
      : world_(world),
        script_(std::move(script)),
        board_(board),
        turns_(Rng(world.options().seed).fork("nemesis-turns")) {}

  /// Schedules every fault and its end.
  void unleash();
  /// Ends every fault at once, restarts what is down, and does nothing more. Who left for ever, or
  /// never came, stays away.
  void retire();
  /// The same for the nodes of `core` (`true` by index); everything outside breaks, or stays
  /// broken, for ever.
  void retire_to(const std::vector<bool>& core, Rng rng);

  /// The node has a seat and is not there until a fault says so.
  void keep_away(NodeIndex node) { mark_absent(node, true); }
  /// Whether the node has left for ever, or is still to join.
  bool is_absent(NodeIndex node) const { return node < absent_.size() && absent_[node]; }

  /// Faults that had an effect; a node that is down cannot be killed again.
  std::uint64_t applied() const { return applied_; }
  /// Disks that were lost, and those that went with who left for ever.
  std::uint64_t disks_destroyed() const { return disks_destroyed_; }

 private:
  void apply(const Fault& fault);
  void apply_partition(const Fault& fault);
  void apply_restart(const Fault& fault);
  void apply_kill(const Fault& fault);
  void start_when_down(NodeIndex node, Instant at);
  void apply_to_connection(const Fault& fault);
  void apply_latency(const Fault& fault);
  void apply_flapping(const Fault& fault);
  void flap(const Fault& fault, Instant until);
  void apply_clog(const Fault& fault);
  void apply_clock_jump(const Fault& fault);
  void apply_disk_trouble(const Fault& fault);
  void repair_disk(NodeIndex node);
  void apply_disk_loss(const Fault& fault);
  void apply_misconduct(const Fault& fault);
  void apply_join(const Fault& fault);
  void apply_leave(const Fault& fault);
  void mark_absent(NodeIndex node, bool is_absent);
  void revive(NodeIndex node);
  void break_for_ever(NodeIndex node, Broken broken);
  void apply_crash(const Fault& fault);
  void apply_pause(const Fault& fault);
  void apply_slow(const Fault& fault);
  void pause(NodeIndex node, Instant until);
  void take_turns(NodeIndex node, std::uint32_t incarnation, Instant until, Duration wait_max);

  World& world_;
  FaultScript script_;
  MisconductBoard* board_;
  Rng turns_;
  std::vector<bool> absent_;
  std::vector<bool> bad_disks_;  ///< Their nodes need a new process to trust them again.
  bool retired_ = false;
  std::uint64_t applied_ = 0;
  std::uint64_t disks_destroyed_ = 0;
};

}  // namespace trestle::sim
