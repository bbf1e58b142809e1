#include "trestle/node/bootstrap/legacy_bridges.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/credentials.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

namespace {

template <typename Body>
std::optional<Body> body_of(const std::optional<legacy::RawJson>& raw) {
  if (!raw) return std::nullopt;
  auto body = legacy::decode_body<Body>(*raw);
  if (!body) return std::nullopt;
  return std::move(*body);
}

/// Stands for an answer that answers nothing: of another kind than what was asked, so the set
/// counts it against the bridge and asks another one.
wire::Message nonsense() { return wire::Pong{}; }

constexpr std::string_view kNoSecretHere =
    "registered as a bridge of the old system, whose secret this node was not given; it is not "
    "asked for introductions. Set legacy-bridge-secret-file to a file with its BRIDGE_AUTH";
constexpr std::string_view kOtherSecret =
    "registered as a bridge without the old system's secret; it is not asked for introductions. "
    "Its BRIDGE_AUTH must be what legacy-bridge-secret-file holds here";

/// Peers a bridge offers when nobody can help: other ways in.
wire::Contacts contacts_of(const legacy::NetworkState& state) {
  wire::Contacts contacts;
  for (const legacy::AvailablePeer& peer : state.available_peers) {
    contacts.push_back(legacy::to_contact(peer.node_id, peer.metadata));
  }
  return contacts;
}

}  // namespace

// ---- who is a bridge

void LegacyBridges::on_registered(Instant now, ConnectionId connection,
                                  const wire::Contact& contact,
                                  const std::optional<legacy::RawJson>& metadata) {
  if (contact.role != wire::Role::bridge) return detach(connection);
  if (!shows_secret(metadata)) {
    ++stats_.unauthorized;
    outbox_.push(
        LogRecord{LogLevel::warning, "legacy.bridge_refused", ErrorCode::unauthorized, contact.id,
                  std::string(local_.legacy_bridge_secret.empty() ? kNoSecretHere : kOtherSecret)});
    return detach(connection);
  }
  Bridge* known = bridges_.find(connection);
  if (known != nullptr && known->contact == contact) return;
  detach(connection);
  bridges_.insert(connection, Bridge{contact, after(now, options_.ping_every), 0});
  outbox_.push(Attached{connection, contact});
}

bool LegacyBridges::shows_secret(const std::optional<legacy::RawJson>& metadata) const {
  const auto token = legacy::bridge_token_of(metadata);
  return token && !local_.legacy_bridge_secret.empty() &&
         crypto::equal_in_constant_time(as_bytes(*token), local_.legacy_bridge_secret);
}

void LegacyBridges::on_closed(ConnectionId connection) { detach(connection); }

void LegacyBridges::detach(ConnectionId connection) {
  if (!bridges_.erase(connection)) return;
  std::erase_if(questions_, [&](const Question& one) { return one.connection == connection; });
  outbox_.push(Detached{connection});
}

void LegacyBridges::on_heard(ConnectionId connection) {
  if (Bridge* bridge = bridges_.find(connection)) bridge->silent_pings = 0;
}

// ---- questions

void LegacyBridges::ask(Instant now, ConnectionId connection, wire::RequestId id,
                        const wire::Message& question) {
  const auto* introduce = std::get_if<wire::IntroduceRequest>(&question);
  const auto refuse_with = [&](ErrorCode code, std::string text) {
    outbox_.push(Answered{connection, id, wire::Failure{code, 0, std::move(text)}});
  };
  if (introduce == nullptr) {
    return refuse_with(ErrorCode::unsupported, "a JavaScript bridge only introduces");
  }
  if (!bridges_.contains(connection)) {
    return refuse_with(ErrorCode::connection_lost, "the bridge is gone");
  }
  if (questions_.size() >= options_.questions_max) {
    return refuse_with(ErrorCode::busy, "too many questions are open");
  }
  legacy::GetOnboardingPeer frame;
  frame.request_id =
      "onboarding_" + std::to_string(wall_ms(now)) + "_" + std::to_string(++last_request_);
  frame.new_node_id = introduce->newcomer.id;
  frame.new_node_metadata = legacy::metadata_of(introduce->newcomer);
  questions_.push_back({connection, id, introduce->newcomer.id, frame.request_id});
  ++stats_.asked;
  outbox_.push(LegacyText{connection, legacy::encode(frame)});
}

/// There is no word for it in the old dialect: the answer will come, and find nobody.
void LegacyBridges::withdraw(ConnectionId connection, wire::RequestId id) {
  std::erase_if(questions_,
                [&](const Question& one) { return one.connection == connection && one.id == id; });
}

void LegacyBridges::on_response(Instant now, ConnectionId connection,
                                const legacy::OnboardingPeerResponse& response) {
  const auto place = std::ranges::find_if(questions_, [&](const Question& one) {
    return one.connection == connection && one.request_id == response.request_id;
  });
  if (place == questions_.end()) {
    ++stats_.unexpected;
    return;
  }
  const Question question = std::move(*place);
  questions_.erase(place);
  wire::Message message = translate(now, question, response);
  ++(std::holds_alternative<wire::Pong>(message) ? stats_.senseless : stats_.answered);
  outbox_.push(Answered{connection, question.id, std::move(message)});
}

wire::Message LegacyBridges::translate(Instant now, const Question& question,
                                       const legacy::OnboardingPeerResponse& response) {
  wire::IntroduceResponse introduction;
  if (response.success) {
    auto help = body_of<legacy::OnboardingHelp>(response.data);
    if (!help) return nonsense();
    introduction.members.push_back(
        legacy::to_contact(help->inviter_peer_id, help->inviter_metadata));
    std::erase_if(help_, [&](const Help& one) { return one.until <= now; });
    if (help_.size() >= options_.help_max) help_.erase(help_.begin());
    const NodeId bridge = bridges_.find(question.connection)->contact.id;
    help_.push_back({question.newcomer, bridge, after(now, options_.help_kept), std::move(*help)});
    return introduction;
  }
  const auto refusal = body_of<legacy::OnboardingRefusal>(response.data);
  if (!refusal || refusal->emergency_mode != true) return nonsense();
  // It knows nobody who could help, and says so; that is an answer (BRIDGE-12).
  if (const auto state = body_of<legacy::NetworkState>(refusal->network_state)) {
    introduction.alternatives = contacts_of(*state);
  }
  return introduction;
}

std::optional<legacy::OnboardingHelp> LegacyBridges::take_help(const NodeId& newcomer,
                                                               const NodeId& bridge) {
  const auto place = std::ranges::find_if(
      help_, [&](const Help& one) { return one.newcomer == newcomer && one.bridge == bridge; });
  if (place == help_.end()) return std::nullopt;
  legacy::OnboardingHelp help = std::move(place->help);
  help_.erase(place);
  return help;
}

// ---- time and look

Instant LegacyBridges::next_deadline() const {
  Instant next = kNever;
  for (const auto& [connection, bridge] : bridges_) next = std::min(next, bridge.ping_at);
  return next;
}

void LegacyBridges::on_deadline(Instant now) {
  std::vector<ConnectionId> silent;
  for (auto& [connection, bridge] : bridges_) {
    if (bridge.ping_at > now) continue;
    if (bridge.silent_pings >= options_.silent_pings_max) {
      silent.push_back(connection);
      continue;
    }
    ++bridge.silent_pings;
    bridge.ping_at = after(now, options_.ping_every);
    legacy::Ping ping;
    ping.timestamp = wall_ms(now);
    ping.request_id =
        "keepalive_" + std::to_string(*ping.timestamp) + "_" + std::to_string(++last_request_);
    outbox_.push(LegacyText{connection, legacy::encode(ping)});
  }
  for (const ConnectionId connection : silent) {
    detach(connection);
    outbox_.push(
        LegacyClose{connection, link::CloseStatus::normal, ErrorCode::timeout, "Peer timeout"});
  }
}

LegacyBridges::Stats LegacyBridges::stats() const {
  Stats stats = stats_;
  stats.bridges = bridges_.size();
  return stats;
}

std::optional<LegacyBridges::Effect> LegacyBridges::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
