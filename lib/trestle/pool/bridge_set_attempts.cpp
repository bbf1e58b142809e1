// One bridge's turn with a request: its beginning, and every way in which it ends.

#include <algorithm>
#include <bit>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

namespace {

std::uint32_t to_milliseconds(Duration time) {
  const auto count = std::chrono::floor<std::chrono::milliseconds>(time).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(count, 0));
}

}  // namespace

/// False when this bridge cannot take it after all; it then counts as tried.
bool BridgeSet::begin(Instant now, PoolRequest& request, std::size_t which, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  const Instant deadline = deadline_of_attempt(now, request, index);
  request.tried |= std::uint64_t{1} << index;
  const auto permit = slot.breaker.acquire(now);
  if (!permit) return false;
  Attempt& attempt = request.attempts[which];
  attempt.slot = index;
  attempt.permit = *permit;
  attempt.started_at = now;
  attempt.deadline = deadline;
  ++slot.in_flight;
  const bool is_stateless = mode_ == BridgeMode::stateless && !slot.is_attached;
  if (is_stateless) {
    begin_stateless(now, request, which);
  } else {
    attempt.connection = *slot.connection;
    if (!send(now, request, which)) {
      slot.breaker.on_released(*permit);
      release(now, request, which);
      return false;
    }
  }
  requests_.stop_waiting(request);
  slot.last_request_at = now;
  ++slot.counters.requests;
  if (which == kHedge) ++slot.counters.hedges;
  if (which == kFirst && request.was_tried) ++slot.counters.retries;
  request.was_tried = true;
  const bool may_hedge = which == kFirst && request.hedging == Hedging::allowed &&
                         options_.balancing == Balancing::two_choices && !is_stateless;
  const auto hedge_after = may_hedge ? hedge_delay_.delay() : std::nullopt;
  if (hedge_after) request.hedge_at = after(now, *hedge_after);
  if (hedge_after || is_stateless || slot.is_attached) arm(request);
  return true;
}

/// An attempt leaves half of the time to another bridge if there is one: of 10 s in all, 5 s (X6).
/// A bridge of the old system needs what there is.
Instant BridgeSet::deadline_of_attempt(Instant now, const PoolRequest& request,
                                       SlotIndex index) const {
  if (slots_[index].is_attached) {
    return std::min(request.deadline, after(now, options_.attached_attempt_timeout));
  }
  bool is_last = true;
  for (SlotIndex other = 0; other < slots_.size() && is_last; ++other) {
    const bool is_left = other != index && (request.tried >> other & 1) == 0;
    is_last = !is_left || !is_usable(now, slots_[other]);
  }
  const Duration left = request.deadline - now;
  return after(now, std::min(is_last ? left : left / 2, options_.attempt_timeout));
}

/// Writes the request; false when the connection cannot take it.
bool BridgeSet::send(Instant now, PoolRequest& request, std::size_t which) {
  Attempt& attempt = request.attempts[which];
  BridgeSlot& slot = slots_[*attempt.slot];
  if (auto* introduce = std::get_if<wire::IntroduceRequest>(&request.message)) {
    introduce->budget_ms = to_milliseconds(attempt.deadline - now);
  }
  if (slot.is_attached && !std::holds_alternative<wire::IntroduceRequest>(request.message)) {
    request.last_error = ErrorCode::unsupported;
    return false;
  }
  if (slot.is_attached) {
    attempt.wire_id = {++last_attached_id_ << 16 | RequestTable::place_of(request.id)};
    outbox_.push(
        AskAttached{attempt.connection, attempt.wire_id, request.message, attempt.deadline - now});
    return true;
  }
  const link::Channel::Token token = request.id.value << 1 | which;
  const auto id =
      channels_.request(now, attempt.connection, request.message, attempt.deadline, token);
  if (!id) {
    request.last_error = id.error();
    return false;
  }
  attempt.wire_id = *id;
  return true;
}

/// The turn is over; nothing is sent but the end of a connection that was made for it.
void BridgeSet::release(Instant now, PoolRequest& request, std::size_t which) {
  const Attempt ended = std::exchange(request.attempts[which], {});
  BridgeSlot& slot = slots_[*ended.slot];
  --slot.in_flight;
  has_free_places_ = has_free_places_ || ended.is_stateless || slot.is_attached;
  if (!ended.is_stateless) return;
  --slot.stateless_in_flight;
  --stateless_held_;
  if (ended.wire_id.value == 0) --slot.stateless_opening;
  holders_.erase(ended.connection);
  channels_.close(now, ended.connection, ErrorCode::idle, "one question, one connection");
}

/// The bridge need not work on it any more. `release` follows.
void BridgeSet::withdraw(Instant now, PoolRequest& request, std::size_t which) {
  const Attempt& attempt = request.attempts[which];
  if (attempt.is_stateless) return;
  if (slots_[*attempt.slot].is_attached) {
    outbox_.push(WithdrawAttached{attempt.connection, attempt.wire_id});
  } else {
    channels_.cancel(now, attempt.connection, attempt.wire_id);
  }
}

// ---- ends

void BridgeSet::on_answer(Instant now, PoolRequest& request, std::size_t which,
                          wire::Message&& answer) {
  const Attempt& attempt = request.attempts[which];
  if (!attempt.slot) return;
  BridgeSlot& slot = slots_[*attempt.slot];
  slot.last_request_at = now;
  const auto* failure = std::get_if<wire::Failure>(&answer);
  if (failure != nullptr && failure->code == ErrorCode::busy) {
    return on_busy(now, request, which, *failure);
  }
  const Duration took = now - attempt.started_at;
  const bool was_probe = attempt.permit.is_probe;
  const bool is_stateless = attempt.is_stateless;
  slot.breaker.on_success(now, attempt.permit);
  if (was_probe && slot.breaker.state(now) == link::BreakerState::closed) {
    log(LogLevel::info, "bridge.breaker_closed", ErrorCode::none, slot, slot.url());
  }
  slot.bad_answers.on_good_answer();
  if (slot.is_ejected) weigh_ejections(now);
  slot.answer_cost.add(now, took);
  slot.counters.request_time.add(took);
  hedge_delay_.add(now, took);
  ++slot.counters.answers;
  const NodeId bridge = slot.peer.id;
  release(now, request, which);
  const std::size_t other = which == kFirst ? kHedge : kFirst;
  const Attempt& loser = request.attempts[other];
  if (which == kHedge && loser.slot) ++stats_.hedges_won;
  if (!loser.slot && std::popcount(request.tried) > 1) ++stats_.saved;
  if (loser.slot) {
    BridgeSlot& slower = slots_[*loser.slot];
    slower.answer_cost.add_at_least(now, now - loser.started_at);
    slower.breaker.on_released(loser.permit);
    withdraw(now, request, other);
    release(now, request, other);
  }
  Answered answered{request.id, request.token, bridge, std::move(answer)};
  requests_.close(request);
  if (is_stateless) {
    closed_answers_.push_back(std::move(answered));
  } else {
    outbox_.push(std::move(answered));
  }
  if (was_probe) advance_waiting(now);
}

/// Not a fault of the bridge: it is alive and says so. It is left alone for as long as it asks,
/// another one is tried.
void BridgeSet::on_busy(Instant now, PoolRequest& request, std::size_t which,
                        const wire::Failure& failure) {
  BridgeSlot& slot = slots_[*request.attempts[which].slot];
  slot.breaker.on_released(request.attempts[which].permit);
  ++slot.counters.busy_answers;
  const Duration pause = failure.retry_after_ms == 0
                             ? options_.busy_pause
                             : Duration(std::chrono::milliseconds(failure.retry_after_ms));
  if (slot.state == BridgeState::ready || slot.state == BridgeState::idle) {
    slot.state = BridgeState::busy;
    slot.stay_away_until = after(now, std::min(pause, options_.total_timeout));
  }
  request.last_error = ErrorCode::busy;
  request.retry_after_ms = std::max(request.retry_after_ms, failure.retry_after_ms);
  release(now, request, which);
  if (request.is_under_way()) return;
  request.owes_retry = true;
  advance(now, request);
}

void BridgeSet::on_failed(Instant now, PoolRequest& request, std::size_t which, ErrorCode code) {
  const Attempt& attempt = request.attempts[which];
  if (!attempt.slot) return;
  BridgeSlot& slot = slots_[*attempt.slot];
  count_failure(now, slot, attempt.permit, code);
  if (code == ErrorCode::timeout) slot.answer_cost.add_at_least(now, now - attempt.started_at);
  const bool is_over =
      code == ErrorCode::protocol_error && is_invalid_too_often(request, slot, now);
  request.last_error = code;
  release(now, request, which);
  if (request.is_under_way()) return;
  if (is_over) return finish(request, code);
  request.owes_retry = true;
  advance(now, request);
}

/// Its bridge is gone, and the attempt with it. The request moves on when the loss has been seen to
/// (`on_lost` follows); the first time it may come back to the same bridge.
void BridgeSet::on_connection_lost(Instant now, PoolRequest& request, std::size_t which) {
  const Attempt& attempt = request.attempts[which];
  if (!attempt.slot) return;
  const SlotIndex index = *attempt.slot;
  BridgeSlot& slot = slots_[index];
  if (attempt.is_stateless && attempt.wire_id.value != 0) {
    count_failure(now, slot, attempt.permit, ErrorCode::connection_lost);
  } else {
    slot.breaker.on_released(attempt.permit);  // the slot's state speaks for the connection
    ++slot.counters.failures;
    if (!attempt.is_stateless) slot.is_healthy = false;
  }
  request.last_error = ErrorCode::connection_lost;
  release(now, request, which);
  if (request.is_under_way()) return;
  if (std::exchange(request.was_moved, true)) {
    request.owes_retry = true;
  } else {
    ++stats_.moved;
    request.tried &= ~(std::uint64_t{1} << index);
  }
  request.hedge_at = kNever;
  requests_.wait(request, std::min(request.deadline, after(now, options_.connection_wait)));
}

void BridgeSet::count_failure(Instant now, BridgeSlot& slot, link::Breaker::Permit permit,
                              ErrorCode code) {
  const std::uint64_t opened = slot.breaker.times_opened();
  slot.breaker.on_failure(now, permit);
  slot.last_error = code;
  ++(code == ErrorCode::timeout ? slot.counters.timeouts : slot.counters.failures);
  if (slot.breaker.times_opened() == opened) return;
  log(LogLevel::warning, "bridge.breaker_open", code, slot,
      slot.url() + ": too many requests failed; it is probed now and then");
}

/// One answer of a wrong type may be its bridge's fault; two, from two bridges, are the question's.
bool BridgeSet::is_invalid_too_often(PoolRequest& request, BridgeSlot& slot, Instant now) {
  ++slot.counters.invalid_answers;
  slot.bad_answers.on_bad_answer(now, options_.ejection);
  weigh_ejections(now);
  return ++request.invalid_answers > 1;
}

}  // namespace trestle::pool
