#include "trestle/sim/fault_drawing.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/byzantine_peer.hpp"

namespace trestle::sim {
namespace {

/// How many of a class happen in that many node-microseconds.
std::uint64_t count_of(std::uint32_t rate, std::uint32_t nodes, Duration length) {
  if (rate == 0) return 0;
  constexpr std::uint64_t kSecondsPerThousandHours = 1000 * 3600;
  const auto seconds = static_cast<std::uint64_t>(length.count() / 1'000'000);
  return std::max<std::uint64_t>(1, rate * nodes * seconds / kSecondsPerThousandHours);
}

/// A minority of 5 to 50 % against the rest, or several parts of about one size.
std::vector<std::uint8_t> draw_groups(const NemesisOptions& options, Rng& rng,
                                      std::uint32_t nodes) {
  std::vector<std::uint8_t> groups;
  groups.reserve(nodes);
  const bool minority = rng.chance(1, 2);
  const std::uint64_t percent = 5 + rng.below(46);
  const std::uint64_t parts = 2 + rng.below(options.parts_max - 1);
  for (std::uint32_t node = 0; node < nodes; ++node) {
    const std::uint64_t drawn = minority ? (rng.chance(percent, 100) ? 1u : 0u) : rng.below(parts);
    groups.push_back(static_cast<std::uint8_t>(drawn));
  }
  return groups;
}

struct Span {
  Duration low;
  Duration high;
};

Span span_of(const NemesisOptions& options, FaultKind kind) {
  switch (kind) {
    case FaultKind::partition:
    case FaultKind::one_way_partition:
    case FaultKind::flapping_partition:
      return {options.partition_min, options.partition_max};
    case FaultKind::restart:
    case FaultKind::kill:
    case FaultKind::crash:
    case FaultKind::power_cut:
    case FaultKind::disk_loss:
      return {options.downtime_min, options.downtime_max};
    case FaultKind::disk_full:
    case FaultKind::disk_error:
      return {options.disk_trouble_min, options.disk_trouble_max};
    case FaultKind::latency:
      return {Duration::zero(), options.spike_max};
    case FaultKind::pause:
      return {options.pause_min, options.pause_max};
    case FaultKind::slow:
      return {options.slow_min, options.slow_max};
    case FaultKind::clock_jump:
      return {options.jumped_min, options.jumped_max};
    case FaultKind::misconduct:
      return {options.misconduct_min, options.misconduct_max};
    case FaultKind::clog:
    case FaultKind::reset:
    case FaultKind::half_open:
    case FaultKind::black_hole:
    case FaultKind::join:
    case FaultKind::leave:
      break;
  }
  return {Duration::zero(), Duration::zero()};
}

/// Whether short ones are to be as frequent as long ones of ten times their length.
bool is_drawn_over_scales(FaultKind kind) {
  return kind == FaultKind::restart || kind == FaultKind::kill || kind == FaultKind::crash ||
         kind == FaultKind::power_cut || kind == FaultKind::pause || kind == FaultKind::disk_loss;
}

/// As often a thousandth of the longest as the longest.
Duration shrink_over_scales(Duration length, Rng& rng) {
  constexpr std::uint64_t kHalvings = 10;
  const std::uint64_t halvings = rng.below(kHalvings);
  return length / (std::int64_t{1} << halvings);
}

Duration draw_length(const NemesisOptions& options, FaultKind kind, Rng& rng) {
  const Span span = span_of(options, kind);
  const Duration length = rng.between(span.low, span.high);
  if (!is_drawn_over_scales(kind)) return length;
  return std::max(span.low, shrink_over_scales(length, rng));
}

std::uint64_t as_number(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

/// What `Fault::number` means depends on the kind.
std::uint64_t draw_number(const NemesisOptions& options, FaultKind kind, Rng& rng) {
  switch (kind) {
    case FaultKind::latency:
      return as_number(rng.between(options.latency_min, options.latency_max));
    case FaultKind::slow:
      return as_number(rng.between(options.turn_wait_min, options.turn_wait_max));
    case FaultKind::flapping_partition:
      return as_number(rng.between(options.flap_min, options.flap_max));
    case FaultKind::clock_jump: {
      const Duration far = rng.between(Duration(1), options.jump_max);
      const Duration jump = shrink_over_scales(far, rng);
      const bool backwards = rng.chance(1, 2);
      return 2 * as_number(jump) + (backwards ? 1 : 0);
    }
    case FaultKind::misconduct:
      return 1 + rng.below(kMisconducts - 1);
    case FaultKind::reset:
    case FaultKind::half_open:
    case FaultKind::black_hole:
      return rng.below(1000);  // more connections than a node has
    case FaultKind::crash:
      return rng.below(12);  // a step has a few orders, seldom more
    default:
      return 0;
  }
}

Fault draw_fault(const NemesisOptions& options, FaultKind kind, Rng& rng, std::uint32_t nodes,
                 Instant from, Instant until) {
  Fault fault;
  fault.kind = kind;
  fault.at = from + rng.between(Duration::zero(), until - from - Duration(1));
  fault.lasts = draw_length(options, kind, rng);
  if (has_groups(kind)) {
    fault.groups = draw_groups(options, rng, nodes);
  } else if (kind == FaultKind::misconduct) {
    fault.node = options.turncoats[static_cast<std::size_t>(rng.below(options.turncoats.size()))];
  } else {
    fault.node = static_cast<NodeIndex>(rng.below(nodes));
  }
  fault.number = draw_number(options, kind, rng);
  return fault;
}

/// Some of the nodes, one in six to all, clogged in one order and released in another.
///
///     node 3   ......|===========|......
///     node 8   ..|===================|..
///     node 5   ........|====|...........
void draw_swizzles(const NemesisOptions& options, Rng rng, std::uint32_t nodes, Instant from,
                   Instant until, FaultScript& script) {
  std::uint64_t left = count_of(options.swizzles, nodes, until - from);
  while (left > 0) {
    const std::uint64_t share = 1 + rng.below(6);
    const Instant begins = from + rng.between(Duration::zero(), until - from - Duration(1));
    std::uint64_t clogged = 0;
    for (NodeIndex node = 0; node < nodes; ++node) {
      if (!rng.chance(share, 6)) continue;
      Fault fault;
      fault.kind = FaultKind::clog;
      fault.node = node;
      const Duration wait = rng.between(Duration::zero(), options.clog_spread);
      fault.lasts = rng.between(Duration(1), options.clog_max);
      fault.at = std::min(begins + wait, until - Duration(1));
      script.push_back(fault);
      ++clogged;
    }
    left -= std::min(left, std::max<std::uint64_t>(1, clogged));
  }
}

}  // namespace

NemesisOptions storm() {
  NemesisOptions options;
  options.partitions = 200;  // 500 in the table, in three forms
  options.one_way_partitions = 200;
  options.flapping_partitions = 100;
  options.swizzles = 300;
  options.restarts = 800;
  options.kills = 200;  // kill, 600 in the table, in three forms
  options.crashes = 200;
  options.power_cuts = 200;
  options.resets = 2500;     // drop-link and reset of the table
  options.half_opens = 400;  // half-open, 700 in the table, in two forms
  options.black_holes = 300;
  options.latencies = 1000;
  options.pauses = 400;
  options.slows = 800;
  options.clock_jumps = 300;
  options.disks_full = 250;  // disk fault, 500 in the table, in two forms
  options.disk_errors = 250;
  options.disk_losses = 20;
  options.misconducts = 500;
  return options;
}

NemesisOptions mobile() {
  NemesisOptions options;
  options.resets = 8000;
  options.half_opens = 2000;
  options.black_holes = 2000;
  options.latencies = 4000;
  options.pauses = 2000;
  options.slows = 1000;
  options.clock_jumps = 300;
  options.restarts = 400;
  return options;
}

NemesisOptions datacentre_cut() {
  NemesisOptions options;
  options.partitions = 1000;
  options.one_way_partitions = 500;
  options.flapping_partitions = 500;
  options.swizzles = 1000;
  options.power_cuts = 800;
  options.latencies = 500;
  return options;
}

FaultScript draw_faults(const NemesisOptions& options, Rng rng, std::uint32_t nodes, Instant from,
                        Instant until) {
  TRESTLE_ASSERT(from < until && nodes > 0 && options.parts_max >= 2);
  FaultScript script;
  const std::pair<FaultKind, std::uint32_t> classes[] = {
      {FaultKind::partition, options.partitions},
      {FaultKind::one_way_partition, options.one_way_partitions},
      {FaultKind::flapping_partition, options.flapping_partitions},
      {FaultKind::restart, options.restarts},
      {FaultKind::kill, options.kills},
      {FaultKind::crash, options.crashes},
      {FaultKind::power_cut, options.power_cuts},
      {FaultKind::reset, options.resets},
      {FaultKind::half_open, options.half_opens},
      {FaultKind::black_hole, options.black_holes},
      {FaultKind::latency, options.latencies},
      {FaultKind::pause, options.pauses},
      {FaultKind::slow, options.slows},
      {FaultKind::clock_jump, options.clock_jumps},
      {FaultKind::disk_full, options.disks_full},
      {FaultKind::disk_error, options.disk_errors},
      {FaultKind::disk_loss, options.disk_losses},
      {FaultKind::misconduct, options.turncoats.empty() ? 0 : options.misconducts},
  };
  for (const auto& [kind, rate] : classes) {
    Rng stream = rng.fork(name(kind));
    const std::uint64_t count = count_of(rate, nodes, until - from);
    for (std::uint64_t index = 0; index < count; ++index) {
      script.push_back(draw_fault(options, kind, stream, nodes, from, until));
    }
  }
  draw_swizzles(options, rng.fork("swizzles"), nodes, from, until, script);
  sort_by_time(script);
  return script;
}

}  // namespace trestle::sim
