#include "trestle/sim/pool_client.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/node/counters.hpp"
#include "trestle/sim/exponential.hpp"

namespace trestle::sim {

PoolClient::PoolClient(const PoolClientOptions& options, const NodeSeat& seat)
    : options_(options),
      local_{seat.identity,
             wire::Role::bootstrap,
             options.network,
             seat.url,
             options.bridge_secret,
             {},
             {}},
      rng_(seat.rng.fork("arrivals")),
      set_(options.set, local_, seat.suite, seat.rng.fork("set")) {}

void PoolClient::start(Instant now) {
  set_.start(now);
  if (options_.request_every > Duration::zero()) asks_at_ = after(now, draw_wait());
}

void PoolClient::begin_shutdown(Instant now) {
  stop_asking();
  is_stopping_ = true;
  set_.stop(now);
}

void PoolClient::on_reload(Instant now, const node::Reload& reload) {
  local_.bridge_secret = reload.bridge_secret;
  set_.reload(now, reload.bridges, reload.bridge_mode);
}

link::ConnectionId PoolClient::on_accepted(Instant, const link::Accepted&) {
  TRESTLE_ASSERT(false);  // it listens nowhere
  return {};
}

// ---- inputs, all for the set

void PoolClient::on_dialled(Instant now, link::ConnectionId connection) {
  set_.on_dialled(now, connection);
}

void PoolClient::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                                std::string_view reason) {
  set_.on_dial_failed(now, connection, code, reason);
}

void PoolClient::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                          ByteSpan bytes) {
  set_.on_frame(now, connection, kind, bytes);
}

void PoolClient::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  set_.on_drained(now, connection, bytes);
}

void PoolClient::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                           std::string_view reason) {
  set_.on_closed(now, connection, status, reason);
}

void PoolClient::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           const wire::Signature& signature) {
  set_.on_signed(now, connection, ticket, signature);
}

void PoolClient::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                             bool valid) {
  set_.on_verified(now, connection, ticket, valid);
}

// ---- time and drain

Instant PoolClient::next_deadline() const { return std::min(asks_at_, set_.next_deadline()); }

void PoolClient::on_deadline(Instant now) {
  set_.on_deadline(now);
  if (now < asks_at_) return;
  asks_at_ = after(now, draw_wait());
  if (options_.withdrawing_percent > 0) withdraw_one(now);
  for (std::uint64_t left = 1 + rng_.below(options_.burst_max); left > 0; --left) ask(now);
}

std::optional<node::Effect> PoolClient::poll_effect(Instant now) {
  while (auto effect = set_.poll_effect(now)) {
    if (auto* transport_order = std::get_if<link::TransportOrder>(&*effect)) {
      order(std::move(*transport_order));
      break;
    }
    if (auto* record = std::get_if<LogRecord>(&*effect)) {
      outbox_.push(std::move(*record));
      break;
    }
    if (const auto* answered = std::get_if<pool::BridgeSet::Answered>(&*effect)) {
      const bool is_failure = std::holds_alternative<wire::Failure>(answered->message);
      end(now, answered->request,
          is_failure ? &PoolClientStats::failed : &PoolClientStats::answered);
    } else if (const auto* failed = std::get_if<pool::BridgeSet::Failed>(&*effect)) {
      const bool is_withdrawn = failed->code == ErrorCode::cancelled;
      end(now, failed->request,
          is_withdrawn ? &PoolClientStats::withdrawn : &PoolClientStats::failed);
      return LogRecord{LogLevel::warning, "request.failed", failed->code, {}, {}};
    }
  }
  if (auto effect = outbox_.poll()) return effect;
  if (!is_stopping_) return std::nullopt;
  is_stopping_ = false;
  return node::Stopped{};
}

node::Status PoolClient::status(Instant now) const {
  node::Status status;
  status.program = "pool-client";
  node::add_bridges(status, now, set_);
  return status;
}

// ---- the requests

Duration PoolClient::draw_wait() {
  if (options_.arrivals == Arrivals::poisson) {
    return draw_exponential(rng_, options_.request_every);
  }
  return rng_.between(Duration::zero(), 2 * options_.request_every);
}

void PoolClient::ask(Instant now) {
  wire::IntroduceRequest request;
  request.newcomer.id = NodeId(rng_.next(), 0, 0);
  request.budget_ms = static_cast<std::uint32_t>(options_.set.total_timeout.count() / 1000);
  const auto accepted = set_.submit(now, request, options_.hedging);
  if (!accepted) return count(&PoolClientStats::refused);
  count(&PoolClientStats::submitted);
  const bool is_new = under_way_.insert(*accepted, now).second;
  if (!is_new) count(&PoolClientStats::ended_wrongly);
}

void PoolClient::withdraw_one(Instant now) {
  if (!rng_.chance(options_.withdrawing_percent, 100) || under_way_.empty()) return;
  set_.cancel(now, under_way_.at_index(rng_.below(under_way_.size())).first);
}

void PoolClient::count(std::uint64_t PoolClientStats::* figure) {
  ++(stats_.*figure);
  if (options_.totals != nullptr) ++(options_.totals->*figure);
}

void PoolClient::end(Instant now, pool::PoolRequestId request,
                     std::uint64_t PoolClientStats::* how) {
  const Instant* since = under_way_.find(request);
  if (since == nullptr) return count(&PoolClientStats::ended_wrongly);
  count(how);
  if (how == &PoolClientStats::answered) {
    stats_.took.add(now - *since);
    if (options_.totals != nullptr) options_.totals->took.add(now - *since);
  }
  under_way_.erase(request);
}

Duration PoolClient::longest_wait(Instant now) const {
  Duration longest{};
  for (const auto& [request, since] : under_way_) longest = std::max(longest, now - since);
  return longest;
}

}  // namespace trestle::sim
