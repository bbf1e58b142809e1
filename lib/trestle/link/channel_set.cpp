#include "trestle/link/channel_set.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/link/pinned_url.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::link {
namespace {

bool is_proven(const Channel& channel) {
  return !channel.speaks_legacy() && !channel.peer().id.is_zero();
}

}  // namespace

ChannelSet::ChannelSet(ConnectionOwner owner, const LocalPeer& local, crypto::Suite& suite,
                       const ChannelSetOptions& options, Rng rng)
    : local_(local),
      suite_(suite),
      options_(options),
      rng_(rng),
      ids_(owner),
      pending_limit_(options.pending_max),
      bans_(options.bans) {}

ChannelSet::~ChannelSet() = default;

// ---- commands

ConnectionId ChannelSet::dial(Instant, const std::string& url, wire::Dialect dialect) {
  return dial(url, dialect, options_.channel.legacy);
}

ConnectionId ChannelSet::dial_as_old_client(Instant, const std::string& url) {
  return dial(url, wire::Dialect::legacy, LegacyMode::clients);
}

ConnectionId ChannelSet::dial(const std::string& url, wire::Dialect dialect, LegacyMode legacy) {
  const ConnectionId connection = ids_.next();
  insert(connection, std::make_unique<Channel>(
                         connection, crypto::Side::dialler, local_, suite_, options_.channel,
                         legacy, rng_.fork("channel", connection.value()), url, dialect));
  orders_.push(Dial{connection, std::string(without_pin(url)), options_.dial_within});
  return connection;
}

Result<wire::RequestId, ErrorCode> ChannelSet::request(Instant now, ConnectionId connection,
                                                       const wire::Message& message,
                                                       Instant deadline, Channel::Token token) {
  Channel* channel = touch(now, connection);
  if (channel == nullptr) return refuse(ErrorCode::connection_lost);
  return channel->request(now, message, deadline, token);
}

void ChannelSet::cancel(Instant now, ConnectionId connection, wire::RequestId id) {
  if (Channel* channel = touch(now, connection)) channel->cancel(now, id);
}

bool ChannelSet::respond(Instant now, ConnectionId connection, wire::RequestId id,
                         const wire::Message& answer) {
  Channel* channel = touch(now, connection);
  return channel != nullptr && channel->respond(now, id, answer);
}

bool ChannelSet::notify(Instant now, ConnectionId connection, const wire::Message& message) {
  Channel* channel = touch(now, connection);
  return channel != nullptr && channel->notify(now, message);
}

void ChannelSet::send_text(Instant now, ConnectionId connection, std::string text) {
  if (Channel* channel = touch(now, connection)) channel->send_text(now, std::move(text));
}

void ChannelSet::open_as_legacy(Instant now, ConnectionId connection, const wire::Contact& peer) {
  Channel* channel = touch(now, connection);
  if (channel == nullptr) return;
  channel->open_as_legacy(now, peer);
  admit_opened(places_[last_touched_]);
}

void ChannelSet::close(Instant now, ConnectionId connection, ErrorCode code, std::string text,
                       std::uint32_t retry_after_ms) {
  if (Channel* channel = touch(now, connection))
    channel->close(now, code, std::move(text), retry_after_ms);
}

void ChannelSet::close_with_status(Instant now, ConnectionId connection, CloseStatus status,
                                   ErrorCode code, std::string reason) {
  if (Channel* channel = touch(now, connection)) {
    channel->close_with_status(now, status, code, std::move(reason));
  }
}

void ChannelSet::banish(Instant now, ConnectionId connection, ErrorCode code, std::string text) {
  Channel* channel = touch(now, connection);
  if (channel == nullptr) return;
  if (const std::string who = name_for_bans(*channel); !who.empty()) {
    if (bans_.ban(now, who)) on_banned(*channel, who, code, text);
  }
  channel->close(now, code, std::move(text));
}

void ChannelSet::close_all(Instant now, ErrorCode code, const std::string& text) {
  for (const auto& [connection, slot] : slots_by_connection_) close(now, connection, code, text);
}

// ---- inputs

ConnectionId ChannelSet::on_accepted(Instant now, const Accepted& accepted) {
  now_ = now;
  const ConnectionId connection = ids_.next();
  if (!admits(accepted)) {
    ++refused_;
    orders_.push(CloseTransport{connection, CloseStatus::refused, "no place for you now"});
    return connection;
  }
  const Slot slot =
      insert(connection, std::make_unique<Channel>(
                             connection, crypto::Side::acceptor, local_, suite_, options_.channel,
                             options_.channel.legacy, rng_.fork("channel", connection.value()),
                             std::string(), wire::Dialect::unknown));
  Place& place = places_[slot];
  place.is_pending = true;
  ++pending_;
  ++*pending_by_address_.insert(address_key(accepted.remote_address), 0).first;
  Channel* channel = touch(now, connection);
  channel->came_from(accepted.remote_address);
  channel->on_transport_open(now);
  return connection;
}

void ChannelSet::on_dialled(Instant now, ConnectionId connection) {
  if (Channel* channel = touch(now, connection)) channel->on_transport_open(now);
}

void ChannelSet::on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                                std::string_view reason) {
  if (Channel* channel = touch(now, connection)) channel->on_transport_closed(now, code, reason, 0);
}

const Channel* ChannelSet::on_frame(Instant now, ConnectionId connection, FrameKind kind,
                                    ByteSpan bytes) {
  Channel* channel = touch(now, connection);
  if (channel != nullptr) channel->on_frame(now, kind, bytes);
  return channel;
}

void ChannelSet::on_drained(Instant now, ConnectionId connection, std::size_t bytes) {
  if (Channel* channel = touch(now, connection)) channel->on_drained(now, bytes);
}

void ChannelSet::on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                           std::string_view reason) {
  if (Channel* channel = touch(now, connection)) {
    channel->on_transport_closed(now, ErrorCode::connection_lost, reason, status);
  }
}

void ChannelSet::on_signed(Instant now, ConnectionId connection, Ticket ticket,
                           const wire::Signature& signature) {
  if (Channel* channel = touch(now, connection)) channel->on_signed(now, ticket, signature);
}

void ChannelSet::on_verified(Instant now, ConnectionId connection, Ticket ticket, bool valid) {
  if (Channel* channel = touch(now, connection)) channel->on_verified(now, ticket, valid);
}

// ---- time, drain, look

void ChannelSet::on_deadline(Instant now) {
  while (const auto slot = deadlines_.pop_due(now)) {
    now_ = now;
    touch_slot(*slot)->on_deadline(now);
  }
}

std::optional<ChannelSet::Effect> ChannelSet::poll_effect() {
  if (auto transport_order = orders_.poll()) return Effect(std::move(*transport_order));
  do {
    while (next_busy_ < busy_.size()) {
      const Slot slot = busy_[next_busy_];
      if (auto effect = poll_slot(slot)) return effect;
      ++next_busy_;
      places_[slot].is_busy = false;
      if (!std::exchange(places_[slot].is_settling, true)) settling_.push_back(slot);
    }
    busy_.clear();
    next_busy_ = 0;
    flush_batches();
  } while (!busy_.empty());
  for (const Slot slot : settling_) {
    Place& place = places_[slot];
    place.is_settling = false;
    if (!place.channel) continue;
    if (place.channel->is_open()) no_longer_pending(place);
    deadlines_.set(slot, place.channel->next_deadline());
  }
  settling_.clear();
  return std::nullopt;
}

/// Everything was reported. What was written meanwhile leaves now, one frame a channel.
void ChannelSet::flush_batches() {
  for (const Slot slot : settling_) {
    Place& place = places_[slot];
    if (!place.channel || !place.channel->has_batch()) continue;
    touch_slot(slot)->flush(now_);
  }
}

std::optional<ChannelSet::Effect> ChannelSet::poll_slot(Slot slot) {
  Place& place = places_[slot];
  if (!place.channel) return std::nullopt;
  auto effect = place.channel->poll_effect();
  if (!effect) return std::nullopt;
  if (auto* transport_order = std::get_if<TransportOrder>(&*effect))
    return Effect(std::move(*transport_order));
  auto& news = std::get<Channel::News>(*effect);
  if (std::holds_alternative<Channel::Opened>(news) && !admit_opened(place)) return poll_slot(slot);
  const auto* closed = std::get_if<Channel::Closed>(&news);
  if (closed != nullptr) judge(place, *closed);
  // Made in place: the news may carry a whole message.
  std::optional<Effect> reported(std::in_place, std::in_place_type<News>, place.connection,
                                 std::move(news));
  if (closed != nullptr) erase(slot);
  return reported;
}

const Channel* ChannelSet::find(ConnectionId connection) const {
  const std::optional<Slot> slot = slot_of(connection);
  return slot ? places_[*slot].channel.get() : nullptr;
}

// ---- places

/// Every changing call goes through here, so that the channel is drained and its deadline read
/// again.
Channel* ChannelSet::touch(Instant now, ConnectionId connection) {
  now_ = now;
  const std::optional<Slot> slot = slot_of(connection);
  return slot ? touch_slot(*slot) : nullptr;
}

std::optional<ChannelSet::Slot> ChannelSet::slot_of(ConnectionId connection) const {
  if (last_touched_ < places_.size() && places_[last_touched_].connection == connection &&
      places_[last_touched_].channel) {
    return last_touched_;
  }
  const Slot* slot = slots_by_connection_.find(connection);
  return slot == nullptr ? std::nullopt : std::optional(*slot);
}

Channel* ChannelSet::touch_slot(Slot slot) {
  last_touched_ = slot;
  Place& place = places_[slot];
  if (!std::exchange(place.is_busy, true)) busy_.push_back(slot);
  return place.channel.get();
}

ChannelSet::Slot ChannelSet::insert(ConnectionId connection, std::unique_ptr<Channel> channel) {
  if (free_.empty()) {
    free_.push_back(static_cast<Slot>(places_.size()));
    places_.emplace_back();
  }
  const Slot slot = free_.back();
  free_.pop_back();
  places_[slot].channel = std::move(channel);
  places_[slot].connection = connection;
  slots_by_connection_.insert(connection, slot);
  return slot;
}

void ChannelSet::erase(Slot slot) {
  Place& place = places_[slot];
  no_longer_pending(place);
  uncount(place);
  slots_by_connection_.erase(place.connection);
  deadlines_.erase(slot);
  place.channel.reset();
  free_.push_back(slot);
}

void ChannelSet::no_longer_pending(Place& place) {
  if (!place.is_pending) return;
  place.is_pending = false;
  --pending_;
  const std::string address = address_key(place.channel->remote_address());
  std::size_t* count = pending_by_address_.find(address);
  TRESTLE_ASSERT(count != nullptr && *count > 0);
  if (--*count == 0) pending_by_address_.erase(address);
}

// ---- who may come in

void ChannelSet::limit(const ChannelSetOptions& limits) {
  const bool is_lowered = pending_limit_ < options_.pending_max;  // while memory is short
  if (!is_lowered) pending_limit_ = limits.pending_max;
  options_.pending_max = limits.pending_max;
  options_.pending_per_address_max = limits.pending_per_address_max;
  options_.per_identity_max = limits.per_identity_max;
  options_.legacy_max = limits.legacy_max;
  options_.bans = limits.bans;
  bans_.limit(limits.bans);
  options_.channel.open_within = limits.channel.open_within;
  options_.channel.served_max = limits.channel.served_max;
  options_.channel.unsent_bytes_max = limits.channel.unsent_bytes_max;
  options_.channel.unsent_bytes_max_before_open = limits.channel.unsent_bytes_max_before_open;
  options_.channel.unsent_soft_bytes_max = limits.channel.unsent_soft_bytes_max;
  options_.channel.unsent_soft_for = limits.channel.unsent_soft_for;
  options_.channel.withdrawals_max = limits.channel.withdrawals_max;
  options_.channel.withdrawals_within = limits.channel.withdrawals_within;
}

bool ChannelSet::is_exempt(std::string_view address) const {
  return options_.exempts_loopback && is_loopback(address);
}

bool ChannelSet::admits(const Accepted& accepted) {
  if (pending_ >= pending_limit_) return false;
  if (is_exempt(accepted.remote_address)) return true;
  const std::string address = address_key(accepted.remote_address);
  if (bans_.left(now_, address) > Duration::zero()) {
    ++refusals_.banned;
    return false;
  }
  const std::size_t* count = pending_by_address_.find(address);
  return count == nullptr || *count < options_.pending_per_address_max;
}

bool ChannelSet::admit_opened(Place& place) {
  Channel& channel = *place.channel;
  const wire::Contact& peer = channel.peer();
  if (place.is_counted || peer.role == wire::Role::bootstrap) return true;
  if (!channel.speaks_legacy()) {
    if (const Duration left = bans_.left(now_, peer.id.to_hex()); left > Duration::zero()) {
      ++refusals_.banned;
      channel.close(now_, ErrorCode::refused, "banned for what it did",
                    static_cast<std::uint32_t>(left / std::chrono::milliseconds(1)));
      return false;
    }
  }
  if (channel.side() == crypto::Side::dialler) return true;
  if (channel.speaks_legacy()) {
    if (legacy_ >= options_.legacy_max) {
      ++refusals_.legacy;
      channel.close(now_, ErrorCode::busy, "no place for another peer of the old system");
      return false;
    }
    ++legacy_;
  } else {
    std::size_t& count = *accepted_by_identity_.insert(peer.id, 0).first;
    if (count >= options_.per_identity_max) {
      ++refusals_.per_identity;
      channel.close(now_, ErrorCode::busy, "too many links of one id");
      return false;
    }
    ++count;
  }
  place.is_counted = true;
  return true;
}

void ChannelSet::uncount(Place& place) {
  if (!std::exchange(place.is_counted, false)) return;
  if (place.channel->speaks_legacy()) {
    --legacy_;
    return;
  }
  const NodeId& id = place.channel->peer().id;
  std::size_t* count = accepted_by_identity_.find(id);
  TRESTLE_ASSERT(count != nullptr && *count > 0);
  if (--*count == 0) accepted_by_identity_.erase(id);
}

/// What only a peer does that means no good, or is broken. The driver tells of its own verdicts by
/// the status, and so does a peer that finds us broken: with that one we are better off apart, too.
void ChannelSet::judge(const Place& place, const Channel::Closed& closed) {
  if (place.channel->met_another()) ++refusals_.unexpected;
  const auto status = static_cast<CloseStatus>(closed.status);
  const bool is_ours = !closed.by_peer && (closed.code == ErrorCode::protocol_error ||
                                           closed.code == ErrorCode::too_large ||
                                           closed.code == ErrorCode::rate_limited);
  const bool is_drivers =
      closed.by_peer && (status == CloseStatus::protocol_error ||
                         status == CloseStatus::too_large || status == CloseStatus::excess);
  if (!is_ours && !is_drivers) return;
  const std::string who = name_for_bans(*place.channel);
  if (!who.empty() && bans_.on_offence(now_, who)) {
    on_banned(*place.channel, who, closed.code, closed.text);
  }
}

/// Where anybody may come in, ids are had for nothing: whoever comes back under another one each
/// time is known by its address.
void ChannelSet::on_banned(const Channel& channel, const std::string& who, ErrorCode code,
                           std::string_view reason) {
  tell_of_ban(channel, who, code, reason);
  const std::string& address = channel.remote_address();
  if (!is_proven(channel) || address.empty() || is_exempt(address)) return;
  const std::string place = address_key(address);
  if (bans_.on_offence(now_, place)) {
    tell_of_ban(channel, place, code, "several of its ids were banned");
  }
}

void ChannelSet::tell_of_ban(const Channel& channel, const std::string& who, ErrorCode code,
                             std::string_view reason) {
  // Whoever drives us without reading the log has room for a few lines of it.
  constexpr std::size_t kLinesMax = 64;
  if (log_.size() >= kLinesMax) return;
  const auto seconds = options_.bans.ban_for / std::chrono::seconds(1);
  log_.push(
      LogRecord{LogLevel::warning, "link.banned", code,
                channel.speaks_legacy() ? NodeId{} : channel.peer().id,
                who + " stays out for " + std::to_string(seconds) + " s: " + std::string(reason)});
}

std::string ChannelSet::name_for_bans(const Channel& channel) const {
  if (is_proven(channel)) return channel.peer().id.to_hex();
  const std::string& address = channel.remote_address();
  return address.empty() || is_exempt(address) ? std::string() : address_key(address);
}

}  // namespace trestle::link
