// The connections of the set: dialling, authentication, loss, idle close. Requests are in
// bridge_set_requests.cpp.

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

namespace {

/// Reasons that do not go away by trying again: the settings of one side are wrong.
bool excludes(ErrorCode code) {
  return code == ErrorCode::unauthorized || code == ErrorCode::wrong_network ||
         code == ErrorCode::version_mismatch;
}

bool is_connected(const BridgeSlot& slot) {
  return slot.state == BridgeState::ready || slot.state == BridgeState::busy;
}

}  // namespace

BridgeSet::BridgeSet(const BridgeSetOptions& options, const link::LocalPeer& local,
                     crypto::Suite& suite, Rng rng)
    : options_(options),
      local_(local),
      rng_(rng.fork("bridge-set")),
      channels_(link::ConnectionOwner::pool, local, suite, options.channels, rng.fork("channels")) {
  slots_.reserve(options_.bridges.size());
  for (const BridgeEndpoint& bridge : options_.bridges) {
    link::Backoff backoff(options_.connect_backoff, rng_.fork("backoff", slots_.size()));
    slots_.emplace_back(bridge.urls.front(), backoff, options_.breaker);
  }
}

// ---- commands

void BridgeSet::start(Instant now) {
  for (SlotIndex index = 0; index < slots_.size(); ++index) dial(now, index);
  pump(now);
}

void BridgeSet::stop(Instant now) {
  is_stopped_ = true;
  for (BridgeSlot& slot : slots_) slot.dial_at = kNever;
  channels_.close_all(now, ErrorCode::shutting_down, "the bootstrap node is going away");
  pump(now);
  while (!requests_.empty()) {
    const std::uint64_t serial = requests_.begin()->first;
    finish(serial, Failed{{serial}, ErrorCode::shutting_down, 0});
  }
}

// ---- inputs

void BridgeSet::on_dialled(Instant now, ConnectionId connection) {
  if (const auto index = slot_of(connection)) {
    slots_[*index].state = BridgeState::authenticating;
    ++slots_[*index].counters.connections_opened;
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
  Instant next = channels_.next_deadline();
  for (const BridgeSlot& slot : slots_) {
    next = std::min(next, slot.dial_at);
    if (is_connected(slot) && slot.in_flight == 0) {
      next = std::min(next, after(slot.last_request_at, options_.idle_close_after));
    }
    if (slot.state == BridgeState::busy) next = std::min(next, slot.stay_away_until);
  }
  for (const auto& [serial, request] : requests_) next = std::min(next, request.wait_until);
  return next;
}

void BridgeSet::on_deadline(Instant now) {
  channels_.on_deadline(now);
  pump(now);
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    BridgeSlot& slot = slots_[index];
    if (slot.dial_at <= now) dial(now, index);
    close_if_idle(now, index);
    if (slot.state == BridgeState::busy && slot.stay_away_until <= now)
      slot.state = BridgeState::ready;
  }
  advance_waiting(now);
  expire_waiting(now);
  pump(now);
}

std::optional<BridgeSet::Effect> BridgeSet::poll_effect(Instant now) {
  if (auto effect = outbox_.poll()) return effect;
  pump(now);
  return outbox_.poll();
}

wire::Contacts BridgeSet::connected() const {
  wire::Contacts contacts;
  for (const BridgeSlot& slot : slots_) {
    if (is_connected(slot)) contacts.push_back(slot.peer);
  }
  return contacts;
}

// ---- connections

void BridgeSet::pump(Instant now) {
  while (auto effect = channels_.poll_effect()) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      outbox_.push(std::move(*order));
      continue;
    }
    auto& news = std::get<link::ChannelSet::News>(*effect);
    on_news(now, news.connection, std::move(news.news));
  }
}

void BridgeSet::on_news(Instant now, ConnectionId connection, Channel::News&& news) {
  // Ends of requests first: they arrive before `Closed`, and may belong to a connection its slot
  // has let go already.
  if (auto* answered = std::get_if<Channel::Answered>(&news))
    return on_answer(now, std::move(*answered));
  if (const auto* failed = std::get_if<Channel::RequestFailed>(&news)) {
    return on_attempt_failed(now, failed->token, failed->code);
  }
  const auto index = slot_of(connection);
  if (!index) return;
  if (const auto* opened = std::get_if<Channel::Opened>(&news)) {
    on_opened(now, *index, opened->peer);
  } else if (const auto* closed = std::get_if<Channel::Closed>(&news)) {
    on_lost(now, *index, *closed);
  } else if (const auto* requested = std::get_if<Channel::Requested>(&news)) {
    // A bridge may never start a request on this connection (X1).
    channels_.respond(
        now, connection, requested->id,
        wire::Failure{ErrorCode::unsupported, 0, "a bridge does not ask on this link"});
  } else if (const auto* health = std::get_if<Channel::HealthChanged>(&news)) {
    log(LogLevel::warning, health->healthy ? "bridge.healthy" : "bridge.unhealthy", ErrorCode::none,
        slots_[*index], health->healthy ? "pings are answered again" : "a ping was not answered");
  }
}

void BridgeSet::on_opened(Instant now, SlotIndex index, const wire::Contact& peer) {
  BridgeSlot& slot = slots_[index];
  const bool is_bridge = peer.role == wire::Role::bridge;
  const bool is_known = std::ranges::any_of(slots_, [&](const BridgeSlot& other) {
    return &other != &slot && is_connected(other) && other.peer.id == peer.id;
  });
  if (!is_bridge || is_known) {
    // Counted per identity, however many addresses it has (design section 3).
    const std::string text =
        is_bridge ? "another URL already leads to this bridge" : "the peer is not a bridge node";
    slot.is_excluded = true;
    channels_.close(now, *slot.connection, ErrorCode::duplicate_connection, text);
    return;
  }
  slot.peer = peer;
  slot.peer.address = slot.url;
  slot.state = BridgeState::ready;
  slot.is_excluded = false;
  slot.connected_at = now;
  slot.counters.dial_time.add(now - slot.dialled_at);
  slot.last_request_at = now;
  log(LogLevel::info, "bridge.connected", ErrorCode::none, slot, slot.url);
  report_connected();
  advance_waiting(now);
}

void BridgeSet::on_lost(Instant now, SlotIndex index, const Channel::Closed& closed) {
  BridgeSlot& slot = slots_[index];
  const bool was_connected = is_connected(slot);
  slot.connection.reset();
  slot.in_flight = 0;
  if (was_connected && now - slot.connected_at >= options_.stable_after) slot.backoff.reset();
  if (closed.code == ErrorCode::idle) {
    slot.state = BridgeState::idle;
  } else if (slot.is_excluded || excludes(closed.code)) {
    slot.state = BridgeState::failed;
    slot.is_excluded = true;
    slot.dial_at = after(now, options_.excluded_probe_interval);
    log(LogLevel::error, "bridge.excluded", closed.code, slot,
        slot.url + ": " + closed.text + "; left out until the settings are reloaded");
  } else if (!is_stopped_) {
    schedule_dial(now, index);
    log(LogLevel::warning, "bridge.lost", closed.code, slot, slot.url + ": " + closed.text);
  }
  if (was_connected) report_connected();
  advance_waiting(now);
}

void BridgeSet::dial(Instant now, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  slot.dial_at = kNever;
  if (slot.connection || is_stopped_) return;
  slot.state = BridgeState::connecting;
  slot.dialled_at = now;
  slot.connection = channels_.dial(now, slot.url);
}

void BridgeSet::schedule_dial(Instant now, SlotIndex index) {
  BridgeSlot& slot = slots_[index];
  if (const auto wait = slot.backoff.next()) {
    slot.state = BridgeState::disconnected;
    slot.dial_at = after(now, *wait);
    return;
  }
  slot.state = BridgeState::failed;
  const Duration interval = options_.probe_interval;
  slot.dial_at = after(now, rng_.between(interval / 2, interval));
}

void BridgeSet::close_if_idle(Instant now, SlotIndex index) {
  const BridgeSlot& slot = slots_[index];
  if (!is_connected(slot) || slot.in_flight > 0) return;
  if (now < after(slot.last_request_at, options_.idle_close_after)) return;
  channels_.close(now, *slot.connection, ErrorCode::idle, "no request for a while");
}

void BridgeSet::report_connected() { outbox_.push(BridgesChanged{connected()}); }

std::optional<BridgeSet::SlotIndex> BridgeSet::slot_of(ConnectionId connection) const {
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    if (slots_[index].connection == connection) return index;
  }
  return std::nullopt;
}

void BridgeSet::log(LogLevel level, std::string_view event, ErrorCode code, const BridgeSlot& slot,
                    std::string detail) {
  outbox_.push(LogRecord{level, event, code, slot.peer.id, std::move(detail)});
}

}  // namespace trestle::pool
