// The way of a request: whose turn it is, waiting for a bridge, hedging, the one end.

#include <algorithm>
#include <bit>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

namespace {

constexpr std::uint64_t bit(SlotIndex index) { return std::uint64_t{1} << index; }

/// An onboarding says how long its asker waits; nobody waits longer.
Duration time_of(const wire::Message& message, Duration longest) {
  const auto* introduce = std::get_if<wire::IntroduceRequest>(&message);
  if (introduce == nullptr) return longest;
  return std::min(longest, Duration(std::chrono::milliseconds(introduce->budget_ms)));
}

}  // namespace

Result<PoolRequestId, ErrorCode> BridgeSet::submit(Instant now, wire::Message request,
                                                   Hedging hedging, RequestToken token) {
  TRESTLE_ASSERT(wire::is_request(request));
  if (is_stopped_) return refuse(ErrorCode::shutting_down);
  if (requests_.is_full()) return refuse(ErrorCode::busy);
  PoolRequest& entry = requests_.open();
  const PoolRequestId id = entry.id;
  entry.message = std::move(request);
  entry.token = token;
  entry.hedging = hedging;
  entry.deadline = after(now, time_of(entry.message, options_.total_timeout));
  ++stats_.submitted;
  retries_.on_request();
  hedges_.on_request();
  wake_idle(now);
  advance(now, entry);
  return id;
}

void BridgeSet::cancel(Instant now, PoolRequestId request) {
  if (PoolRequest* entry = requests_.find(request)) drop(now, *entry, ErrorCode::cancelled);
}

void BridgeSet::cancel(Instant now, RequestToken token) {
  PoolRequest* entry = requests_.at_or_after(0);
  while (entry != nullptr && entry->token != token) {
    entry = requests_.at_or_after(RequestTable::place_of(entry->id) + 1);
  }
  if (entry != nullptr) drop(now, *entry, ErrorCode::cancelled);
}

/// Moves a request on: to the next bridge, into waiting, or to its end.
void BridgeSet::advance(Instant now, PoolRequest& request) {
  TRESTLE_ASSERT(!request.is_under_way());
  while (now < request.deadline) {
    const SlotIndex turn = next_in_turn_;
    const auto index = choose(now, request);
    if (!index) break;
    if (std::exchange(request.owes_retry, false)) {
      if (!retries_.take(now)) {
        ++stats_.retries_denied;
        next_in_turn_ = turn;  // who was chosen gets nothing, so it is still its turn (P-BR-5)
        return finish(request, request.last_error);
      }
      ++stats_.retried;
    }
    if (begin(now, request, kFirst, *index)) return;
  }
  end_patience(now);
  wake_idle(now);  // one may have gone to sleep since the request came
  const auto until = now < request.deadline ? hope(now, request) : std::nullopt;
  if (!until) return finish(request, request.last_error);
  if (!request.waits()) requests_.wait(request, std::min(request.deadline, *until));
}

/// Who waits longest is served first.
void BridgeSet::advance_waiting(Instant now) {
  PoolRequest* request = requests_.first_waiting();
  while (request != nullptr) {
    PoolRequest* next = requests_.next_waiting(*request);
    advance(now, *request);
    request = next;
  }
}

/// Round robin: the next usable bridge after the one served last, leaving out those this request
/// has tried (P-BR-5).
std::optional<SlotIndex> BridgeSet::choose(Instant now, const PoolRequest& request) {
  if (options_.balancing == Balancing::two_choices) return choose_better_of_two(now, request);
  const auto count = static_cast<SlotIndex>(slots_.size());
  SlotIndex index = next_in_turn_;
  for (SlotIndex step = 0; step < count; ++step, ++index) {
    if (index >= count) index = 0;
    if ((request.tried & bit(index)) != 0 || !is_usable(now, slots_[index])) continue;
    next_in_turn_ = index + 1;
    return index;
  }
  return std::nullopt;
}

/// Two bridges drawn at random, the one whose answer is expected sooner. Two are enough to avoid
/// the slow one, and random enough that not everybody runs to the same fast one.
std::optional<SlotIndex> BridgeSet::choose_better_of_two(Instant now, const PoolRequest& request) {
  std::uint64_t candidates = 0;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    const bool is_candidate = (request.tried & bit(index)) == 0 && is_usable(now, slots_[index]);
    if (is_candidate) candidates |= bit(index);
  }
  if (candidates == 0) return std::nullopt;
  const auto draw = [&] {
    std::uint64_t left = candidates;
    for (auto skip = rng_.below(static_cast<std::uint64_t>(std::popcount(candidates))); skip > 0;
         --skip) {
      left &= left - 1;
    }
    const auto index = static_cast<SlotIndex>(std::countr_zero(left));
    candidates &= ~bit(index);
    return index;
  };
  const SlotIndex first = draw();
  if (candidates == 0) return first;
  const SlotIndex second = draw();
  const auto cost = [&](const BridgeSlot& slot) {
    return link::load_cost(slot.answer_cost, slot.in_flight, now);
  };
  return cost(slots_[second]) < cost(slots_[first]) ? second : first;
}

bool BridgeSet::is_usable(Instant now, const BridgeSlot& slot) const {
  if (slot.is_leaving || slot.is_ejected || !slot.breaker.would_permit(now)) return false;
  if (slot.is_attached) {
    return slot.state == BridgeState::ready && slot.in_flight < options_.attached_in_flight_max;
  }
  if (mode_ == BridgeMode::pool) return slot.state == BridgeState::ready && slot.is_healthy;
  return (slot.state == BridgeState::ready || slot.state == BridgeState::idle) &&
         stateless_held_ < options_.stateless_max &&
         slot.stateless_opening < options_.stateless_opening_max;
}

/// Until when it makes sense to wait for a bridge that this request has not tried. Nothing when
/// there is none.
std::optional<Instant> BridgeSet::hope(Instant now, const PoolRequest& request) {
  std::optional<Instant> until;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    const BridgeSlot& slot = slots_[index];
    if ((request.tried & bit(index)) != 0 || slot.is_leaving || slot.is_excluded) continue;
    const auto this_one = hope_for(now, request, slot);
    if (this_one && (!until || *this_one > *until)) until = this_one;
  }
  return until;
}

std::optional<Instant> BridgeSet::hope_for(Instant now, const PoolRequest& request,
                                           const BridgeSlot& slot) {
  const Instant longest = after(now, options_.connection_wait);
  switch (slot.state) {
    case BridgeState::connecting:
    case BridgeState::authenticating:
      return longest;
    case BridgeState::disconnected:
      // It was there a moment ago: most losses are a bridge that starts anew.
      if (slot.is_just_lost && slot.dial_at <= longest) return longest;
      return std::nullopt;
    case BridgeState::idle:
    case BridgeState::ready: {
      if (slot.is_ejected || (!slot.is_healthy && slot.connection)) return std::nullopt;
      if (slot.breaker.would_permit(now)) return request.deadline;  // every place there is taken
      const Instant opens = slot.breaker.open_until();
      if (opens > longest) return std::nullopt;
      if (opens > now) wake_at_ = std::min(wake_at_, opens);  // else its probe is out
      return longest;
    }
    case BridgeState::busy:
    case BridgeState::failed:
      return std::nullopt;
  }
  return std::nullopt;
}

// ---- time

void BridgeSet::on_timer(Instant now, PoolRequest& request) {
  if (request.waits()) return finish(request, request.last_error);
  if (request.hedge_at <= now) {
    request.hedge_at = kNever;
    hedge(now, request);
  }
  const PoolRequestId id = request.id;
  for (const std::size_t which : {kFirst, kHedge}) {
    PoolRequest* entry = requests_.find(id);
    if (entry == nullptr) return;
    const Attempt& attempt = entry->attempts[which];
    if (!attempt.slot || attempt.deadline > now) continue;
    const bool is_ours = attempt.is_stateless || slots_[*attempt.slot].is_attached;
    if (is_ours) {
      withdraw(now, *entry, which);
      on_failed(now, *entry, which, ErrorCode::timeout);
    }
  }
  if (PoolRequest* entry = requests_.find(id); entry != nullptr && !entry->waits()) arm(*entry);
}

/// The answer is later than 19 of 20 are: somebody else may be faster still.
void BridgeSet::hedge(Instant now, PoolRequest& request) {
  if (!request.attempts[kFirst].slot) return;
  const auto index = choose(now, request);
  if (!index) return;
  if (!hedges_.take(now)) {
    ++stats_.hedges_denied;
    return;
  }
  if (begin(now, request, kHedge, *index)) ++stats_.hedged;
}

/// What no channel times: hedges, attempts on connections of their own, attached bridges.
void BridgeSet::arm(PoolRequest& request) {
  Instant next = request.hedge_at;
  for (const Attempt& attempt : request.attempts) {
    if (!attempt.slot) continue;
    const bool is_ours = attempt.is_stateless || slots_[*attempt.slot].is_attached;
    if (is_ours) next = std::min(next, attempt.deadline);
  }
  requests_.arm(request, next);
}

// ---- ends

void BridgeSet::finish(PoolRequest& request, ErrorCode code) {
  outbox_.push(Failed{request.id, request.token, code, request.retry_after_ms});
  requests_.close(request);
}

/// Ends a request that may be under way.
void BridgeSet::drop(Instant now, PoolRequest& request, ErrorCode code) {
  for (const std::size_t which : {kFirst, kHedge}) {
    if (!request.attempts[which].slot) continue;
    slots_[*request.attempts[which].slot].breaker.on_released(request.attempts[which].permit);
    withdraw(now, request, which);
    release(now, request, which);
  }
  request.retry_after_ms = 0;
  finish(request, code);
  has_free_places_ = true;
}

}  // namespace trestle::pool
