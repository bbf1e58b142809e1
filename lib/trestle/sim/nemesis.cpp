#include "trestle/sim/nemesis.hpp"

#include <algorithm>
#include <string>
#include <tuple>

#include "trestle/base/assertion.hpp"

namespace trestle::sim {
namespace {

/// How many of a class happen in that many node-microseconds.
std::uint64_t count_of(std::uint32_t rate, std::uint32_t nodes, Duration length) {
  if (rate == 0) return 0;
  constexpr std::uint64_t kSecondsPerThousandHours = 1000 * 3600;
  const auto seconds = static_cast<std::uint64_t>(length.count() / 1'000'000);
  return std::max<std::uint64_t>(1, rate * nodes * seconds / kSecondsPerThousandHours);
}

/// A node that was asked to go must be gone by `at`; time in which it was stopped does not count.
void expect_gone(World& world, NodeIndex node, std::uint32_t incarnation, Instant at) {
  world.schedule(at, [node, incarnation, at](World& running) {
    if (!running.is_running(node) || running.incarnation(node) != incarnation) return;
    const Instant free_again = running.is_paused(node) ? running.now() : running.resumed_at(node);
    if (after(free_again, kShutdownMax) > at) {
      return expect_gone(running, node, incarnation, after(free_again, kShutdownMax));
    }
    running.report_violation("C4: gone within 10 s",
                             "n" + std::to_string(node) + " was asked to go and is still there");
  });
}

/// A minority of 5 to 50 % against the rest, or up to four parts of about one size.
std::vector<std::uint8_t> draw_groups(Rng& rng, std::uint32_t nodes) {
  std::vector<std::uint8_t> groups;
  groups.reserve(nodes);
  const bool minority = rng.chance(1, 2);
  const std::uint64_t percent = 5 + rng.below(46);
  const std::uint64_t parts = 2 + rng.below(3);
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
      return {options.partition_min, options.partition_max};
    case FaultKind::restart:
    case FaultKind::kill:
    case FaultKind::crash:
    case FaultKind::power_cut:
      return {options.downtime_min, options.downtime_max};
    case FaultKind::latency:
      return {Duration::zero(), options.spike_max};
    case FaultKind::pause:
      return {options.pause_min, options.pause_max};
    case FaultKind::slow:
      return {options.slow_min, options.slow_max};
    case FaultKind::reset:
    case FaultKind::half_open:
    case FaultKind::black_hole:
      break;
  }
  return {Duration::zero(), Duration::zero()};
}

/// Whether short ones are to be as frequent as long ones of ten times their length.
bool is_drawn_over_scales(FaultKind kind) {
  return kind == FaultKind::restart || kind == FaultKind::kill || kind == FaultKind::crash ||
         kind == FaultKind::power_cut || kind == FaultKind::pause;
}

Duration draw_length(const NemesisOptions& options, FaultKind kind, Rng& rng) {
  const Span span = span_of(options, kind);
  const Duration length = rng.between(span.low, span.high);
  if (!is_drawn_over_scales(kind)) return length;
  constexpr std::uint64_t kHalvings = 10;  // a thousandth of the longest
  const std::uint64_t halvings = rng.below(kHalvings);
  return std::max(span.low, length / (std::int64_t{1} << halvings));
}

/// What `Fault::number` means depends on the kind.
std::uint64_t draw_number(const NemesisOptions& options, FaultKind kind, Rng& rng) {
  switch (kind) {
    case FaultKind::latency:
      return static_cast<std::uint64_t>(
          rng.between(options.latency_min, options.latency_max).count());
    case FaultKind::slow:
      return static_cast<std::uint64_t>(
          rng.between(options.turn_wait_min, options.turn_wait_max).count());
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
  if (kind == FaultKind::partition || kind == FaultKind::one_way_partition) {
    fault.groups = draw_groups(rng, nodes);
    return fault;
  }
  fault.node = static_cast<NodeIndex>(rng.below(nodes));
  fault.number = draw_number(options, kind, rng);
  return fault;
}

}  // namespace

NemesisOptions storm() {
  NemesisOptions options;
  options.partitions = 300;
  options.one_way_partitions = 200;
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
  return options;
}

FaultScript draw_faults(const NemesisOptions& options, Rng rng, std::uint32_t nodes, Instant from,
                        Instant until) {
  TRESTLE_ASSERT(from < until && nodes > 0);
  FaultScript script;
  const std::pair<FaultKind, std::uint32_t> classes[] = {
      {FaultKind::partition, options.partitions},
      {FaultKind::one_way_partition, options.one_way_partitions},
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
  };
  for (const auto& [kind, rate] : classes) {
    Rng stream = rng.fork(name(kind));
    const std::uint64_t count = count_of(rate, nodes, until - from);
    for (std::uint64_t index = 0; index < count; ++index) {
      script.push_back(draw_fault(options, kind, stream, nodes, from, until));
    }
  }
  // All that tells two faults of one instant apart, so that the order is the same with every
  // library.
  std::sort(script.begin(), script.end(), [](const Fault& left, const Fault& right) {
    return std::tie(left.at, left.kind, left.node, left.number, left.lasts, left.groups) <
           std::tie(right.at, right.kind, right.node, right.number, right.lasts, right.groups);
  });
  return script;
}

void Nemesis::unleash() {
  for (std::size_t index = 0; index < script_.size(); ++index) {
    world_.schedule(script_[index].at, [this, index](World&) {
      if (!retired_) apply(script_[index]);
    });
  }
}

void Nemesis::retire() {
  retired_ = true;
  world_.note_fault("all faults end");
  world_.network().heal_all(world_.now());
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    if (!world_.is_running(node)) {
      world_.start(node);
      continue;
    }
    world_.crash_after(node, std::nullopt);
    if (world_.is_paused(node)) world_.resume(node);
  }
}

void Nemesis::apply(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::partition:
    case FaultKind::one_way_partition:
      return apply_partition(fault);
    case FaultKind::restart:
      return apply_restart(fault);
    case FaultKind::kill:
    case FaultKind::power_cut:
      return apply_kill(fault);
    case FaultKind::crash:
      return apply_crash(fault);
    case FaultKind::reset:
    case FaultKind::half_open:
    case FaultKind::black_hole:
      return apply_to_connection(fault);
    case FaultKind::latency:
      return apply_latency(fault);
    case FaultKind::pause:
      return apply_pause(fault);
    case FaultKind::slow:
      return apply_slow(fault);
  }
}

void Nemesis::apply_partition(const Fault& fault) {
  ++applied_;
  world_.note_fault(name(fault.kind));
  const auto kind =
      fault.kind == FaultKind::partition ? Partition::Kind::two_way : Partition::Kind::one_way;
  const std::uint32_t number = world_.network().partition({kind, fault.groups});
  world_.schedule(after(world_.now(), fault.lasts), [this, number](World& world) {
    if (retired_) return;
    world.note_fault("partition heals");
    world.network().heal(world.now(), number);
  });
}

void Nemesis::apply_kill(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  world_.kill(node, fault.kind == FaultKind::kill ? KillKind::process : KillKind::power);
  start_when_down(node, after(world_.now(), fault.lasts));
}

void Nemesis::apply_restart(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node) || world_.is_paused(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  world_.begin_shutdown(node);
  expect_gone(world_, node, world_.incarnation(node), after(world_.now(), kShutdownMax));
  start_when_down(node, after(world_.now(), fault.lasts));
}

/// Not before `at`, and not while the old life is still draining. Goes on after the nemesis
/// retired: who was asked to go before must come back too.
void Nemesis::start_when_down(NodeIndex node, Instant at) {
  const std::uint32_t incarnation = world_.incarnation(node);
  world_.schedule(at, [this, node, incarnation](World& world) {
    if (world.incarnation(node) != incarnation) return;
    if (!world.is_running(node)) return world.start(node);
    constexpr Duration kLookAgain = std::chrono::milliseconds(100);
    start_when_down(node, after(world.now(), kLookAgain));
  });
}

/// The process dies between two of its orders, as a crash inside a step leaves it.
void Nemesis::apply_crash(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  world_.crash_after(node, static_cast<std::uint32_t>(fault.number));
  const std::uint32_t incarnation = world_.incarnation(node);
  const Duration lasts = fault.lasts;
  world_.schedule(after(world_.now(), kCrashWithin),
                  [this, node, incarnation, lasts](World& world) {
                    if (retired_ || world.incarnation(node) != incarnation) return;
                    if (world.is_running(node)) world.kill(node, KillKind::process);
                    start_when_down(node, after(world.now(), lasts));
                  });
}

void Nemesis::apply_pause(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node) || world_.is_paused(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  pause(node, after(world_.now(), fault.lasts));
}

void Nemesis::pause(NodeIndex node, Instant until) {
  world_.pause(node);
  const std::uint32_t incarnation = world_.incarnation(node);
  world_.schedule(until, [node, incarnation](World& world) {
    if (world.incarnation(node) == incarnation && world.is_paused(node)) world.resume(node);
  });
}

void Nemesis::apply_slow(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node) || world_.is_paused(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  take_turns(node, world_.incarnation(node), after(world_.now(), fault.lasts),
             Duration(static_cast<Duration::rep>(fault.number)));
}

/// One pause after another; between two of them the node gets what has come meanwhile.
void Nemesis::take_turns(NodeIndex node, std::uint32_t incarnation, Instant until,
                         Duration wait_max) {
  if (retired_ || world_.now() >= until || !world_.is_running(node) ||
      world_.incarnation(node) != incarnation) {
    return;
  }
  const Duration wait = turns_.between(Duration(1), std::max(Duration(1), wait_max));
  const Instant turn = after(world_.now(), wait);
  if (!world_.is_paused(node)) pause(node, turn);
  // A moment later, so that what is handed over at the turn is handled before the next pause.
  world_.schedule(after(turn, Duration(1)), [this, node, incarnation, until, wait_max](World&) {
    take_turns(node, incarnation, until, wait_max);
  });
}

void Nemesis::apply_to_connection(const Fault& fault) {
  if (fault.node >= world_.size() || !world_.is_running(fault.node)) return;
  Network& network = world_.network();
  ConnectionSerial hit = 0;
  if (fault.kind == FaultKind::reset) {
    hit = network.reset(world_.now(), fault.node, fault.number);
  } else if (fault.kind == FaultKind::half_open) {
    hit = network.half_open(world_.now(), fault.node, fault.number);
  } else {
    hit = network.cut(fault.node, fault.number);
  }
  if (hit == 0) return;
  ++applied_;
  world_.note_fault(name(fault.kind), fault.node, hit);
}

void Nemesis::apply_latency(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size()) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  world_.network().set_extra_latency(node, Duration(static_cast<Duration::rep>(fault.number)));
  world_.schedule(after(world_.now(), fault.lasts), [this, node](World& world) {
    if (!retired_) world.network().set_extra_latency(node, Duration::zero());
  });
}

}  // namespace trestle::sim
