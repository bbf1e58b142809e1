#include "trestle/link/channel_set.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::link {
ChannelSet::ChannelSet(ConnectionOwner owner, const LocalPeer& local, crypto::Suite& suite,
                       const ChannelSetOptions& options, Rng rng)
    : local_(local), suite_(suite), options_(options), rng_(rng), ids_(owner) {}

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
  orders_.push(Dial{connection, url, options_.dial_within});
  return connection;
}

Result<wire::RequestId, ErrorCode> ChannelSet::request(Instant now, ConnectionId connection,
                                                       const wire::Message& message,
                                                       Instant deadline, Channel::Token token) {
  Channel* channel = touch(connection);
  if (channel == nullptr) return refuse(ErrorCode::connection_lost);
  return channel->request(now, message, deadline, token);
}

void ChannelSet::cancel(Instant now, ConnectionId connection, wire::RequestId id) {
  if (Channel* channel = touch(connection)) channel->cancel(now, id);
}

bool ChannelSet::respond(Instant now, ConnectionId connection, wire::RequestId id,
                         const wire::Message& answer) {
  Channel* channel = touch(connection);
  return channel != nullptr && channel->respond(now, id, answer);
}

bool ChannelSet::notify(Instant now, ConnectionId connection, const wire::Message& message) {
  Channel* channel = touch(connection);
  return channel != nullptr && channel->notify(now, message);
}

void ChannelSet::send_text(Instant now, ConnectionId connection, std::string text) {
  if (Channel* channel = touch(connection)) channel->send_text(now, std::move(text));
}

void ChannelSet::open_as_legacy(Instant now, ConnectionId connection, const wire::Contact& peer) {
  if (Channel* channel = touch(connection)) channel->open_as_legacy(now, peer);
}

void ChannelSet::close(Instant now, ConnectionId connection, ErrorCode code, std::string text,
                       std::uint32_t retry_after_ms) {
  if (Channel* channel = touch(connection))
    channel->close(now, code, std::move(text), retry_after_ms);
}

void ChannelSet::close_with_status(Instant now, ConnectionId connection, CloseStatus status,
                                   ErrorCode code, std::string reason) {
  if (Channel* channel = touch(connection)) {
    channel->close_with_status(now, status, code, std::move(reason));
  }
}

void ChannelSet::close_all(Instant now, ErrorCode code, const std::string& text) {
  for (const auto& [connection, slot] : slots_by_connection_) close(now, connection, code, text);
}

// ---- inputs

ConnectionId ChannelSet::on_accepted(Instant now, const Accepted& accepted) {
  const ConnectionId connection = ids_.next();
  if (!admits(accepted)) {
    ++refused_;
    orders_.push(CloseTransport{connection, CloseStatus::refused, "too many unopened links"});
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
  Channel* channel = touch(connection);
  channel->came_from(accepted.remote_address);
  channel->on_transport_open(now);
  return connection;
}

void ChannelSet::on_dialled(Instant now, ConnectionId connection) {
  if (Channel* channel = touch(connection)) channel->on_transport_open(now);
}

void ChannelSet::on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                                std::string_view reason) {
  if (Channel* channel = touch(connection)) channel->on_transport_closed(now, code, reason, 0);
}

const Channel* ChannelSet::on_frame(Instant now, ConnectionId connection, FrameKind kind,
                                    ByteSpan bytes) {
  Channel* channel = touch(connection);
  if (channel != nullptr) channel->on_frame(now, kind, bytes);
  return channel;
}

void ChannelSet::on_drained(Instant now, ConnectionId connection, std::size_t bytes) {
  if (Channel* channel = touch(connection)) channel->on_drained(now, bytes);
}

void ChannelSet::on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                           std::string_view reason) {
  if (Channel* channel = touch(connection)) {
    channel->on_transport_closed(now, ErrorCode::connection_lost, reason, status);
  }
}

void ChannelSet::on_signed(Instant now, ConnectionId connection, Ticket ticket,
                           const wire::Signature& signature) {
  if (Channel* channel = touch(connection)) channel->on_signed(now, ticket, signature);
}

void ChannelSet::on_verified(Instant now, ConnectionId connection, Ticket ticket, bool valid) {
  if (Channel* channel = touch(connection)) channel->on_verified(now, ticket, valid);
}

// ---- time, drain, look

void ChannelSet::on_deadline(Instant now) {
  while (const auto slot = deadlines_.pop_due(now)) {
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
    touch_slot(slot)->flush();
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
  // Made in place: the news may carry a whole message.
  std::optional<Effect> reported(std::in_place, std::in_place_type<News>, place.connection,
                                 std::move(news));
  if (std::holds_alternative<Channel::Closed>(news)) erase(slot);
  return reported;
}

const Channel* ChannelSet::find(ConnectionId connection) const {
  const std::optional<Slot> slot = slot_of(connection);
  return slot ? places_[*slot].channel.get() : nullptr;
}

// ---- places

/// Every changing call goes through here, so that the channel is drained and its deadline read
/// again.
Channel* ChannelSet::touch(ConnectionId connection) {
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

bool ChannelSet::admits(const Accepted& accepted) const {
  if (pending_ >= options_.pending_max) return false;
  if (is_loopback(accepted.remote_address)) return true;
  const std::size_t* count = pending_by_address_.find(address_key(accepted.remote_address));
  return count == nullptr || *count < options_.pending_per_address_max;
}

}  // namespace trestle::link
