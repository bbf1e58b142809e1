// Which connections there are: dialled, checked, and let go.

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/pool/upstream.hpp"

namespace trestle::pool {

// ---- inputs

void Upstream::on_connected(Instant now, link::ConnectionId connection, std::size_t room) {
  Connection* const found = find(connection);
  if (found == nullptr || found->phase != Phase::dialling) return;
  --dialling_;
  ++open_;
  ++stats_.opened_total;
  dials_failed_ = 0;
  dials_again_at_ = now;
  room_of_last_ = std::max<std::size_t>(room, 1);
  found->phase = Phase::open;
  found->room = room;
  found->used_at = now;
  found->ends_at = after(now, options_.lifetime - rng_.between({}, options_.lifetime / 10));
  settle(now, *found);
  serve(now);
}

void Upstream::on_room(Instant now, link::ConnectionId connection, std::size_t room) {
  Connection* const found = find(connection);
  if (found == nullptr) return;
  found->room = room;
  settle(now, *found);
  serve(now);
}

void Upstream::on_retiring(Instant now, link::ConnectionId connection) {
  Connection* const found = find(connection);
  if (found == nullptr) return;
  retire(now, *found);
  serve(now);
}

void Upstream::on_disconnected(Instant now, link::ConnectionId connection) {
  Connection* const found = find(connection);
  if (found == nullptr) return;
  const bool was_dialled = found->phase == Phase::dialling;
  const Slot slot = slot_of(*found);
  for (Request& request : requests_) {
    if (found->in_use == 0) break;
    if (request.stage != Stage::assigned || request.connection != slot) continue;
    breaker_.on_failure(now, request.permit);
    leave(now, request);
    try_again(now, request, http::Doubt::may_have_acted);
  }
  if (found->phase == Phase::checking) ++stats_.checks_failed_total;
  take_down(now, *found);
  if (was_dialled) on_dial_failed(now);
  serve(now);
}

void Upstream::on_checked(Instant now, link::ConnectionId connection, bool is_alive) {
  Connection* const found = find(connection);
  if (found == nullptr || found->phase != Phase::checking) return;
  if (is_alive) {
    --checking_;
    --busy_;
    found->phase = Phase::open;
    found->used_at = now;
    settle(now, *found);
  } else {
    ++stats_.checks_failed_total;
    close(now, *found);
  }
  serve(now);
}

// ---- the table

Upstream::Connection* Upstream::find(link::ConnectionId connection) {
  const Slot* const slot = connection_slots_.find(connection);
  return slot == nullptr ? nullptr : &connections_[*slot];
}

Upstream::Slot Upstream::slot_of(const Connection& connection) const {
  return static_cast<Slot>(&connection - connections_.data());
}

// ---- dialling

void Upstream::dial_more(Instant now) {
  dial_deadline_ = kNever;
  if (is_stopped_) return;
  // Those that wait for a dial or a check under way need no further one.
  const std::size_t needed = (waiting_.size + room_of_last_ - 1) / room_of_last_;
  const std::size_t wanted = std::min(
      scaler_.connections_max(), std::max(options_.connections_min, open_ - checking_ + needed));
  // Whoever failed once is tried by one until he answers.
  const std::size_t dialling_max = dials_failed_ > 0 ? 1 : options_.dialling_max;
  while (open_ + dialling_ < wanted && dialling_ < dialling_max && !unused_connections_.empty()) {
    if (now < dials_again_at_) {
      dial_deadline_ = dials_again_at_;
      return;
    }
    dial(now);
  }
}

void Upstream::dial(Instant now) {
  const Slot slot = unused_connections_.back();
  unused_connections_.pop_back();
  Connection& connection = connections_[slot];
  connection = {.phase = Phase::dialling, .id = ids_.next()};
  connection.due = after(now, options_.connect_within);
  connection_slots_.insert(connection.id, slot);
  ++dialling_;
  settle(now, connection);
  outbox_.push(DialUpstream{connection.id});
}

void Upstream::on_dial_failed(Instant now) {
  ++stats_.dials_failed_total;
  const Duration wait = link::draw_backoff(options_.connect_backoff, dials_failed_, rng_);
  ++dials_failed_;
  dials_again_at_ = std::max(dials_again_at_, after(now, wait));
  if (const auto permit = breaker_.acquire(now)) breaker_.on_failure(now, *permit);
}

// ---- one connection

bool Upstream::needs_check(Instant now, const Connection& connection) const {
  return connection.in_use == 0 && now - connection.used_at >= options_.check_after;
}

void Upstream::check(Instant now, Connection& connection) {
  connection.phase = Phase::checking;
  connection.due = after(now, options_.check_within);
  ++checking_;
  ++busy_;
  settle(now, connection);
  outbox_.push(CheckUpstream{connection.id});
}

void Upstream::settle(Instant now, Connection& connection) {
  const Slot slot = slot_of(connection);
  if (connection_lists_.is_listed(slot)) connection_lists_.remove(with_room_, slot);
  if (connection.phase == Phase::open && connection.in_use < connection.room) {
    connection_lists_.append(with_room_, slot);
  }
  connection_deadlines_.set(slot, due_at(now, connection));
  scaler_.on_use(now, open_, busy_);
}

Instant Upstream::due_at(Instant now, const Connection& connection) const {
  switch (connection.phase) {
    case Phase::dialling:
    case Phase::checking:
      return connection.due;
    case Phase::open: {
      if (connection.in_use > 0) return connection.ends_at;
      // Where no more are open than there should be, it is looked at again.
      const Instant idle_at = after(connection.used_at, options_.idle_after);
      const Instant looked_at = idle_at > now ? idle_at : after(now, options_.idle_after);
      return std::min(connection.ends_at, looked_at);
    }
    default:
      return kNever;
  }
}

void Upstream::on_due(Instant now, Connection& connection) {
  if (connection.phase == Phase::dialling) {
    close(now, connection);
    return on_dial_failed(now);
  }
  if (connection.phase == Phase::checking) {
    ++stats_.checks_failed_total;
    return close(now, connection);
  }
  const bool is_idle = connection.in_use == 0 && now - connection.used_at >= options_.idle_after;
  if (now >= connection.ends_at || (is_idle && open_ > options_.connections_min)) {
    return retire(now, connection);
  }
  settle(now, connection);
}

void Upstream::retire(Instant now, Connection& connection) {
  if (connection.phase == Phase::dialling) return;
  if (connection.in_use == 0) return close(now, connection);
  connection.phase = Phase::retiring;
  settle(now, connection);
}

void Upstream::close(Instant now, Connection& connection) {
  TRESTLE_ASSERT(connection.in_use == 0);
  outbox_.push(CloseUpstream{connection.id});
  take_down(now, connection);
}

void Upstream::take_down(Instant now, Connection& connection) {
  const Slot slot = slot_of(connection);
  if (connection.phase == Phase::dialling) {
    --dialling_;
  } else {
    --open_;
  }
  if (connection.phase == Phase::checking) {
    --checking_;
    --busy_;
  }
  connection_slots_.erase(connection.id);
  connection.phase = Phase::unused;
  settle(now, connection);
  unused_connections_.push_back(slot);
}

}  // namespace trestle::pool
