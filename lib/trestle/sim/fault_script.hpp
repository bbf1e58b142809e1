#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/time.hpp"
#include "trestle/sim/happening.hpp"

namespace trestle::sim {

enum class FaultKind : std::uint8_t {
  partition,           ///< Nothing passes between groups.
  one_way_partition,   ///< Nothing passes from a group to a higher one.
  flapping_partition,  ///< As `partition`, there for `number` microseconds, gone for as many, and
                       ///< so on.
  clog,                ///< Nothing passes from or to the node.
  restart,             ///< The node is asked to go, does, and comes back after `lasts`.
  kill,        ///< The process dies; its kernel closes the sockets. Restarted after `lasts`.
  crash,       ///< The process dies in the middle of a step: `number` of its next orders are
               ///< performed, the one after them is not. Restarted after `lasts`.
  power_cut,   ///< The machine dies silently. Restarted after `lasts`.
  reset,       ///< One connection breaks, both ends are told.
  half_open,   ///< The node's peer is told that the connection broke, the node is not: what it
               ///< sends is taken and vanishes. Only pings show it.
  black_hole,  ///< One connection dies, nobody is told; what is sent stays unacknowledged.
  latency,     ///< Everything at the node takes `number` microseconds longer, for `lasts`.
  pause,       ///< The process is stopped for `lasts`, then everything reaches it at once.
  slow,        ///< The process gets a turn only now and then, for `lasts`: what is for it waits
               ///< up to `number` microseconds.
  clock_jump,  ///< The node's calendar jumps by half of `number` microseconds, backwards if it is
               ///< odd, and back after `lasts`.
  disk_full,   ///< The disk takes nothing new, for `lasts`.
  disk_error,  ///< Syncs fail, for `lasts`; then the disk is repaired and the node restarted.
  disk_loss,   ///< The process dies and its disk with it. An empty one is there after `lasts`.
  misconduct,  ///< The node, a byzantine one, does as `Misconduct` number `number`, for `lasts`.
  join,        ///< A node that never was there starts.
  leave,       ///< The node goes for ever, as `Leaving` number `number`.
};

inline constexpr std::uint8_t kFaultKinds = 21;

std::string_view name(FaultKind kind);
/// Whether such a fault is about groups of nodes, not about one.
bool has_groups(FaultKind kind);

/// One thing a nemesis does. A value, so that a list of them can be printed, shortened by hand and
/// run again without the seed that drew it.
struct Fault {
  Instant at{};
  FaultKind kind = FaultKind::reset;
  Duration lasts{};
  NodeIndex node = 0;  ///< Not for partitions.
  /// reset, half_open, black_hole: which of the node's connections, modulo their number.
  std::uint64_t number = 0;
  std::vector<std::uint8_t> groups{};  ///< Partitions: one group number, 0..9, per node.
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// Everything that will go wrong in a run, in order of time.
using FaultScript = std::vector<Fault>;

/// By time; what tells two faults of one instant apart decides between them, so that the order is
/// the same with every library.
void sort_by_time(FaultScript& script);

/// One line per fault: `at kind lasts node number`, or `at kind lasts groups number` with one digit
/// per node; times in microseconds.
std::string to_text(const FaultScript& script);

/// The reverse. Empty lines and lines that begin with `#` are skipped. Nothing if a line is not
/// understood.
std::optional<FaultScript> fault_script_from_text(std::string_view text);

}  // namespace trestle::sim
