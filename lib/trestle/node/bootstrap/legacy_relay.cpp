#include "trestle/node/bootstrap/legacy_relay.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/legacy/codec.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

void LegacyRelay::on_request(Instant now, ConnectionId client, const legacy::RelayRequest& ask) {
  const LegacyClient* initiator = clients_.find_speaker(client);
  if (initiator == nullptr) return refuse(now, client, ask.session_id, "unauthorized");
  const auto target = clients_.reach(ask.target_peer_id);
  if (!target || *target == client) {
    return refuse(now, client, ask.session_id, "target_not_connected");
  }
  const bool is_taken =
      std::ranges::find(sessions_, ask.session_id, &Session::id) != sessions_.end();
  if (is_taken || ask.session_id.size() > options_.session_name_bytes_max)
    return refuse(now, client, ask.session_id, "invalid_session");
  const auto begun = std::ranges::count(sessions_, client, &Session::initiator);
  if (sessions_.size() >= options_.sessions_max ||
      static_cast<std::size_t>(begun) >= options_.sessions_per_client_max) {
    return refuse(now, client, ask.session_id, "capacity_reached");
  }
  sessions_.push_back({ask.session_id, client, *target, now});
  ++stats_.sessions_opened;
  legacy::RelayRequest announced = ask;
  announced.from = initiator->contact.id.to_hex();
  outbox_.push(LegacyForward{*target, legacy::encode(announced), client,
                             legacy::encode(ack_of(now, ask.session_id)),
                             legacy::encode(ack_of(now, ask.session_id, "target_not_connected"))});
}

legacy::RelayAck LegacyRelay::ack_of(Instant now, const std::string& session,
                                     std::optional<std::string> error) const {
  legacy::RelayAck ack;
  ack.session_id = session;
  ack.success = !error;
  ack.error = std::move(error);
  ack.timestamp = wall_ms(now);
  return ack;
}

void LegacyRelay::on_request(Instant now, ConnectionId client, const legacy::RelayForward& one) {
  Session* session = find(client, one.session_id);
  if (session == nullptr) {
    ++stats_.dropped;
    return;
  }
  session->last_used = now;
  ++stats_.forwarded;
  legacy::RelayForward frame;
  frame.from = clients_.find(client)->contact.id.to_hex();
  frame.session_id = one.session_id;
  frame.payload = one.payload;
  outbox_.push(LegacyForward{session->other_end(client), legacy::encode(frame), client, {}, {}});
}

void LegacyRelay::on_request(Instant now, ConnectionId client, const legacy::RelayClose& close) {
  const Session* session = find(client, close.session_id);
  if (session == nullptr) return;
  outbox_.push(
      LegacyForward{session->other_end(client),
                    legacy::encode(legacy::RelayClose{session->id, close.reason.value_or("manual"),
                                                      wall_ms(now), std::nullopt}),
                    client,
                    {},
                    {}});
  std::erase_if(sessions_, [&](const Session& one) { return one.id == close.session_id; });
}

void LegacyRelay::on_request(Instant now, ConnectionId client, const legacy::RelayPing& ping) {
  Session* session = find(client, ping.session_id);
  if (session == nullptr) return;
  session->last_used = now;
  legacy::RelayPong pong;
  pong.session_id = ping.session_id;
  pong.ping_id = ping.ping_id;
  pong.timestamp = ping.timestamp;
  pong.responded_at = wall_ms(now);
  outbox_.push(LegacyText{client, legacy::encode(pong)});
}

void LegacyRelay::on_closed(Instant now, ConnectionId client) {
  std::erase_if(sessions_, [&](const Session& session) {
    if (session.initiator != client && session.target != client) return false;
    tell_closed(now, session.other_end(client), session.id, "peer_disconnected");
    return true;
  });
}

LegacyRelay::Session* LegacyRelay::find(ConnectionId client, const std::string& id) {
  const auto place = std::ranges::find_if(sessions_, [&](const Session& session) {
    return session.id == id && (session.initiator == client || session.target == client);
  });
  return place != sessions_.end() ? &*place : nullptr;
}

void LegacyRelay::refuse(Instant now, ConnectionId client, const std::string& session,
                         std::string reason) {
  ++stats_.sessions_refused;
  outbox_.push(LegacyText{client, legacy::encode(ack_of(now, session, std::move(reason)))});
}

void LegacyRelay::tell_closed(Instant now, ConnectionId client, const std::string& session,
                              std::string reason) {
  outbox_.push(LegacyText{client, legacy::encode(legacy::RelayClose{session, std::move(reason),
                                                                    wall_ms(now), std::nullopt})});
}

// ---- time

Instant LegacyRelay::next_deadline() const {
  Instant next = kNever;
  for (const Session& session : sessions_) {
    next = std::min(next, after(session.last_used, options_.idle_kept));
  }
  return next;
}

void LegacyRelay::on_deadline(Instant now) {
  std::erase_if(sessions_, [&](const Session& session) {
    if (after(session.last_used, options_.idle_kept) > now) return false;
    tell_closed(now, session.initiator, session.id, "timeout");
    tell_closed(now, session.target, session.id, "timeout");
    return true;
  });
}

}  // namespace trestle::node
