#include "trestle/node/bootstrap/legacy_signalling.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/legacy/codec.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

LegacySignalling::LegacySignalling(const LegacySignallingOptions& options,
                                   const link::LocalPeer& local, const LegacyClients& clients,
                                   const LegacyOutcomes& outcomes)
    : options_(options), local_(local), clients_(clients), outcomes_(outcomes) {}

// ---- signals

/// The sender is whoever is known on this connection, not whom the frame names: a peer must not
/// speak in another's name where that can be seen.
void LegacySignalling::on_request(Instant, ConnectionId client, const legacy::ForwardSignal& one) {
  const LegacyClient* sender = clients_.find_speaker(client);
  if (sender == nullptr || !one.from_peer || !one.to_peer || !one.signal) {
    ++stats_.signals_refused;
    return send(client, legacy::Error{"Invalid signal forwarding request", std::nullopt});
  }
  const auto target = clients_.reach(*one.to_peer);
  if (!target) {
    ++stats_.signals_refused;
    return send(client, legacy::Error{"Target peer not available", std::nullopt});
  }
  ++stats_.signals;
  const std::string done =
      one.request_id
          ? legacy::encode(legacy::Response{*one.request_id, true, std::nullopt, std::nullopt})
          : std::string();
  forward(client, *target,
          legacy::Signal{sender->contact.id, one.to_peer, *one.signal, std::nullopt}, done,
          legacy::Error{"Target peer not available", std::nullopt});
}

void LegacySignalling::on_request(Instant now, ConnectionId client, const legacy::Signal& signal) {
  const LegacyClient* sender = clients_.find_speaker(client);
  const auto target = signal.to_peer ? clients_.reach(*signal.to_peer) : std::nullopt;
  if (sender == nullptr || !target) {
    ++stats_.signals_refused;
    return send(client, legacy::SignalError{"Target peer not available"});
  }
  ++stats_.signals;
  forward(client, *target,
          legacy::Signal{sender->contact.id, std::nullopt, signal.signal, wall_ms(now)}, {},
          legacy::SignalError{"Target peer not available"});
}

/// Clients name the target otherwise than the JavaScript server reads it, so there it is never
/// found; here both spellings count.
void LegacySignalling::on_request(Instant, ConnectionId client, const legacy::JoinPeer& join) {
  const LegacyClient* sender = clients_.find_speaker(client);
  const std::optional<NodeId>& wanted = join.target_peer ? join.target_peer : join.target_peer_id;
  const auto target = wanted ? clients_.reach(*wanted) : std::nullopt;
  if (sender == nullptr || !target || *target == client) {
    return send(client, legacy::JoinError{"Target peer not available"});
  }
  forward(client, *target, legacy::PeerJoinRequest{sender->contact.id, join.request_id}, {},
          legacy::JoinError{"Target peer not available"});
}

// ---- beginning together

void LegacySignalling::on_request(Instant now, ConnectionId client,
                                  const legacy::IceCoordinate& ask) {
  const LegacyClient* peer = clients_.find_speaker(client);
  coordinate(now,
             {Purpose::start, client, peer != nullptr ? peer->contact.id : NodeId{}, ask.target,
              ask.session_id, ask.candidates, ask.profile, after(now, options_.coordination_wait)});
}

void LegacySignalling::on_request(Instant now, ConnectionId client,
                                  const legacy::IceRestartCoordinate& ask) {
  const LegacyClient* peer = clients_.find_speaker(client);
  coordinate(now,
             {Purpose::restart, client, peer != nullptr ? peer->contact.id : NodeId{}, ask.target,
              ask.session_id, std::nullopt, ask.profile ? ask.profile : ask.my_profile,
              after(now, options_.coordination_wait)});
}

void LegacySignalling::coordinate(Instant now, Waiting&& asked) {
  if (clients_.find_speaker(asked.client) == nullptr) return refuse(asked, "Not registered");
  if (bytes_of(asked) > options_.waiting_bytes_max) {
    return refuse(asked, "Coordination too large");
  }
  const auto partner = partner_of(asked);
  if (partner != waiting_.end()) {
    const Waiting other = std::move(*partner);
    waiting_.erase(partner);
    return begin(now, asked, other);
  }
  const auto same = std::ranges::find_if(waiting_, [&](const Waiting& one) {
    return one.client == asked.client && one.purpose == asked.purpose &&
           one.session_id == asked.session_id;
  });
  if (same !=
      waiting_.end()) {  // said again: the newer candidates count, the time does not begin anew
    asked.until = same->until;
    *same = std::move(asked);
    return;
  }
  const auto of_client = std::ranges::count(waiting_, asked.client, &Waiting::client);
  if (waiting_.size() >= options_.waiting_max ||
      static_cast<std::size_t>(of_client) >= options_.waiting_per_client_max) {
    return refuse(asked, "Too many coordinations");
  }
  if (asked.purpose == Purpose::start) {
    send(asked.client, legacy::IceCoordinatePending{asked.session_id, wall_ms(now)});
  } else {
    send(asked.client, legacy::IceRestartPending{asked.session_id, wall_ms(now)});
  }
  waiting_.push_back(std::move(asked));
}

std::size_t LegacySignalling::bytes_of(const Waiting& one) {
  const std::size_t candidates = one.candidates ? one.candidates->json.size() : 0;
  const std::size_t profile = one.profile ? one.profile->json.size() : 0;
  return one.session_id.size() + candidates + profile;
}

/// Who waits for the asker and is whom the asker wants. Of several attempts of one pair the one
/// with the same session goes first.
std::vector<LegacySignalling::Waiting>::iterator LegacySignalling::partner_of(
    const Waiting& asked) {
  const auto fits = [&](const Waiting& one) {
    return one.purpose == asked.purpose && one.peer == asked.target && one.target == asked.peer &&
           one.client != asked.client;
  };
  const auto same_session = std::ranges::find_if(waiting_, [&](const Waiting& one) {
    return fits(one) && one.session_id == asked.session_id;
  });
  return same_session != waiting_.end() ? same_session : std::ranges::find_if(waiting_, fits);
}

void LegacySignalling::begin(Instant now, const Waiting& one, const Waiting& other) {
  ++stats_.coordinated;
  const std::int64_t start_at = wall_ms(after(now, options_.start_lead));
  if (one.purpose == Purpose::restart) {
    send(one.client, legacy::IceRestartGo{one.session_id, start_at});
    send(other.client, legacy::IceRestartGo{other.session_id, start_at});
    return;
  }
  const NatType left = nat_type_of(one.profile);
  const NatType right = nat_type_of(other.profile);
  const bool both_hard = left == NatType::hard && right == NatType::hard;
  const auto tell = [&](const Waiting& told, const Waiting& about) {
    legacy::IceStart start;
    start.session_id = told.session_id;
    start.timestamp = start_at;
    start.peer = about.peer;
    start.peer_candidates = about.candidates;
    start.peer_profile = about.profile;
    start.hard_nat_pair = both_hard;
    start.should_attempt_coordinated_restart = both_hard;
    start.estimated_success_rate = outcomes_.success_rate(left, right);
    send(told.client, start);
  };
  tell(one, other);
  tell(other, one);
}

void LegacySignalling::refuse(const Waiting& asked, std::string reason) {
  if (asked.purpose == Purpose::start) {
    return send(asked.client, legacy::IceCoordinateError{std::move(reason), asked.session_id});
  }
  send(asked.client, legacy::IceRestartError{std::move(reason), asked.session_id});
}

void LegacySignalling::on_closed(ConnectionId client) {
  std::erase_if(waiting_, [&](const Waiting& one) { return one.client == client; });
}

// ---- time

Instant LegacySignalling::next_deadline() const {
  Instant next = kNever;
  for (const Waiting& one : waiting_) next = std::min(next, one.until);
  return next;
}

void LegacySignalling::on_deadline(Instant now) {
  for (const Waiting& one : waiting_) {
    if (one.until > now) continue;
    ++stats_.coordinations_timed_out;
    if (one.purpose == Purpose::start) {
      send(one.client, legacy::IceCoordinateTimeout{one.session_id, wall_ms(now)});
    } else {
      send(one.client, legacy::IceRestartTimeout{one.session_id, wall_ms(now)});
    }
  }
  std::erase_if(waiting_, [&](const Waiting& one) { return one.until <= now; });
}

template <typename Frame>
void LegacySignalling::send(ConnectionId client, const Frame& frame) {
  outbox_.push(LegacyText{client, legacy::encode(frame)});
}

template <typename Frame, typename Error>
void LegacySignalling::forward(ConnectionId sender, ConnectionId target, const Frame& frame,
                               std::string if_sent, const Error& if_dropped) {
  outbox_.push(LegacyForward{target, legacy::encode(frame), sender, std::move(if_sent),
                             legacy::encode(if_dropped)});
}

}  // namespace trestle::node
