// Dispatch: commands, inputs, time, drain. What they mean stands in the files beside: connections,
// requests, attempts, stateless, attached, reload.

#include "trestle/pool/bridge_set.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::pool {

using link::Channel;
using link::ConnectionId;

std::string_view public_name(BridgeState state) {
  switch (state) {
    case BridgeState::ready:
    case BridgeState::busy:
      return "connected";
    case BridgeState::connecting:
    case BridgeState::authenticating:
      return "connecting";
    case BridgeState::disconnected:
    case BridgeState::idle:
      return "disconnected";
    case BridgeState::failed:
      return "failed";
  }
  return "failed";
}

std::string_view name(BridgeState state) {
  switch (state) {
    case BridgeState::disconnected:
      return "disconnected";
    case BridgeState::connecting:
      return "connecting";
    case BridgeState::authenticating:
      return "authenticating";
    case BridgeState::ready:
      return "ready";
    case BridgeState::busy:
      return "busy";
    case BridgeState::idle:
      return "idle";
    case BridgeState::failed:
      return "failed";
  }
  return "failed";
}

BridgeSet::BridgeSet(const BridgeSetOptions& options, const link::LocalPeer& local,
                     crypto::Suite& suite, Rng rng)
    : options_(options),
      mode_(options.mode),
      rng_(rng.fork("bridge-set")),
      channels_(link::ConnectionOwner::pool, local, suite, options.channels, rng.fork("channels")),
      requests_(options.requests_max),
      retries_(options.retries),
      hedges_(options.hedges) {
  TRESTLE_ASSERT(options_.attached_max + 1 < kBridgesMax);
  for (const BridgeEndpoint& bridge : options_.bridges) add(bridge);
}

BridgeSet::~BridgeSet() = default;

// ---- commands

void BridgeSet::start(Instant now) {
  is_started_ = true;
  for (SlotIndex index = 0; index < slots_.size(); ++index) dial(now, index);
  pump(now);
}

void BridgeSet::stop(Instant now) {
  is_stopped_ = true;
  joining_.clear();
  for (BridgeSlot& slot : slots_) slot.dial_at = kNever;
  while (PoolRequest* request = requests_.at_or_after(0)) {
    drop(now, *request, ErrorCode::shutting_down);
  }
  channels_.close_all(now, ErrorCode::shutting_down, "the bootstrap node is going away");
  pump(now);
}

// ---- inputs

void BridgeSet::on_dialled(Instant now, ConnectionId connection) {
  if (const Holder* holder = holders_.find(connection)) {
    BridgeSlot& slot = slots_[holder->slot];
    ++slot.counters.connections_opened;
    if (holder->request.value == 0) slot.state = BridgeState::authenticating;
  }
  channels_.on_dialled(now, connection);
  pump(now);
}

void BridgeSet::on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                               std::string_view reason) {
  channels_.on_dial_failed(now, connection, code, reason);
  pump(now);
}

void BridgeSet::on_frame(Instant now, ConnectionId connection, link::FrameKind kind,
                         ByteSpan bytes) {
  channels_.on_frame(now, connection, kind, bytes);
  count_strays(connection);
  pump(now);
}

void BridgeSet::on_drained(Instant now, ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}

void BridgeSet::on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                          std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
  pump(now);
}

void BridgeSet::on_signed(Instant now, ConnectionId connection, link::Ticket ticket,
                          const wire::Signature& signature) {
  channels_.on_signed(now, connection, ticket, signature);
  pump(now);
}

void BridgeSet::on_verified(Instant now, ConnectionId connection, link::Ticket ticket, bool valid) {
  channels_.on_verified(now, connection, ticket, valid);
  pump(now);
}

// ---- time and drain

Instant BridgeSet::next_deadline() const {
  if (is_stopped_) return channels_.next_deadline();
  Instant next = std::min({channels_.next_deadline(), requests_.next_deadline(), wake_at_});
  for (const BridgeSlot& slot : slots_) {
    next = std::min(next, slot.dial_at);
    if (slot.state == BridgeState::busy) next = std::min(next, slot.stay_away_until);
    if (slot.is_ejected) next = std::min(next, slot.bad_answers.suspected_until());
    if (is_open(slot) && !slot.is_attached && slot.in_flight == 0) {
      next = std::min(next, after(slot.last_request_at, options_.idle_close_after));
    }
  }
  return next;
}

void BridgeSet::on_deadline(Instant now) {
  channels_.on_deadline(now);
  pump(now);
  if (is_stopped_) return;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    BridgeSlot& slot = slots_[index];
    if (slot.dial_at <= now) dial(now, index);
    if (slot.state == BridgeState::busy && slot.stay_away_until <= now) {
      slot.state = slot.connection ? BridgeState::ready : BridgeState::idle;
    }
    close_if_idle(now, slot);
  }
  weigh_ejections(now);
  if (wake_at_ <= now) wake_at_ = kNever;
  advance_waiting(now);
  while (PoolRequest* request = requests_.pop_due(now)) on_timer(now, *request);
  pump(now);
}

std::optional<BridgeSet::Effect> BridgeSet::poll_effect(Instant now) {
  if (auto effect = outbox_.poll()) return effect;
  pump(now);
  return outbox_.poll();
}

void BridgeSet::pump(Instant now) {
  bool has_more = true;
  while (has_more) {
    while (auto effect = channels_.poll_effect()) {
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        outbox_.push(std::move(*order));
        continue;
      }
      auto& news = std::get<link::ChannelSet::News>(*effect);
      on_news(now, news.connection, std::move(news.news));
    }
    while (auto record = channels_.poll_log()) outbox_.push(std::move(*record));
    // Places are given anew when what left them has been told to the transport.
    const bool has_places = std::exchange(has_free_places_, false);
    if (has_places) advance_waiting(now);
    has_more = settle(now) || has_places;
  }
  for (Answered& answered : closed_answers_) outbox_.push(std::move(answered));
  closed_answers_.clear();
}

void BridgeSet::on_news(Instant now, ConnectionId connection, Channel::News&& news) {
  // Ends of requests first: they carry the request themselves, and arrive before `Closed`.
  if (auto* answered = std::get_if<Channel::Answered>(&news)) {
    PoolRequest* request = requests_.find({answered->token >> 1});
    if (request != nullptr) {
      on_answer(now, *request, answered->token & 1, std::move(answered->message));
    }
    return;
  }
  if (const auto* failed = std::get_if<Channel::RequestFailed>(&news)) {
    PoolRequest* request = requests_.find({failed->token >> 1});
    if (request == nullptr) return;
    const Channel* channel = channels_.find(connection);
    if (channel == nullptr || channel->is_closed()) {
      on_connection_lost(now, *request, failed->token & 1);
      // A slot's connection is seen to by `on_lost`, which follows; a request's own by nobody else.
      if (!holders_.contains(connection)) advance_waiting(now);
      return;
    }
    return on_failed(now, *request, failed->token & 1, failed->code);
  }
  const Holder* holder = holders_.find(connection);
  if (holder == nullptr) return;
  if (std::holds_alternative<Channel::Requested>(news)) {
    // A bridge may never start a request on this connection (X1).
    channels_.respond(
        now, connection, std::get<Channel::Requested>(news).id,
        wire::Failure{ErrorCode::unsupported, 0, "a bridge does not ask on this link"});
  } else if (auto* said = std::get_if<Channel::Notified>(&news)) {
    const Channel* channel = channels_.find(connection);
    if (channel == nullptr || channel->peer().role != wire::Role::bridge) return;
    outbox_.push(Heard{connection, channel->peer(), std::move(said->message)});
  } else if (holder->request.value != 0) {
    on_stateless_news(now, connection, holder->request, std::move(news));
  } else if (const auto* opened = std::get_if<Channel::Opened>(&news)) {
    on_opened(now, holder->slot, opened->peer);
  } else if (const auto* closed = std::get_if<Channel::Closed>(&news)) {
    on_lost(now, holder->slot, *closed);
  } else if (const auto* health = std::get_if<Channel::HealthChanged>(&news)) {
    on_health(now, holder->slot, health->healthy);
  }
}

void BridgeSet::notify(Instant now, ConnectionId connection, const wire::Message& message) {
  channels_.notify(now, connection, message);
}

void BridgeSet::notify_all(Instant now, const wire::Message& message) {
  for (const BridgeSlot& slot : slots_) {
    if (is_open(slot) && !slot.is_attached) channels_.notify(now, *slot.connection, message);
  }
}

/// Answers that the channel could match with nothing: it counts them, the slot keeps the count over
/// its connections.
void BridgeSet::count_strays(ConnectionId connection) {
  const Channel* channel = channels_.find(connection);
  if (channel == nullptr || channel->request_stats().unmatched_answers == 0) return;
  Holder* holder = holders_.find(connection);
  if (holder == nullptr) return;
  const std::uint64_t strays = channel->request_stats().unmatched_answers;
  slots_[holder->slot].counters.late_answers += strays - std::exchange(holder->strays, strays);
}

// ---- look

wire::Contacts BridgeSet::connected() const {
  wire::Contacts contacts;
  for (const BridgeSlot& slot : slots_) {
    if (is_open(slot) && slot.is_healthy && !slot.is_leaving) contacts.push_back(slot.peer);
  }
  return contacts;
}

wire::Contacts BridgeSet::available() const {
  wire::Contacts contacts;
  for (const BridgeSlot& slot : slots_) {
    if (is_available(slot)) contacts.push_back(slot.peer);
  }
  return contacts;
}

const wire::Contact* BridgeSet::find(const NodeId& bridge) const {
  const auto place =
      std::ranges::find(slots_, bridge, [](const BridgeSlot& slot) { return slot.peer.id; });
  return place == slots_.end() ? nullptr : &place->peer;
}

void BridgeSet::log(LogLevel level, std::string_view event, ErrorCode code, const BridgeSlot& slot,
                    std::string detail) {
  outbox_.push(LogRecord{level, event, code, slot.peer.id, std::move(detail)});
}

}  // namespace trestle::pool
