// Which request is carried by which connection, how often, and how it ends.

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/upstream.hpp"

namespace trestle::pool {

// ---- inputs

void Upstream::on_answered(Instant now, http::ExchangeId request) {
  Request* const found = find(request);
  if (found == nullptr || found->stage != Stage::assigned) return;
  ++stats_.answered_total;
  breaker_.on_success(now, found->permit);
  detach(now, *found);
  release(*found);
  serve(now);
}

void Upstream::on_failed(Instant now, http::ExchangeId request, http::Doubt doubt) {
  Request* const found = find(request);
  if (found == nullptr || found->stage != Stage::assigned) return;
  breaker_.on_failure(now, found->permit);
  detach(now, *found);
  try_again(now, *found, doubt);
  serve(now);
}

bool Upstream::on_put_off(Instant now, http::ExchangeId request, Duration wait) {
  Request* const found = find(request);
  if (found == nullptr || found->stage != Stage::assigned) return false;
  breaker_.on_success(now, found->permit);
  detach(now, *found);
  const bool rests = rest(now, *found, wait);
  if (!rests) {
    ++stats_.answered_total;
    release(*found);
  }
  serve(now);
  return rests;
}

// ---- the table

Upstream::Request* Upstream::find(http::ExchangeId request) {
  const Slot* const slot = request_slots_.find(request);
  return slot == nullptr ? nullptr : &requests_[*slot];
}

Upstream::Slot Upstream::slot_of(const Request& request) const {
  return static_cast<Slot>(&request - requests_.data());
}

Upstream::Request& Upstream::make_request(http::ExchangeId request) {
  if (unused_requests_.empty()) {
    const std::size_t before = requests_.size();
    const std::size_t slots = std::max<std::size_t>(16, 2 * before);
    requests_.resize(slots);
    request_lists_.grow(slots);
    for (std::size_t slot = slots; slot > before; --slot) {
      unused_requests_.push_back(static_cast<Slot>(slot - 1));
    }
  }
  const Slot slot = unused_requests_.back();
  unused_requests_.pop_back();
  TRESTLE_ASSERT(request_slots_.insert(request, slot).second);
  Request& made = requests_[slot];
  made = {};
  made.id = request;
  return made;
}

// ---- giving

void Upstream::queue(Instant now, Request& request) {
  const Slot slot = slot_of(request);
  request.stage = Stage::waiting;
  request.waits_since = now;
  request_lists_.append(waiting_, slot);
  request_deadlines_.set(slot, request.deadline);
}

void Upstream::serve(Instant now) {
  while (!waiting_.empty()) {
    if (!breaker_.would_permit(now)) {
      end_waiting(UpstreamFailure::unavailable);
      break;
    }
    // As many are checked as there are requests that wait for one.
    if (with_room_.empty() || checking_ >= waiting_.size) break;
    Connection& connection = connections_[with_room_.last];
    if (needs_check(now, connection)) {
      check(now, connection);
    } else {
      assign(now, requests_[waiting_.first], connection);
    }
  }
  dial_more(now);
}

void Upstream::assign(Instant now, Request& request, Connection& connection) {
  request_lists_.remove(waiting_, slot_of(request));
  request.stage = Stage::assigned;
  request.connection = slot_of(connection);
  request.permit = *breaker_.acquire(now);
  if (++request.attempts == 1) retries_.on_request();
  ++stats_.given_total;
  if (connection.requests++ > 0) ++stats_.reused_total;
  scaler_.on_waited(now - request.waits_since);
  if (connection.in_use++ == 0) ++busy_;
  connection.used_at = now;
  settle(now, connection);
  outbox_.push(Assign{request.id, connection.id});
}

void Upstream::leave(Instant now, const Request& request) {
  Connection& connection = connections_[request.connection];
  TRESTLE_ASSERT(connection.in_use > 0);
  if (--connection.in_use == 0) --busy_;
  connection.used_at = now;
}

void Upstream::detach(Instant now, const Request& request) {
  leave(now, request);
  Connection& connection = connections_[request.connection];
  if (connection.phase == Phase::retiring) {
    retire(now, connection);
  } else {
    settle(now, connection);
  }
}

// ---- ends

void Upstream::try_again(Instant now, Request& request, http::Doubt doubt) {
  const bool may_repeat = doubt == http::Doubt::untouched || request.repeatable == Repeatable::yes;
  if (!may_repeat || !rest(now, request, {})) end(request, UpstreamFailure::lost);
}

bool Upstream::rest(Instant now, Request& request, Duration wait_min) {
  if (is_stopped_ || request.attempts >= options_.attempts_max) return false;
  const Duration drawn = link::draw_backoff(options_.retry_backoff, request.attempts - 1, rng_);
  const Instant again_at = after(now, std::max(drawn, wait_min));
  if (again_at >= request.deadline || !retries_.take(now)) return false;
  ++stats_.retried_total;
  request.stage = Stage::resting;
  request_deadlines_.set(slot_of(request), again_at);
  return true;
}

void Upstream::on_due(Instant now, Request& request) {
  if (request.stage == Stage::resting && now < request.deadline) return queue(now, request);
  if (request.stage == Stage::assigned) {
    outbox_.push(Withdraw{request.id, connections_[request.connection].id});
    breaker_.on_failure(now, request.permit);
    detach(now, request);
  }
  end(request, UpstreamFailure::timeout);
}

void Upstream::end(Request& request, UpstreamFailure failure) {
  ++stats_.ended_total;
  outbox_.push(RequestEnded{request.id, failure, request.attempts});
  release(request);
}

void Upstream::end_waiting(UpstreamFailure failure) {
  while (!waiting_.empty()) end(requests_[waiting_.first], failure);
}

void Upstream::release(Request& request) {
  const Slot slot = slot_of(request);
  if (request_lists_.is_listed(slot)) request_lists_.remove(waiting_, slot);
  request_deadlines_.erase(slot);
  request_slots_.erase(request.id);
  request.stage = Stage::unused;
  unused_requests_.push_back(slot);
}

}  // namespace trestle::pool
