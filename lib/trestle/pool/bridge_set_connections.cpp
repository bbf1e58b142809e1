// The one connection of each bridge: dialling, candidates, authentication, loss, idle close,
// ejection.

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

using link::Channel;

namespace {

/// Reasons that do not go away by trying again: the settings of one side are wrong.
bool excludes(ErrorCode code) {
  return code == ErrorCode::unauthorized || code == ErrorCode::wrong_network ||
         code == ErrorCode::version_mismatch;
}

}  // namespace

bool BridgeSet::is_open(const BridgeSlot& slot) const {
  return slot.connection && (slot.state == BridgeState::ready || slot.state == BridgeState::busy);
}

bool BridgeSet::is_available(const BridgeSlot& slot) const {
  if (slot.is_leaving) return false;
  if (is_open(slot)) return slot.is_healthy;
  // A change from stateless mode to the pool must not look as if all bridges were lost.
  if (slot.connection && slot.is_recalled) return true;
  // Dialled on demand: closed for idleness, or greeted in stateless mode.
  return slot.state == BridgeState::idle || slot.state == BridgeState::busy;
}

void BridgeSet::dial(Instant now, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  slot.dial_at = kNever;
  slot.is_patient = false;
  slot.is_just_lost = false;
  if (slot.connection || slot.is_attached || slot.is_leaving || is_stopped_) return;
  slot.is_recalled = slot.state == BridgeState::idle;
  slot.state = BridgeState::connecting;
  slot.dialled_at = now;
  slot.connection = channels_.dial(now, slot.url());
  holders_.insert(*slot.connection, {index, {}, 0});
}

void BridgeSet::on_opened(Instant now, SlotIndex index, const wire::Contact& peer) {
  BridgeSlot& slot = slots_[index];
  if (peer.role == wire::Role::bridge) displace_attached(now, peer.id);
  const auto same = std::ranges::find_if(slots_, [&](const BridgeSlot& other) {
    return &other != &slot && is_open(other) && other.peer.id == peer.id;
  });
  if (peer.role != wire::Role::bridge || same != slots_.end()) {
    // Counted per identity, however many addresses it has (design section 3). One that is leaving
    // makes room soon.
    const bool is_bridge = peer.role == wire::Role::bridge;
    slot.is_excluded = !is_bridge || !same->is_leaving;
    channels_.close(
        now, *slot.connection, ErrorCode::duplicate_connection,
        is_bridge ? "another URL already leads to this bridge" : "the peer is not a bridge node");
    return;
  }
  slot.meet(peer);
  slot.state = BridgeState::ready;
  slot.is_healthy = true;
  slot.is_excluded = false;
  slot.is_given_up = false;
  slot.connected_at = now;
  slot.counters.dial_time.add(now - slot.dialled_at);
  slot.last_request_at = now;
  slot.last_error = ErrorCode::none;
  log(LogLevel::info, "bridge.connected", ErrorCode::none, slot, slot.url());
  weigh_ejections(now);
  report_available();
  advance_waiting(now);
}

void BridgeSet::on_lost(Instant now, SlotIndex index, const Channel::Closed& closed) {
  BridgeSlot& slot = slots_[index];
  const bool was_open = is_open(slot);
  const bool was_available = is_available(slot);
  const bool was_stable = was_open && now - slot.connected_at >= options_.stable_after;
  holders_.erase(*slot.connection);
  slot.connection.reset();
  slot.is_healthy = false;
  if (was_open && closed.code == ErrorCode::protocol_error && !closed.by_peer) {
    ++slot.counters.invalid_answers;
    slot.bad_answers.on_bad_answer(now, options_.ejection);
  }
  if (closed.code != ErrorCode::idle) slot.last_error = closed.code;
  if (was_stable) slot.backoff.reset();
  if (slot.is_leaving || is_stopped_) {
    slot.state = BridgeState::disconnected;
  } else if (closed.code == ErrorCode::idle && was_open) {
    slot.state = BridgeState::idle;
    if (mode_ == BridgeMode::pool) {
      log(LogLevel::info, "bridge.idle", ErrorCode::idle, slot,
          slot.url() + ": closed until something is asked");
    }
  } else if (excludes(closed.code) && slot.url_index + 1 < slot.endpoint.urls.size()) {
    // Somebody else may answer here than behind the next candidate.
    log(LogLevel::error, "bridge.dial_failed", closed.code, slot, slot.url() + ": " + closed.text);
    ++slot.url_index;
    dial(now, index);
  } else if (slot.is_excluded || excludes(closed.code)) {
    slot.url_index = 0;
    exclude(now, slot, closed.code, closed.text);
  } else {
    log(LogLevel::warning, was_open ? "bridge.lost" : "bridge.dial_failed", closed.code, slot,
        slot.url() + ": " + closed.text);
    slot.is_just_lost = was_open;
    if (was_open) {
      slot.url_index = 0;
      slot.state = BridgeState::disconnected;
      // A connection that lasted ended an operation well: the next one has all its attempts, and
      // begins after a wait that spreads those who lost the same bridge.
      const unsigned steps = patience(now, slot);
      const Duration spread = rng_.between(Duration::zero(), slot.backoff.ceiling(steps));
      if (was_stable) {
        slot.is_patient = steps > 0;
        slot.dial_at = after(now, spread);
      } else {
        dial_later(now, index);
      }
    } else {
      slot.url_index = (slot.url_index + 1) % slot.endpoint.urls.size();
      dial_later(now, index);
    }
  }
  weigh_ejections(now);
  if (was_open || was_available != is_available(slot)) report_available();
  advance_waiting(now);
}

/// The next attempt of a connect operation: at once while there are candidates that it has not
/// tried, otherwise after a wait; after the last attempt, a probe now and then (X5).
void BridgeSet::dial_later(Instant now, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  const unsigned steps = patience(now, slot);
  if (const auto wait = slot.backoff.next(steps)) {
    slot.is_patient = steps > 0;
    slot.state = BridgeState::disconnected;
    const bool has_next_candidate = slot.url_index > 0 && !slot.is_just_lost;
    if (has_next_candidate) return dial(now, index);
    slot.dial_at = after(now, *wait);
    return;
  }
  if (!std::exchange(slot.is_given_up, true)) {
    log(LogLevel::error, "bridge.failed", slot.last_error, slot,
        slot.url() + ": every attempt failed; it is probed from now on");
  }
  slot.state = BridgeState::failed;
  const Duration interval = options_.probe_interval;
  slot.dial_at = after(now, rng_.between(interval / 2, interval));
}

unsigned BridgeSet::patience(Instant now, const BridgeSlot& lost) const {
  const bool is_served = std::ranges::any_of(
      slots_, [&](const BridgeSlot& other) { return &other != &lost && is_usable(now, other); });
  return is_served ? options_.patient_steps : 0;
}

/// A request finds no bridge: those that were in no hurry are dialled as soon as if they had been
/// lost alone.
void BridgeSet::end_patience(Instant now) {
  for (BridgeSlot& slot : slots_) {
    if (!std::exchange(slot.is_patient, false) || slot.dial_at == kNever) continue;
    const Duration wait = rng_.between(Duration::zero(), options_.connect_backoff.base);
    slot.dial_at = std::min(slot.dial_at, after(now, wait));
  }
}

void BridgeSet::exclude(Instant now, BridgeSlot& slot, ErrorCode code, const std::string& text) {
  slot.state = BridgeState::failed;
  slot.is_excluded = true;
  slot.dial_at = after(now, options_.excluded_probe_interval);
  log(LogLevel::error, "bridge.excluded", code, slot,
      slot.url() + ": " + text + "; left out until the settings are reloaded");
}

void BridgeSet::on_health(Instant now, SlotIndex index, bool healthy) {
  BridgeSlot& slot = slots_[index];
  slot.is_healthy = healthy;
  log(LogLevel::warning, healthy ? "bridge.healthy" : "bridge.unhealthy", ErrorCode::none, slot,
      slot.url() + (healthy ? ": pings are answered again" : ": a ping was not answered"));
  weigh_ejections(now);
  report_available();
  if (healthy) advance_waiting(now);
}

void BridgeSet::close_if_idle(Instant now, BridgeSlot& slot) {
  if (!is_open(slot) || slot.is_attached || slot.in_flight > 0) return;
  if (now < after(slot.last_request_at, options_.idle_close_after)) return;
  channels_.close(now, *slot.connection, ErrorCode::idle, "no request for a while");
}

/// A bridge that was closed for idleness comes back as soon as anything is asked (P-BR-7).
void BridgeSet::wake_idle(Instant now) {
  if (mode_ == BridgeMode::stateless) return;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    if (slots_[index].state == BridgeState::idle) dial(now, index);
  }
}

/// Who is left out for bad answers depends on who else is there: decided again whenever that
/// changes.
void BridgeSet::weigh_ejections(Instant now) {
  std::array<BridgeHealth, kBridgesMax> health;
  bool is_anyone_bad = false;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    const std::uint32_t badness = slots_[index].bad_answers.badness(now);
    health[index] = {is_available(slots_[index]), badness};
    is_anyone_bad = is_anyone_bad || badness > 0 || slots_[index].is_ejected;
  }
  if (!is_anyone_bad) return;
  const std::uint64_t usable =
      usable_bridges(std::span(health).first(slots_.size()), options_.ejection.usable_min);
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    BridgeSlot& slot = slots_[index];
    const bool is_bad = health[index].badness > 0;
    const bool ejected = is_bad && health[index].is_connected && (usable >> index & 1) == 0;
    const bool has_changed = std::exchange(slot.is_ejected, ejected) != ejected;
    if (!has_changed || !health[index].is_connected) continue;
    log(LogLevel::warning, ejected ? "bridge.ejected" : "bridge.trusted", ErrorCode::protocol_error,
        slot, slot.url() + (ejected ? ": its answers cannot be used" : ": may be asked again"));
  }
}

void BridgeSet::report_available() { outbox_.push(BridgesChanged{available()}); }

}  // namespace trestle::pool
