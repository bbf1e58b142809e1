// Registration and joins of JavaScript clients. Invitations are in legacy_invitations.cpp.

#include "trestle/node/bootstrap/legacy_reception.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::CloseStatus;
using link::ConnectionId;

namespace {

/// Contacts asked for by a JavaScript client, within what one answer may name.
std::uint8_t contacts_wanted(const std::optional<std::int64_t>& max_peers) {
  constexpr std::int64_t kMost = 20;
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(max_peers.value_or(kMost), 1, kMost));
}

std::vector<legacy::PeerEntry> entries_of(const wire::Contacts& contacts) {
  std::vector<legacy::PeerEntry> entries;
  for (const wire::Contact& contact : contacts) {
    entries.push_back({contact.id.to_hex(), legacy::metadata_of(contact)});
  }
  return entries;
}

}  // namespace

LegacyReception::LegacyReception(const LegacyReceptionOptions& options,
                                 const link::LocalPeer& local)
    : options_(options), local_(local) {}

// ---- frames

void LegacyReception::on_frame(Instant now, ConnectionId client, legacy::FrameBox&& box) {
  ++stats_.frames;
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { this->on_request(now, client, one); }) {
          on_request(now, client, one);
        } else {
          ++stats_.frames_ignored;
        }
      },
      box->frame);
}

/// What is no JSON at all costs the connection, as it always did; everything else is dropped and
/// counted (section 1).
void LegacyReception::on_refused(Instant, ConnectionId client, legacy::DecodeError error) {
  ++stats_.frames_refused;
  if (error == legacy::DecodeError::oversized) {
    outbox_.push(
        CloseClient{client, CloseStatus::too_large, ErrorCode::too_large, "Frame too large"});
  } else if (error == legacy::DecodeError::bad_json ||
             error == legacy::DecodeError::not_an_object) {
    outbox_.push(CloseClient{client, CloseStatus::protocol_error, ErrorCode::protocol_error,
                             "Invalid JSON"});
  }
}

void LegacyReception::on_closed(Instant, ConnectionId client) {
  const Client* known = clients_.find(client);
  if (known == nullptr) return;
  const ConnectionId* newest = newest_.find(known->contact.id);
  if (newest != nullptr && *newest == client) newest_.erase(known->contact.id);
  clients_.erase(client);
  std::erase_if(delayed_, [&](const Delayed& one) { return one.client == client; });
}

/// A JavaScript client asks for peers 10 ms before it registers; whichever frame comes first tells
/// who it is (section 0.1).
LegacyReception::Client& LegacyReception::learn(ConnectionId client, const NodeId& id,
                                                const std::optional<legacy::RawJson>& metadata) {
  wire::Contact contact = legacy::to_contact(id, metadata);
  const auto [known, is_new] = clients_.insert(client, Client{contact, false, {}});
  if (is_new || known->contact != contact) {
    known->contact = contact;
    outbox_.push(ClientKnown{client, std::move(contact)});
  }
  newest_.insert_or_assign(id, client);
  return *known;
}

void LegacyReception::on_request(Instant, ConnectionId client,
                                 const legacy::GetPeersOrGenesis& request) {
  Client& known = learn(client, request.node_id, request.metadata);
  const auto repeated = std::ranges::find(known.joins, request.request_id, &OpenJoin::request_id);
  if (repeated != known.joins.end()) return;  // the first one is still to be answered
  if (known.joins.size() >= options_.joins_per_client_max) {
    return send(client, legacy::Response{request.request_id, false, std::nullopt,
                                         "Too many open requests"});
  }
  const wire::RequestId id{++last_join_};
  known.joins.push_back({id, request.request_id});
  const bool rejoining = legacy::describe_peer(request.metadata).shows_membership;
  outbox_.push(Join{client, id, {contacts_wanted(request.max_peers), rejoining}});
}

void LegacyReception::on_request(Instant now, ConnectionId client,
                                 const legacy::Register& request) {
  if (!request.node_id) {
    outbox_.push(CloseClient{client, CloseStatus::protocol_error, ErrorCode::invalid_request,
                             "Missing nodeId"});
    return;
  }
  const auto verdict =
      legacy::judge_version(request.protocol_version, request.build_id, options_.build_id);
  if (verdict == legacy::VersionVerdict::not_text) {
    return send(client, legacy::Error{std::nullopt, "Internal server error"});
  }
  if (verdict != legacy::VersionVerdict::accepted) {
    ++stats_.version_refused;
    send(client, legacy::version_mismatch(verdict, request, options_.build_id));
    outbox_.push(CloseClient{client, CloseStatus::version_mismatch, ErrorCode::version_mismatch,
                             "Version mismatch"});
    return;
  }
  ++stats_.registered;
  learn(client, *request.node_id, request.metadata).is_registered = true;
  if (!request.membership_token || request.membership_token->is_null()) {
    return send(client, legacy::Registered{*request.node_id, wall_ms(now)});
  }
  // Nobody can check a token of the old dialect (section 3.3), and it grants nothing here: peers
  // are given to anybody who asks.
  legacy::ReconnectionResult result;
  result.node_id = *request.node_id;
  result.success = true;
  result.message = "Reconnection validated - membership token accepted";
  send(client, result);
}

void LegacyReception::on_request(Instant now, ConnectionId client, const legacy::Ping& ping) {
  legacy::Pong pong;
  pong.request_id = ping.request_id;
  pong.from = "bootstrap_server";
  pong.timestamp = wall_ms(now);
  send(client, pong);
}

// ---- joins

void LegacyReception::on_join_ended(Instant now, ConnectionId client, wire::RequestId request_id,
                                    const wire::Message& answer) {
  Client* known = clients_.find(client);
  if (known == nullptr) return;
  const auto place = std::ranges::find(known->joins, request_id, &OpenJoin::id);
  if (place == known->joins.end()) return;
  const OpenJoin join = std::move(*place);
  known->joins.erase(place);
  if (const auto* response = std::get_if<wire::JoinResponse>(&answer)) {
    answer_join(now, client, join, *response);
  } else if (const auto* failure = std::get_if<wire::Failure>(&answer)) {
    answer_failure(client, join, *failure);
  }
}

void LegacyReception::answer_join(Instant now, ConnectionId client, const OpenJoin& join,
                                  const wire::JoinResponse& response) {
  const NodeId asker = clients_.find(client)->contact.id;
  const std::string count = std::to_string(response.contacts.size());
  legacy::PeerOffer offer;
  offer.peers = entries_of(response.contacts);
  offer.is_genesis = response.outcome == wire::JoinOutcome::genesis;
  switch (response.outcome) {
    case wire::JoinOutcome::introduced: {
      const NodeId helper = response.contacts.empty() ? NodeId{} : response.contacts.front().id;
      offer.membership_token = membership_token(now, asker, response.introduced_by, helper);
      offer.status = "peer_found";
      offer.message = "Found onboarding peer: " + helper.to_short_hex() + "...";
      ask_for_invitation(now, helper, asker);
      break;
    }
    case wire::JoinOutcome::genesis:
      offer.message =
          "Genesis peer designated - connect to " + count + " bridge nodes to form initial DHT";
      ask_for_bridge_invitations(now, client, response.contacts);
      break;
    case wire::JoinOutcome::emergency:
      offer.emergency_mode = true;
      offer.status = "emergency_direct_connect";
      offer.message = "DHT network sparse - connecting directly to " + count + " available nodes";
      break;
    case wire::JoinOutcome::bridge:
      break;
  }
  send(client, legacy::Response{join.request_id, true, legacy::encode_body(offer), std::nullopt});
}

/// An error answer would make a JavaScript client give up after three tries; an empty offer makes
/// it ask again every 10 s.
void LegacyReception::answer_failure(ConnectionId client, const OpenJoin& join,
                                     const wire::Failure& failure) {
  legacy::PeerOffer offer;
  offer.is_genesis = false;
  offer.emergency_mode = true;
  offer.status = "network_empty";
  offer.message = std::string(name(failure.code)) + ": " + failure.text;
  send(client, legacy::Response{join.request_id, true, legacy::encode_body(offer), std::nullopt});
}

/// The token a bridge of the old system would have issued: its signature is a fixed text that
/// nobody checks (section 3.3).
legacy::RawJson LegacyReception::membership_token(Instant now, const NodeId& holder,
                                                  const NodeId& issuer,
                                                  const NodeId& helper) const {
  wire::json::ObjectWriter writer;
  writer.text("nodeId", holder.to_hex())
      .text("issuer", issuer.to_hex())
      .integer("timestamp", wall_ms(now))
      .boolean("isOpenNetwork", true)
      .text("authorizedBy", helper.to_hex())
      .text("signature", "bridge-issued-open-network-token");
  return {writer.take()};
}

// ---- sending

void LegacyReception::send(ConnectionId client, const legacy::Frame& frame) {
  outbox_.push(SendText{client, legacy::encode(frame)});
}

void LegacyReception::send_later(Instant at, ConnectionId client, const legacy::Frame& frame) {
  if (delayed_.size() < options_.delayed_max)
    delayed_.push_back({at, client, legacy::encode(frame)});
}

std::optional<ConnectionId> LegacyReception::client_of(const NodeId& id) const {
  const ConnectionId* client = newest_.find(id);
  if (client == nullptr) return std::nullopt;
  return *client;
}

// ---- time and look

Instant LegacyReception::next_deadline() const {
  Instant next = kNever;
  for (const Delayed& one : delayed_) next = std::min(next, one.at);
  return next;
}

void LegacyReception::on_deadline(Instant now) {
  for (Delayed& one : delayed_) {
    if (one.at <= now) outbox_.push(SendText{one.client, std::move(one.text)});
  }
  std::erase_if(delayed_, [&](const Delayed& one) { return one.at <= now; });
}

LegacyReception::Stats LegacyReception::stats() const {
  Stats stats = stats_;
  stats.clients = clients_.size();
  return stats;
}

}  // namespace trestle::node
