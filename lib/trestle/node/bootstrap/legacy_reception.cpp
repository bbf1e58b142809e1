// Registration of JavaScript clients, and the dispatch of their frames. Joins are in
// legacy_joins.cpp, every other conversation in the machine of its name.

#include "trestle/node/bootstrap/legacy_reception.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/credentials.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::CloseStatus;
using link::ConnectionId;

namespace {

/// What is told of a client to whoever asks for all of them: nothing that it did not advertise for
/// others, so neither keys nor tokens.
legacy::RawJson summary_of(const LegacyClient& client) {
  const wire::Contact& contact = client.contact;
  const bool is_bridge = contact.role == wire::Role::bridge;
  wire::json::ObjectWriter out;
  out.text("nodeType", is_bridge           ? "bridge"
                       : client.is_browser ? "browser"
                                           : "nodejs")
      .boolean("isBridgeNode", is_bridge);
  if (!contact.address.empty()) {
    out.text("listeningAddress", contact.address).text("publicWssAddress", contact.address);
  }
  out.raw("capabilities", client.is_browser ? R"(["webrtc","websocket"])" : R"(["websocket"])");
  if (client.bridge_health) out.raw("bridgeHealth", client.bridge_health->json);
  return {out.take()};
}

}  // namespace

LegacyReception::LegacyReception(const LegacyReceptionOptions& options,
                                 const link::LocalPeer& local, crypto::Suite& suite)
    : options_(options),
      local_(local),
      invitations_(options.invitations, local, clients_),
      signalling_(options.signalling, local, clients_, outcomes_),
      relay_(options.relay, local, clients_),
      authentication_(options.authentication, local, suite),
      bridges_(options.bridges, local) {}

// ---- frames

void LegacyReception::on_frame(Instant now, ConnectionId client, legacy::FrameBox&& box) {
  ++stats_.frames;
  bridges_.on_heard(client);
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { this->on_request(now, client, one); }) {
          on_request(now, client, one);
        } else if constexpr (requires { invitations_.on_request(now, client, one); }) {
          invitations_.on_request(now, client, one);
        } else if constexpr (requires { signalling_.on_request(now, client, one); }) {
          signalling_.on_request(now, client, one);
        } else if constexpr (requires { relay_.on_request(now, client, one); }) {
          relay_.on_request(now, client, one);
        } else if constexpr (requires { authentication_.on_request(now, client, one); }) {
          authentication_.on_request(now, client, one);
        } else if constexpr (requires { bridges_.on_response(now, client, one); }) {
          bridges_.on_response(now, client, one);
        } else if constexpr (requires { outcomes_.count(one); }) {
          if (knows(client)) outcomes_.count(one);
        } else {
          ++stats_.frames_ignored;
        }
      },
      box->frame);
  collect();
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

void LegacyReception::turn_away(Instant, ConnectionId client) {
  send(client, legacy::Error{std::nullopt, "Server at capacity"});
  outbox_.push(CloseClient{client, CloseStatus::normal, ErrorCode::busy, "Server full"});
}

void LegacyReception::on_verified(Instant now, ConnectionId client, link::Ticket ticket,
                                  bool valid) {
  if (authentication_.on_verified(now, client, ticket, valid)) clients_.on_proven(client);
  collect();
}

void LegacyReception::on_closed(Instant now, ConnectionId client) {
  if (!knows(client)) return;
  clients_.close(client);
  joins_.erase(client);
  invitations_.on_closed(client);
  signalling_.on_closed(client);
  authentication_.on_closed(client);
  bridges_.on_closed(client);
  relay_.on_closed(now, client);
  collect();
}

// ---- registration

/// A JavaScript client asks for peers 10 ms before it registers; whichever frame comes first tells
/// who it is (section 0.1).
bool LegacyReception::learn(ConnectionId client, const NodeId& id,
                            const std::optional<legacy::RawJson>& metadata) {
  wire::Contact contact = legacy::to_contact(id, metadata);
  const bool is_browser = legacy::describe_peer(metadata).is_browser;
  const LegacyClients::Claim claim = clients_.learn(client, std::move(contact), is_browser);
  if (claim == LegacyClients::Claim::refused) {
    outbox_.push(CloseClient{client, CloseStatus::protocol_error, ErrorCode::invalid_request,
                             "Node ID cannot change"});
    return false;
  }
  if (claim == LegacyClients::Claim::news) {
    outbox_.push(ClientKnown{client, clients_.find(client)->contact});
  }
  return true;
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
  if (!learn(client, *request.node_id, request.metadata)) return;
  ++stats_.registered;
  LegacyClient& known = *clients_.find(client);
  known.is_registered = true;
  if (!request.membership_token || request.membership_token->is_null()) {
    send(client, legacy::Registered{*request.node_id, wall_ms(now)});
  } else {
    // Nobody can check a token of the old dialect (section 3.3), and it grants nothing here: peers
    // are given to anybody who asks. One without holder and issuer ended the JavaScript bootstrap
    // (section 0.10).
    wire::json::ObjectWriter result;  // a bootstrap's order of members, which is not a bridge's
    result.text("type", legacy::ReconnectionResult::kType)
        .boolean("success", true)
        .text("nodeId", request.node_id->to_hex())
        .text("message", "Reconnection validated - membership token accepted");
    outbox_.push(SendText{client, result.take()});
  }
  bridges_.on_registered(now, client, known.contact, request.metadata);
  // A bridge has no business with a challenge: what it does not expect may end its process.
  const bool is_bridge = known.contact.role == wire::Role::bridge;
  if (const auto key = legacy::browser_key_of(request.metadata); key && !is_bridge) {
    authentication_.challenge(now, client, *request.node_id, *key);
  }
}

// ---- answered at once

void LegacyReception::on_request(Instant now, ConnectionId client, const legacy::Ping& ping) {
  wire::json::ObjectWriter pong;  // a bootstrap's order of members, which is not a peer's
  pong.text("type", legacy::Pong::kType);
  if (ping.request_id) pong.text("requestId", *ping.request_id);
  pong.text("from", "bootstrap_server").integer("timestamp", wall_ms(now));
  outbox_.push(SendText{client, pong.take()});
}

void LegacyReception::on_request(Instant now, ConnectionId client,
                                 const legacy::GetConnectedClients& request) {
  wire::json::ArrayWriter named;
  std::size_t count = 0;
  for (const auto& [connection, other] : clients_.all()) {
    if (connection == client || !other.is_registered) continue;
    if (count++ == options_.clients_named_max) break;
    wire::json::ObjectWriter entry;
    entry.text("nodeId", other.contact.id.to_hex()).raw("metadata", summary_of(other).json);
    named.raw(entry.take());
  }
  legacy::ConnectedClientsResponse response;
  response.request_id = request.request_id;
  response.success = true;
  response.clients = legacy::RawJson{named.take()};
  response.total_connected = static_cast<std::int64_t>(clients_.size());
  response.timestamp = wall_ms(now);
  send(client, response);
}

/// Only what a bridge says of itself, and no more of it than its metadata may have: it is shown to
/// others.
void LegacyReception::on_request(Instant, ConnectionId client,
                                 const legacy::BridgeHealthUpdate& update) {
  constexpr std::size_t kHealthBytesMax = 1024;  // a recorded one has 130
  LegacyClient* known = clients_.find(client);
  if (known == nullptr || known->contact.role != wire::Role::bridge) return;
  if (known->contact.id != update.bridge_node_id || !update.bridge_health) return;
  if (update.bridge_health->json.size() <= kHealthBytesMax) {
    known->bridge_health = update.bridge_health;
  }
}

// ---- bridges

void LegacyReception::ask_bridge(Instant now, ConnectionId bridge, wire::RequestId id,
                                 const wire::Message& question) {
  bridges_.ask(now, bridge, id, question);
  collect();
}

void LegacyReception::withdraw_question(ConnectionId bridge, wire::RequestId id) {
  bridges_.withdraw(bridge, id);
}

// ---- the parts

template <typename Frame>
void LegacyReception::send(ConnectionId client, const Frame& frame) {
  outbox_.push(SendText{client, legacy::encode(frame)});
}

void LegacyReception::collect() {
  const auto own = [this](auto&& effect) { outbox_.push(std::move(effect)); };
  while (auto effect = invitations_.poll_effect()) std::visit(own, std::move(*effect));
  while (auto effect = signalling_.poll_effect()) std::visit(own, std::move(*effect));
  while (auto effect = relay_.poll_effect()) std::visit(own, std::move(*effect));
  while (auto effect = authentication_.poll_effect()) std::visit(own, std::move(*effect));
  while (auto effect = bridges_.poll_effect()) std::visit(own, std::move(*effect));
}

// ---- time and look

Instant LegacyReception::next_deadline() const {
  return std::min({invitations_.next_deadline(), signalling_.next_deadline(),
                   relay_.next_deadline(), bridges_.next_deadline()});
}

void LegacyReception::on_deadline(Instant now) {
  invitations_.on_deadline(now);
  signalling_.on_deadline(now);
  relay_.on_deadline(now);
  bridges_.on_deadline(now);
  collect();
}

LegacyReception::Stats LegacyReception::stats() const {
  Stats stats = stats_;
  stats.clients = clients_.size();
  stats.invitations = invitations_.stats();
  stats.signalling = signalling_.stats();
  stats.relay = relay_.stats();
  stats.authentication = authentication_.stats();
  stats.bridges = bridges_.stats();
  stats.outcomes_succeeded = outcomes_.successes();
  stats.outcomes_failed = outcomes_.failures();
  return stats;
}

void add_counters(Status& status, const LegacyReception::Stats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("legacy.clients", stats.clients);
  counters.emplace_back("legacy.frames_total", stats.frames);
  counters.emplace_back("legacy.frames_ignored_total", stats.frames_ignored);
  counters.emplace_back("legacy.frames_refused_total", stats.frames_refused);
  counters.emplace_back("legacy.registered_total", stats.registered);
  counters.emplace_back("legacy.version_refused_total", stats.version_refused);
  counters.emplace_back("legacy.forwards_dropped_total", stats.forwards_dropped);
  counters.emplace_back("legacy.invitations_total", stats.invitations.relayed);
  counters.emplace_back("legacy.invitations_accepted_total", stats.invitations.accepted);
  counters.emplace_back("legacy.signals_total", stats.signalling.signals);
  counters.emplace_back("legacy.signals_refused_total", stats.signalling.signals_refused);
  counters.emplace_back("legacy.coordinations_total", stats.signalling.coordinated);
  counters.emplace_back("legacy.coordinations_timed_out_total",
                        stats.signalling.coordinations_timed_out);
  counters.emplace_back("legacy.relay_sessions_total", stats.relay.sessions_opened);
  counters.emplace_back("legacy.relay_refused_total", stats.relay.sessions_refused);
  counters.emplace_back("legacy.relay_forwarded_total", stats.relay.forwarded);
  counters.emplace_back("legacy.relay_dropped_total", stats.relay.dropped);
  counters.emplace_back("legacy.challenges_total", stats.authentication.challenges);
  counters.emplace_back("legacy.authenticated_total", stats.authentication.succeeded);
  counters.emplace_back("legacy.authentication_failed_total", stats.authentication.failed);
  counters.emplace_back("legacy.bridges", stats.bridges.bridges);
  counters.emplace_back("legacy.bridges_refused_total", stats.bridges.unauthorized);
  counters.emplace_back("legacy.bridge_questions_total", stats.bridges.asked);
  counters.emplace_back("legacy.bridge_answers_total", stats.bridges.answered);
  counters.emplace_back("legacy.bridge_senseless_total", stats.bridges.senseless);
  counters.emplace_back("legacy.bridge_unexpected_total", stats.bridges.unexpected);
  counters.emplace_back("legacy.outcomes_succeeded_total", stats.outcomes_succeeded);
  counters.emplace_back("legacy.outcomes_failed_total", stats.outcomes_failed);
}

std::optional<LegacyReception::Effect> LegacyReception::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
