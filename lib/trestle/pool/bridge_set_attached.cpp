// Attached bridges: those of the old system, which answer only on the socket that they opened
// themselves (legacy protocol, section 5). The socket and the dialect are its owner's.

#include <algorithm>
#include <utility>

#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

using link::ConnectionId;

void BridgeSet::attach(Instant now, ConnectionId connection, const wire::Contact& bridge) {
  if (is_stopped_) return;
  if (const Holder* holder = holders_.find(connection)) {
    slots_[holder->slot].peer = bridge;
    return report_available();
  }
  const auto same = std::ranges::find_if(slots_, [&](const BridgeSlot& slot) {
    return !slot.is_leaving && slot.connection && slot.peer.id == bridge.id;
  });
  std::optional<ConnectionId> replaced;
  if (same != slots_.end() && same->is_attached) replaced = same->connection;
  const bool is_dialled_as_well = same != slots_.end() && !same->is_attached;
  const auto attached = static_cast<std::size_t>(
      std::ranges::count(slots_, true, [](const BridgeSlot& slot) { return slot.is_attached; }));
  const bool has_room = attached < options_.attached_max && slots_.size() < kBridgesMax;
  if (is_dialled_as_well || (!has_room && !replaced)) {
    outbox_.push(LogRecord{LogLevel::warning, "bridge.not_attached",
                           is_dialled_as_well ? ErrorCode::duplicate_connection : ErrorCode::busy,
                           bridge.id,
                           is_dialled_as_well ? "we have dialled this bridge ourselves"
                                              : "as many bridges are attached as may be"});
    return;
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
  const SlotIndex index = holder->slot;
  BridgeSlot& slot = slots_[index];
  log(LogLevel::warning, "bridge.detached", ErrorCode::connection_lost, slot, slot.url());
  slot.is_leaving = true;
  slot.is_healthy = false;
  slot.state = BridgeState::disconnected;
  slot.connection.reset();
  holders_.erase(connection);
  for (PoolRequest* request = requests_.at_or_after(0); request != nullptr;
       request = requests_.at_or_after(RequestTable::place_of(request->id) + 1)) {
    for (const std::size_t which : {kFirst, kHedge}) {
      if (request->attempts[which].slot == index) on_connection_lost(now, *request, which);
    }
  }
  weigh_ejections(now);
  report_available();
  advance_waiting(now);
  pump(now);
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
