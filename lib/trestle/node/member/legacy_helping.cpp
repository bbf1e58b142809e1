// What a member does for newcomers at a bootstrap node of the old system: invites them, and as a
// bridge names a helper (sections 3.2, 3.3 and 5.1 of its protocol).

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/node/member/legacy_registration.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

namespace {

/// Whether a token invites that peer, as far as JavaScript clients look (section 3.3).
bool invites(const legacy::RawJson& token, const NodeId& invitee, std::int64_t now_ms) {
  const auto document = wire::json::parse(token.json);
  if (!document) return false;
  const auto root = document->root();
  const auto named = root.member("invitee");
  const auto expires = root.member("expires");
  if (!root.member("inviter") || !root.member("signature") || !named) return false;
  if (expires && expires->integer().value_or(now_ms) < now_ms) return false;
  return named->text() == invitee.to_hex();
}

}  // namespace

// ---- invitations

void LegacyRegistration::on_request(Instant now, const legacy::InvitationReceived& invitation) {
  if (!invites(invitation.invitation_token, local_.identity.id, wall_ms(now))) return;
  outbox_.push(Invited{invitation.from_peer});
}

void LegacyRegistration::accept(Instant now, const NodeId& inviter) {
  if (!is_open_) return;
  legacy::InvitationAccepted accepted;
  accepted.from_peer = local_.identity.id;
  accepted.to_peer = inviter;
  accepted.timestamp = wall_ms(now);
  send(legacy::encode(accepted));
}

/// Both ends are told of each other; when to dial is the mesh's business (section 4.3).
void LegacyRegistration::on_request(Instant, const legacy::WebsocketPeerMetadata& peer) {
  if (peer.from_peer) {
    outbox_.push(Named{legacy::to_contact(*peer.from_peer, peer.from_peer_metadata)});
  } else if (peer.target_peer) {
    outbox_.push(Named{legacy::to_contact(*peer.target_peer, peer.target_peer_metadata)});
  }
}

void LegacyRegistration::on_request(Instant, const legacy::SendInvitationRequest& request) {
  outbox_.push(AskedToInvite{request.target_peer_id});
  legacy::InvitationSent sent;
  sent.target_peer_id = request.target_peer_id;
  sent.request_id = request.request_id;
  sent.success = true;
  send(legacy::encode(sent));
}

/// The token is signed with our own key, over its text without the signature. No receiver of the
/// old system checks it; one of ours can.
void LegacyRegistration::invite(Instant now, const NodeId& newcomer) {
  if (!is_open_ || local_.role == wire::Role::bridge || newcomer == local_.identity.id) return;
  const auto is_same = [&](const Invitation& one) { return one.newcomer == newcomer; };
  if (std::ranges::any_of(invitations_, is_same)) return;
  if (invitations_.size() >= options_.invitations_max) return;
  std::array<std::uint8_t, 16> nonce{};
  suite_.random(nonce);
  wire::json::ObjectWriter token;
  token.text("inviter", local_.identity.id.to_hex())
      .text("invitee", newcomer.to_hex())
      .integer("timestamp", wall_ms(now))
      .integer("expires", wall_ms(after(now, options_.invitation_kept)))
      .text("nonce", to_hex(nonce))
      .text("version", "1.0");
  Invitation invitation{{++last_ticket_.value}, newcomer, token.take(), request_id(now, "req")};
  outbox_.push(SignInvitation{invitation.ticket, to_bytes(as_bytes(invitation.token))});
  invitations_.push_back(std::move(invitation));
}

void LegacyRegistration::on_signed(link::Ticket ticket, const wire::Signature& signature) {
  const auto place = std::ranges::find(invitations_, ticket, &Invitation::ticket);
  if (place == invitations_.end()) return;
  Invitation invitation = std::move(*place);
  invitations_.erase(place);
  std::string& token = invitation.token;
  token.pop_back();  // the closing brace
  token += ",\"signature\":\"" + to_hex(signature) + "\"}";
  legacy::SendInvitation frame;
  frame.target_peer_id = invitation.newcomer;
  frame.invitation_token = legacy::RawJson{std::move(token)};
  frame.inviter_node_id = local_.identity.id;
  frame.request_id = std::move(invitation.request_id);
  send(legacy::encode(frame));
}

// ---- introductions by a bridge

void LegacyRegistration::on_request(Instant now, const legacy::GetOnboardingPeer& question) {
  const auto is_same = [&](const Introduction& one) {
    return one.request_id == question.request_id;
  };
  if (std::ranges::any_of(introductions_, is_same)) return;
  const wire::RequestId id{++last_number_};
  introductions_.push_back({id, question.request_id, question.new_node_id});
  if (local_.role != wire::Role::bridge) {
    return respond(now, id, wire::Failure{ErrorCode::unsupported, 0, "this is not a bridge"});
  }
  if (introductions_.size() > options_.introductions_max) {
    return respond(now, id, wire::Failure{ErrorCode::busy, 0, "too many questions are open"});
  }
  wire::IntroduceRequest request;
  request.newcomer = legacy::to_contact(question.new_node_id, question.new_node_metadata);
  request.contacts_max = 1;  // the answer has room for one helper
  request.budget_ms = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.introduction_budget).count());
  outbox_.push(Introduce{id, std::move(request)});
}

void LegacyRegistration::respond(Instant now, wire::RequestId id, const wire::Message& answer) {
  const auto place = std::ranges::find(introductions_, id, &Introduction::id);
  if (place == introductions_.end()) return;
  const Introduction asked = std::move(*place);
  introductions_.erase(place);
  legacy::OnboardingPeerResponse response;
  response.request_id = asked.request_id;
  response.timestamp = wall_ms(now);
  const auto* introduced = std::get_if<wire::IntroduceResponse>(&answer);
  if (introduced != nullptr && !introduced->members.empty()) {
    const wire::Contact& helper = introduced->members.front();
    legacy::OnboardingHelp help;
    help.inviter_peer_id = helper.id;
    help.inviter_metadata = legacy::metadata_of(helper);
    help.membership_token = membership_token(now, asked.newcomer, helper.id);
    help.status = "invitation_request_sent_to_helper";
    help.message = "Active DHT member will create invitation and coordinate connection";
    response.success = true;
    response.data = legacy::encode_body(help);
  } else if (introduced != nullptr) {
    response.error = "No active DHT members are known to this bridge";
    response.data = refusal(now, introduced->alternatives, *response.error);
  } else if (const auto* failure = std::get_if<wire::Failure>(&answer)) {
    // The old dialect has no word for a full queue: the code's name leads the sentence.
    response.error = std::string(name(failure->code)) + ": " + failure->text;
    response.data = refusal(now, {}, *response.error);
  }
  send(legacy::encode(response));
}

legacy::RawJson LegacyRegistration::refusal(Instant now, const wire::Contacts& others,
                                            std::string reason) const {
  legacy::NetworkState state;
  state.connected_peer_count = static_cast<std::int64_t>(links_);
  state.routing_table_size = static_cast<std::int64_t>(links_);
  for (const wire::Contact& contact : others) {
    if (contact.id == local_.identity.id) continue;
    state.available_peers.push_back({contact.id, legacy::metadata_of(contact), true});
  }
  state.bridge_node_id = local_.identity.id;
  state.timestamp = wall_ms(now);
  legacy::OnboardingRefusal refused;
  refused.emergency_mode = true;
  refused.network_state = legacy::encode_body(state);
  refused.reason = std::move(reason);
  return legacy::encode_body(refused);
}

/// As a bridge of the old system issues it: the signature is a fixed text that nobody checks
/// (section 3.3).
legacy::RawJson LegacyRegistration::membership_token(Instant now, const NodeId& newcomer,
                                                     const NodeId& helper) const {
  wire::json::ObjectWriter token;
  token.text("nodeId", newcomer.to_hex())
      .text("issuer", local_.identity.id.to_hex())
      .integer("timestamp", wall_ms(now))
      .boolean("isOpenNetwork", true)
      .text("authorizedBy", helper.to_hex())
      .text("signature", "bridge-issued-open-network-token");
  return {token.take()};
}

}  // namespace trestle::node
