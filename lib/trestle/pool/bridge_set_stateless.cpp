// Stateless mode: each request connects, proves, asks, and closes with the answer (P-CR-13).

#include <algorithm>
#include <utility>

#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

using link::Channel;
using link::ConnectionId;

void BridgeSet::begin_stateless(Instant now, PoolRequest& request, std::size_t which) {
  Attempt& attempt = request.attempts[which];
  BridgeSlot& slot = slots_[*attempt.slot];
  attempt.is_stateless = true;
  attempt.connection = channels_.dial(now, slot.url());
  holders_.insert(attempt.connection, {*attempt.slot, request.id, 0});
  ++slot.stateless_in_flight;
  ++slot.stateless_opening;
  ++stateless_held_;
}

void BridgeSet::on_stateless_news(Instant now, ConnectionId connection, PoolRequestId id,
                                  Channel::News&& news) {
  PoolRequest* request = requests_.find(id);
  if (request == nullptr || request->attempts[kFirst].connection != connection) return;
  if (const auto* opened = std::get_if<Channel::Opened>(&news)) {
    on_stateless_opened(now, *request, opened->peer);
  } else if (const auto* closed = std::get_if<Channel::Closed>(&news)) {
    on_stateless_lost(now, *request, *closed);
  }
}

void BridgeSet::on_stateless_opened(Instant now, PoolRequest& request, const wire::Contact& peer) {
  BridgeSlot& slot = slots_[*request.attempts[kFirst].slot];
  if (peer.role != wire::Role::bridge) {
    exclude(now, slot, ErrorCode::refused, "the peer is not a bridge node");
    report_available();
    return on_failed(now, request, kFirst, ErrorCode::refused);
  }
  displace_attached(now, peer.id);
  slot.meet(peer);
  slot.counters.dial_time.add(now - request.attempts[kFirst].started_at);
  if (!send(now, request, kFirst)) return on_failed(now, request, kFirst, request.last_error);
  --slot.stateless_opening;
  advance_waiting(now);
}

/// The connection ended before the question was put: the bridge is out until it lets us in again.
void BridgeSet::on_stateless_lost(Instant now, PoolRequest& request,
                                  const Channel::Closed& closed) {
  const SlotIndex index = *request.attempts[kFirst].slot;
  BridgeSlot& slot = slots_[index];
  slot.last_error = closed.code;
  on_connection_lost(now, request, kFirst);
  const bool was_at_rest = slot.state == BridgeState::idle || slot.state == BridgeState::busy;
  if (was_at_rest && !slot.connection && !slot.is_leaving && !is_stopped_) {
    log(LogLevel::warning, "bridge.lost", closed.code, slot, slot.url() + ": " + closed.text);
    if (closed.code == ErrorCode::unauthorized || closed.code == ErrorCode::wrong_network ||
        closed.code == ErrorCode::version_mismatch) {
      exclude(now, slot, closed.code, closed.text);
    } else {
      slot.is_just_lost = true;
      slot.backoff.reset();
      slot.state = BridgeState::disconnected;
      const Duration spread = rng_.between(Duration::zero(), options_.connect_backoff.base);
      slot.dial_at = after(now, spread);
    }
    report_available();
  }
  advance_waiting(now);
}

}  // namespace trestle::pool
