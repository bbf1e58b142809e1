// Attached bridges: those of the old system, which answer only on the socket that they opened
// themselves (legacy protocol, section 5). The socket and the dialect are its owner's.

#include <algorithm>
#include <utility>

#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

using link::ConnectionId;

void BridgeSet::attach(Instant now, ConnectionId connection, const wire::Contact& bridge) {
  if (is_stopped_) return;
  const bool is_ours = is_proven(bridge.id);
  if (const Holder* holder = holders_.find(connection); holder != nullptr && !is_ours) {
    slots_[holder->slot].peer = bridge;
    return report_available();
  }
  const auto same = std::ranges::find_if(slots_, [&](const BridgeSlot& slot) {
    return slot.is_attached && slot.connection && slot.peer.id == bridge.id;
  });
  std::optional<ConnectionId> replaced;
  if (same != slots_.end()) replaced = same->connection;
  const auto attached = static_cast<std::size_t>(
      std::ranges::count(slots_, true, [](const BridgeSlot& slot) { return slot.is_attached; }));
  const bool has_room = attached < options_.attached_max && slots_.size() < kBridgesMax;
  if (is_ours || (!has_room && !replaced)) {
    outbox_.push(LogRecord{LogLevel::warning, "bridge.not_attached",
                           is_ours ? ErrorCode::duplicate_connection : ErrorCode::busy, bridge.id,
                           is_ours ? "a bridge of the settings has proven this id"
                                   : "as many bridges are attached as may be"});
    return detach(now, connection);  // it may have been attached under another id
  }
  const link::Backoff backoff(options_.connect_backoff, rng_.fork("backoff", slots_made_++));
  const auto index = static_cast<SlotIndex>(slots_.size());
  BridgeSlot& slot =
      slots_.emplace_back(BridgeEndpoint{{bridge.address}}, backoff, options_.breaker);
  slot.is_attached = true;
  slot.is_healthy = true;
  slot.state = BridgeState::ready;
  slot.connection = connection;
  slot.peer = bridge;
  slot.connected_at = now;
  slot.last_request_at = now;
  slot.counters.connections_opened = 1;
  holders_.insert(connection, {index, {}, 0});
  log(LogLevel::info, "bridge.attached", ErrorCode::none, slot, bridge.address);
  if (replaced) detach(now, *replaced);  // its requests find the new one
  weigh_ejections(now);
  report_available();
  advance_waiting(now);
  pump(now);
}

void BridgeSet::detach(Instant now, ConnectionId connection) {
  const Holder* holder = holders_.find(connection);
  if (holder == nullptr || !slots_[holder->slot].is_attached) return;
  let_go(now, holder->slot, ErrorCode::connection_lost);
  weigh_ejections(now);
  report_available();
  advance_waiting(now);
  pump(now);
}

/// Its requests move to the others; the slot goes with the next `settle`.
void BridgeSet::let_go(Instant now, SlotIndex index, ErrorCode code) {
  BridgeSlot& slot = slots_[index];
  log(LogLevel::warning, "bridge.detached", code, slot, slot.url());
  slot.is_leaving = true;
  for (PoolRequest* request = requests_.at_or_after(0); request != nullptr;
       request = requests_.at_or_after(RequestTable::place_of(request->id) + 1)) {
    for (const std::size_t which : {kFirst, kHedge}) {
      if (request->attempts[which].slot != index) continue;
      withdraw(now, *request, which);
      on_connection_lost(now, *request, which);
    }
  }
  slot.is_healthy = false;
  slot.state = BridgeState::disconnected;
  holders_.erase(*slot.connection);
  slot.connection.reset();
}

/// Who connects by an address of the settings has proven its id with its key; who attaches has only
/// said it, with a secret that crosses the wire in clear. So the proof wins, also while that bridge
/// sleeps or is away.
bool BridgeSet::is_proven(const NodeId& bridge) const {
  return std::ranges::any_of(slots_, [&](const BridgeSlot& slot) {
    return !slot.is_attached && !slot.is_leaving && slot.peer.id == bridge;
  });
}

void BridgeSet::displace_attached(Instant now, const NodeId& bridge) {
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    const BridgeSlot& slot = slots_[index];
    const bool claims = slot.is_attached && slot.connection && slot.peer.id == bridge;
    if (claims) let_go(now, index, ErrorCode::duplicate_connection);
  }
}

void BridgeSet::on_attached_answer(Instant now, ConnectionId connection, wire::RequestId id,
                                   wire::Message answer) {
  const Holder* holder = holders_.find(connection);
  if (holder == nullptr || !slots_[holder->slot].is_attached) {
    ++stats_.foreign_answers;
    return;
  }
  BridgeSlot& slot = slots_[holder->slot];
  PoolRequest* request = requests_.at_or_after(static_cast<std::uint32_t>(id.value & 0xFFFF));
  std::size_t which = 0;
  const auto is_asked = [&](const Attempt& attempt) {
    return attempt.slot == holder->slot && attempt.wire_id == id;
  };
  if (request != nullptr) {
    while (which < request->attempts.size() && !is_asked(request->attempts[which])) ++which;
  }
  if (request == nullptr || which == request->attempts.size()) {
    ++slot.counters.late_answers;
    return;
  }
  const bool fits = std::holds_alternative<wire::Failure>(answer) ||
                    answer.index() == request->message.index() + 1;
  if (fits) {
    on_answer(now, *request, which, std::move(answer));
  } else {
    on_failed(now, *request, which, ErrorCode::protocol_error);
  }
  advance_waiting(now);
  pump(now);
}

}  // namespace trestle::pool
