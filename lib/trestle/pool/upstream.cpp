#include "trestle/pool/upstream.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"

namespace trestle::pool {

Upstream::Upstream(const UpstreamOptions& options, Rng rng)
    : options_(options),
      rng_(rng.fork("upstream")),
      breaker_(options.breaker),
      retries_(options.retries),
      scaler_(options.scaler, options.connections_max),
      connections_(options.scaler.connections_max),
      connection_lists_(options.scaler.connections_max),
      request_lists_(0) {
  TRESTLE_ASSERT(options.connections_min <= options.scaler.connections_max);
  TRESTLE_ASSERT(options.dialling_max > 0 && options.attempts_max > 0);
  unused_connections_.reserve(connections_.size());
  for (std::size_t slot = connections_.size(); slot > 0; --slot) {
    unused_connections_.push_back(static_cast<Slot>(slot - 1));
  }
}

Upstream::~Upstream() = default;

// ---- commands

void Upstream::start(Instant now) {
  if (is_started_ || is_stopped_) return;
  is_started_ = true;
  scaler_.start(now);
  dial_more(now);
}

Result<void, UpstreamRefusal> Upstream::submit(Instant now, http::ExchangeId request,
                                               Instant deadline, Repeatable repeatable) {
  if (is_stopped_) return refuse(UpstreamRefusal::stopped);
  start(now);
  const bool is_full = waiting_.size >= options_.waiting_max;
  if (is_full || !breaker_.would_permit(now)) {
    ++stats_.refused_total;
    return refuse(is_full ? UpstreamRefusal::full : UpstreamRefusal::unavailable);
  }
  Request& made = make_request(request);
  made.repeatable = repeatable;
  made.deadline = deadline;
  queue(now, made);
  serve(now);
  return {};
}

void Upstream::cancel(Instant now, http::ExchangeId request) {
  Request* const found = find(request);
  if (found == nullptr) return;
  if (found->stage == Stage::assigned) {
    outbox_.push(Withdraw{found->id, connections_[found->connection].id});
    breaker_.on_released(found->permit);
    detach(now, *found);
  }
  release(*found);
  serve(now);
}

void Upstream::stop(Instant now) {
  if (is_stopped_) return;
  is_stopped_ = true;
  dial_deadline_ = kNever;
  end_waiting(UpstreamFailure::stopped);
  for (Request& request : requests_) {
    if (request.stage == Stage::resting) end(request, UpstreamFailure::stopped);
  }
  for (Connection& connection : connections_) {
    if (connection.phase == Phase::dialling || connection.phase == Phase::checking) {
      close(now, connection);
    } else if (connection.phase != Phase::unused) {
      retire(now, connection);
    }
  }
}

// ---- time, look

Instant Upstream::next_deadline() const {
  if (!is_started_) return kNever;
  const Instant review = is_stopped_ ? kNever : scaler_.next_deadline();
  return std::min(
      {connection_deadlines_.next(), request_deadlines_.next(), review, dial_deadline_});
}

void Upstream::on_deadline(Instant now) {
  if (!is_started_) return;
  while (const auto slot = connection_deadlines_.pop_due(now)) on_due(now, connections_[*slot]);
  while (const auto slot = request_deadlines_.pop_due(now)) on_due(now, requests_[*slot]);
  if (is_stopped_) return;
  scaler_.on_deadline(now);
  serve(now);
}

UpstreamStats Upstream::stats() const {
  UpstreamStats stats = stats_;
  stats.connections = open_;
  stats.dialling = dialling_;
  stats.busy = busy_;
  stats.waiting = waiting_.size;
  stats.connections_max = scaler_.connections_max();
  return stats;
}

}  // namespace trestle::pool
