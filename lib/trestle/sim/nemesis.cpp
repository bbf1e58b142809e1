#include "trestle/sim/nemesis.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/churn.hpp"

namespace trestle::sim {
namespace {

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

}  // namespace

void Nemesis::unleash() {
  for (const Fault& fault : script_) {
    if (fault.kind == FaultKind::join) mark_absent(fault.node, true);
  }
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
    if (!is_absent(node)) revive(node);
  }
}

void Nemesis::revive(NodeIndex node) {
  if (board_ != nullptr) board_->set(node, Misconduct::none);
  repair_disk(node);
  if (!world_.is_running(node)) return world_.start(node);
  world_.crash_after(node, std::nullopt);
  if (world_.is_paused(node)) world_.resume(node);
}

void Nemesis::retire_to(const std::vector<bool>& core, Rng rng) {
  retired_ = true;
  world_.note_fault("all faults end in the core, for ever outside");
  world_.network().heal_all(world_.now());
  // Nothing passes from a group to one of a higher number.
  constexpr std::uint8_t kDeaf = 2;
  constexpr std::uint8_t kMute = 0;
  constexpr std::uint8_t kOthers = 1;
  std::vector<std::uint8_t> groups(world_.size(), kOthers);
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    if (is_absent(node)) continue;
    if (core[node]) {
      revive(node);
      continue;
    }
    const auto broken = static_cast<Broken>(rng.below(kBrokenKinds));
    if (broken == Broken::deaf) groups[node] = kDeaf;
    if (broken == Broken::mute) groups[node] = kMute;
    break_for_ever(node, broken);
  }
  world_.network().partition({Partition::Kind::one_way, std::move(groups)});
}

void Nemesis::break_for_ever(NodeIndex node, Broken broken) {
  mark_absent(node, true);
  if (broken == Broken::cut_off) world_.network().clog(node);
  if (!world_.is_running(node)) return;
  if (broken == Broken::stopped && !world_.is_paused(node)) world_.pause(node);
  if (broken == Broken::silent) world_.kill(node, KillKind::power);
  if (broken == Broken::down) world_.kill(node, KillKind::process);
}

void Nemesis::mark_absent(NodeIndex node, bool is_absent) {
  if (node >= absent_.size()) absent_.resize(node + 1, false);
  absent_[node] = is_absent;
}

void Nemesis::apply(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::partition:
    case FaultKind::one_way_partition:
      return apply_partition(fault);
    case FaultKind::flapping_partition:
      return apply_flapping(fault);
    case FaultKind::clog:
      return apply_clog(fault);
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
    case FaultKind::clock_jump:
      return apply_clock_jump(fault);
    case FaultKind::disk_full:
    case FaultKind::disk_error:
      return apply_disk_trouble(fault);
    case FaultKind::disk_loss:
      return apply_disk_loss(fault);
    case FaultKind::misconduct:
      return apply_misconduct(fault);
    case FaultKind::join:
      return apply_join(fault);
    case FaultKind::leave:
      return apply_leave(fault);
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

void Nemesis::apply_flapping(const Fault& fault) {
  ++applied_;
  world_.note_fault(name(fault.kind));
  flap(fault, after(world_.now(), fault.lasts));
}

/// Once there and once gone; then again.
void Nemesis::flap(const Fault& fault, Instant until) {
  if (retired_ || world_.now() >= until) return;
  const Duration half = std::max(Duration(1), Duration(static_cast<Duration::rep>(fault.number)));
  const std::uint32_t number = world_.network().partition({Partition::Kind::two_way, fault.groups});
  world_.schedule(std::min(until, after(world_.now(), half)), [this, number](World& world) {
    if (!retired_) world.network().heal(world.now(), number);
  });
  world_.schedule(after(world_.now(), 2 * half), [this, &fault, until](World&) {
    flap(fault, until);  // the script outlives the world's running
  });
}

void Nemesis::apply_clog(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size()) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  world_.network().clog(node);
  world_.schedule(after(world_.now(), fault.lasts), [this, node](World& world) {
    if (!retired_) world.network().unclog(world.now(), node);
  });
}

void Nemesis::apply_clock_jump(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size()) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  const Duration far(static_cast<Duration::rep>(fault.number / 2));
  const Duration jump = fault.number % 2 == 1 ? -far : far;
  world_.jump_clock(node, jump);
  world_.schedule(after(world_.now(), fault.lasts),
                  [node, jump](World& world) { world.jump_clock(node, -jump); });
}

void Nemesis::apply_disk_trouble(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size()) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  if (fault.kind == FaultKind::disk_full) {
    world_.disk(node).fill();
  } else {
    world_.disk(node).fail_syncs();
    if (node >= bad_disks_.size()) bad_disks_.resize(node + 1, false);
    bad_disks_[node] = true;
  }
  world_.schedule(after(world_.now(), fault.lasts), [this, node](World&) {
    if (retired_ || is_absent(node)) return;
    const bool was_running = world_.is_running(node);
    repair_disk(node);
    if (was_running && !world_.is_running(node)) world_.start(node);
  });
}

/// Somebody has looked after the disk. A process that met an error there trusts it no more: it
/// ends.
void Nemesis::repair_disk(NodeIndex node) {
  world_.disk(node).heal();
  if (node >= bad_disks_.size() || !bad_disks_[node]) return;
  bad_disks_[node] = false;
  if (world_.is_running(node)) world_.kill(node);
}

void Nemesis::apply_disk_loss(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || !world_.is_running(node)) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  ++disks_destroyed_;
  world_.kill(node);
  world_.lose_disk(node);
  start_when_down(node, after(world_.now(), fault.lasts));
}

void Nemesis::apply_misconduct(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (board_ == nullptr || node >= world_.size() || world_.is_honest(node)) return;
  ++applied_;
  const auto misconduct = static_cast<Misconduct>(fault.number % kMisconducts);
  world_.note_fault(name(misconduct), node);
  board_->set(node, misconduct);
  world_.schedule(after(world_.now(), fault.lasts), [this, node, misconduct](World&) {
    if (board_->of(node) == misconduct) board_->set(node, Misconduct::none);
  });
}

void Nemesis::apply_join(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || world_.incarnation(node) > 0) return;
  ++applied_;
  world_.note_fault(name(fault.kind), node);
  mark_absent(node, false);
  world_.start(node);
}

void Nemesis::apply_leave(const Fault& fault) {
  const NodeIndex node = fault.node;
  if (node >= world_.size() || is_absent(node)) return;
  ++applied_;
  ++disks_destroyed_;
  world_.note_fault(name(fault.kind), node);
  mark_absent(node, true);
  if (!world_.is_running(node)) return;
  const auto leaving = static_cast<Leaving>(fault.number);
  if (leaving == Leaving::cleanly && !world_.is_paused(node)) {
    world_.begin_shutdown(node);
    expect_gone(world_, node, world_.incarnation(node), after(world_.now(), kShutdownMax));
  } else {
    const bool is_told = leaving == Leaving::killed;
    world_.kill(node, is_told ? KillKind::process : KillKind::power);
  }
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
    if (world.incarnation(node) != incarnation || is_absent(node)) return;
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
