// The requests of the set: whose turn it is, retry on another bridge, waiting for a connection, the
// one end.

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

using link::Channel;

Result<PoolRequestId, ErrorCode> BridgeSet::submit(Instant now, wire::Message request) {
  if (is_stopped_) return refuse(ErrorCode::shutting_down);
  if (requests_.size() >= options_.requests_max) return refuse(ErrorCode::busy);
  const std::uint64_t serial = ++last_serial_;
  Request entry;
  entry.message = std::move(request);
  entry.deadline = after(now, options_.total_timeout);
  requests_.insert(serial, std::move(entry));
  wake_idle(now);
  advance(now, serial);
  return PoolRequestId{serial};
}

void BridgeSet::cancel(Instant now, PoolRequestId request) {
  Request* entry = requests_.find(request.value);
  if (entry == nullptr) return;
  if (entry->slot) {
    // The end comes back as CANCELLED from the channel and finds the request gone.
    BridgeSlot& slot = slots_[*entry->slot];
    slot.breaker.on_released(entry->permit);
    --slot.in_flight;
    channels_.cancel(now, *slot.connection, entry->wire_id);
  }
  finish(request.value, Failed{request, ErrorCode::cancelled, 0});
}

/// Moves a request on: to the next bridge, into waiting, or to its end.
void BridgeSet::advance(Instant now, std::uint64_t serial) {
  while (true) {
    Request* request = requests_.find(serial);
    TRESTLE_ASSERT(request != nullptr && !request->slot);
    if (now >= request->deadline) {
      return finish(serial, Failed{{serial}, request->last_error, request->retry_after_ms});
    }
    const auto index = choose(now, *request);
    if (!index) break;
    if (attempt(now, serial, *request, *index)) return;
  }
  Request& request = *requests_.find(serial);
  const auto worth_waiting_until = hope(now, request);
  if (!worth_waiting_until) {
    return finish(serial, Failed{{serial}, request.last_error, request.retry_after_ms});
  }
  if (request.wait_until == kNever)
    request.wait_until = std::min(request.deadline, *worth_waiting_until);
}

void BridgeSet::advance_waiting(Instant now) {
  std::vector<std::uint64_t> waiting;
  for (const auto& [serial, request] : requests_) {
    if (request.wait_until != kNever) waiting.push_back(serial);
  }
  for (const std::uint64_t serial : waiting) {
    if (requests_.contains(serial)) advance(now, serial);
  }
}

void BridgeSet::expire_waiting(Instant now) {
  std::vector<std::uint64_t> expired;
  for (const auto& [serial, request] : requests_) {
    if (request.wait_until <= now) expired.push_back(serial);
  }
  for (const std::uint64_t serial : expired) {
    const Request& request = *requests_.find(serial);
    finish(serial, Failed{{serial}, request.last_error, request.retry_after_ms});
  }
}

/// Round robin: the next usable bridge after the one served last, leaving out those this request
/// has tried (P-BR-5).
std::optional<BridgeSet::SlotIndex> BridgeSet::choose(Instant now, const Request& request) {
  for (std::size_t step = 0; step < slots_.size(); ++step) {
    const SlotIndex index = (next_in_turn_ + step) % slots_.size();
    if (!is_usable(now, slots_[index])) continue;
    if (std::ranges::find(request.tried, index) != request.tried.end()) continue;
    next_in_turn_ = (index + 1) % slots_.size();
    return index;
  }
  return std::nullopt;
}

bool BridgeSet::is_usable(Instant now, const BridgeSlot& slot) const {
  if (slot.state != BridgeState::ready || !slot.breaker.would_permit(now)) return false;
  const Channel* channel = channels_.find(*slot.connection);
  return channel != nullptr && channel->is_healthy();
}

/// Until when it makes sense to wait for a bridge that this request has not tried: one that is
/// being connected, or one whose breaker will let a probe through. Nothing when there is none.
std::optional<Instant> BridgeSet::hope(Instant now, const Request& request) const {
  std::optional<Instant> until;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    const BridgeSlot& slot = slots_[index];
    if (std::ranges::find(request.tried, index) != request.tried.end()) continue;
    const bool is_coming_up =
        slot.state == BridgeState::connecting || slot.state == BridgeState::authenticating;
    const bool is_blocked = slot.state == BridgeState::ready && !slot.breaker.would_permit(now);
    if (!is_coming_up && !is_blocked) continue;
    const Instant longest = after(now, options_.connection_wait);
    const Instant opens = slot.breaker.open_until();
    const Instant this_one = is_blocked && opens > now ? std::min(opens, longest) : longest;
    until = until ? std::min(*until, this_one) : this_one;
  }
  return until;
}

/// False when this bridge cannot take it after all; it then counts as tried.
bool BridgeSet::attempt(Instant now, std::uint64_t serial, Request& request, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  request.tried.push_back(index);
  const Instant deadline = std::min(request.deadline, after(now, options_.attempt_timeout));
  const auto permit = slot.breaker.acquire(now);
  if (!permit) return false;
  const auto wire_id = channels_.request(now, *slot.connection, request.message, deadline, serial);
  if (!wire_id) {
    slot.breaker.on_released(*permit);
    request.last_error = wire_id.error();
    return false;
  }
  request.slot = index;
  request.wire_id = *wire_id;
  request.sent_at = now;
  request.permit = *permit;
  request.wait_until = kNever;
  slot.last_request_at = now;
  ++slot.in_flight;
  ++slot.counters.requests;
  return true;
}

void BridgeSet::on_answer(Instant now, Channel::Answered&& answered) {
  Request* request = requests_.find(answered.token);
  if (request == nullptr || !request->slot) return;
  BridgeSlot& slot = slots_[*request->slot];
  slot.last_request_at = now;
  --slot.in_flight;
  const auto* failure = std::get_if<wire::Failure>(&answered.message);
  if (failure != nullptr && failure->code == ErrorCode::busy)
    return on_busy(now, answered.token, *failure);
  slot.breaker.on_success(now, request->permit);
  ++slot.counters.answers;
  slot.counters.request_time.add(now - request->sent_at);
  const bool was_probe = request->permit.is_probe;
  finish(answered.token, Answered{{answered.token}, slot.peer, std::move(answered.message)});
  if (was_probe) advance_waiting(now);
}

/// Not a fault of the bridge: it is alive and says so. It is left alone for as long as it asks,
/// another one is tried.
void BridgeSet::on_busy(Instant now, std::uint64_t serial, const wire::Failure& failure) {
  Request& request = *requests_.find(serial);
  BridgeSlot& slot = slots_[*request.slot];
  slot.breaker.on_released(request.permit);
  ++slot.counters.busy_answers;
  const Duration pause = failure.retry_after_ms == 0
                             ? options_.busy_pause
                             : Duration(std::chrono::milliseconds(failure.retry_after_ms));
  slot.state = BridgeState::busy;
  slot.stay_away_until = after(now, std::min(pause, options_.total_timeout));
  request.slot.reset();
  request.last_error = ErrorCode::busy;
  request.retry_after_ms = std::max(request.retry_after_ms, failure.retry_after_ms);
  advance(now, serial);
}

void BridgeSet::on_attempt_failed(Instant now, std::uint64_t serial, ErrorCode code) {
  Request* request = requests_.find(serial);
  if (request == nullptr || !request->slot) return;
  BridgeSlot& slot = slots_[*request->slot];
  if (slot.in_flight > 0) --slot.in_flight;
  if (code == ErrorCode::connection_lost) {
    slot.breaker.on_released(request->permit);  // the slot's state speaks for the connection
  } else {
    slot.breaker.on_failure(now, request->permit);
  }
  if (code == ErrorCode::timeout) {
    ++slot.counters.timeouts;
  } else {
    ++slot.counters.failures;
  }
  request->slot.reset();
  request->last_error = code;
  advance(now, serial);
}

void BridgeSet::finish(std::uint64_t serial, Effect effect) {
  requests_.erase(serial);
  outbox_.push(std::move(effect));
}

/// A bridge that was closed for idleness comes back as soon as anything is asked (P-BR-7).
void BridgeSet::wake_idle(Instant now) {
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    if (slots_[index].state == BridgeState::idle) dial(now, index);
  }
}

}  // namespace trestle::pool
