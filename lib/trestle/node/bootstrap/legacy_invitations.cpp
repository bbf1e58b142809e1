#include "trestle/node/bootstrap/legacy_invitations.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

namespace {

legacy::Response response_to(const legacy::SendInvitation& request, bool success,
                             std::string text) {
  legacy::Response response;
  response.request_id = request.request_id;
  response.success = success;
  if (success) {
    wire::json::ObjectWriter data;
    data.text("message", text).text("targetPeer", request.target_peer_id.to_hex());
    response.data = legacy::RawJson{data.take()};
  } else {
    response.error = std::move(text);
  }
  return response;
}

}  // namespace

void LegacyInvitations::on_request(Instant now, ConnectionId client,
                                   const legacy::SendInvitation& request) {
  const LegacyClient* inviter = clients_.find_speaker(client);
  if (inviter == nullptr) return answer(client, request, false, "Not registered");
  // A bridge needs no invitation, and a JavaScript one does not survive it (section 0.6); a genesis
  // node of the old dialect waits for the answer all the same.
  if (clients_.has_bridge(request.target_peer_id) || is_named_bridge(request.target_peer_id)) {
    return answer(client, request, true, "Invitation sent to bridge node successfully");
  }
  const auto target = clients_.reach(request.target_peer_id);
  if (!target) return answer(client, request, false, "Target peer not connected");
  std::erase_if(invitations_, [&](const Invitation& one) { return one.until <= now; });
  const auto is_same = [&](const Invitation& one) {
    return one.inviter == client && one.invitee == *target;
  };
  if (std::ranges::none_of(invitations_, is_same)) {
    const auto of_client = std::ranges::count(invitations_, client, &Invitation::inviter);
    if (invitations_.size() >= options_.invitations_max ||
        static_cast<std::size_t>(of_client) >= options_.invitations_per_client_max) {
      return answer(client, request, false, "Too many open invitations");
    }
    invitations_.push_back({client, *target, after(now, options_.invitation_kept)});
  }
  ++stats_.relayed;
  legacy::InvitationReceived invitation;
  invitation.from_peer = inviter->contact.id;
  invitation.invitation_token = request.invitation_token;
  invitation.websocket_coordination = request.websocket_coordination;
  invitation.message = "You have been invited to join the DHT network";
  outbox_.push(LegacyForward{
      *target, legacy::encode(invitation), client,
      legacy::encode(response_to(request, true, "Invitation sent successfully")),
      legacy::encode(response_to(request, false, "Target peer does not read its connection"))});
}

void LegacyInvitations::answer(ConnectionId client, const legacy::SendInvitation& request,
                               bool success, std::string text) {
  send(client, response_to(request, success, std::move(text)));
}

/// Only an invitation that went through here is followed by metadata, and only between the two
/// connections that it went between.
void LegacyInvitations::on_request(Instant now, ConnectionId client,
                                   const legacy::InvitationAccepted& accepted) {
  if (clients_.find_speaker(client) == nullptr) return;
  const auto invitation = std::ranges::find_if(invitations_, [&](const Invitation& one) {
    if (one.invitee != client || one.until <= now) return false;
    const LegacyClient* inviter = clients_.find_speaker(one.inviter);
    return inviter != nullptr && inviter->contact.id == accepted.to_peer;
  });
  if (invitation == invitations_.end()) return;
  const ConnectionId inviter = invitation->inviter;
  invitations_.erase(invitation);
  ++stats_.accepted;
  tell_both(now, inviter, client);
}

void LegacyInvitations::tell_both(Instant now, ConnectionId inviter_client,
                                  ConnectionId invitee_client) {
  const LegacyClient& inviter = *clients_.find(inviter_client);
  const LegacyClient& invitee = *clients_.find(invitee_client);
  const std::string invitation_id = inviter.contact.id.to_hex() + "_" +
                                    invitee.contact.id.to_hex() + "_" +
                                    std::to_string(wall_ms(now));
  // Two browsers cannot dial each other: one offers, the other waits for the offer.
  if (inviter.is_browser && invitee.is_browser) {
    send(inviter_client, legacy::WebrtcStartOffer{invitee.contact.id, invitation_id,
                                                  "Create a WebRTC offer for the invited peer"});
    send(invitee_client, legacy::WebrtcExpectOffer{inviter.contact.id, invitation_id,
                                                   "Expect a WebRTC offer of the inviting peer"});
    return;
  }
  legacy::WebsocketPeerMetadata to_inviter;
  to_inviter.target_peer = invitee.contact.id;
  to_inviter.target_peer_metadata = legacy::metadata_of(invitee.contact);
  to_inviter.invitation_id = invitation_id;
  to_inviter.message = "Connect to invited peer using WebSocket (metadata provided)";
  legacy::WebsocketPeerMetadata to_invitee;
  to_invitee.from_peer = inviter.contact.id;
  to_invitee.from_peer_metadata = legacy::metadata_of(inviter.contact);
  to_invitee.invitation_id = invitation_id;
  to_invitee.message = "Inviter peer metadata - initiate connection if inviter is nodejs";
  send(inviter_client, to_inviter);
  send(invitee_client, to_invitee);
}

void LegacyInvitations::on_closed(ConnectionId client) {
  std::erase_if(delayed_, [&](const Delayed& one) { return one.text.client == client; });
  std::erase_if(invitations_, [&](const Invitation& one) {
    return one.inviter == client || one.invitee == client;
  });
}

// ---- asked for by us

void LegacyInvitations::ask_for_bridges(Instant now, ConnectionId genesis,
                                        const wire::Contacts& bridges) {
  bridges_named_.clear();
  for (const wire::Contact& bridge : bridges) {
    bridges_named_.push_back(bridge.id);
    legacy::BridgeNodeInfo info;
    info.node_id = bridge.id;
    info.node_type = "bridge";
    info.listening_address = bridge.address;
    info.capabilities = legacy::RawJson{"[\"websocket\"]"};
    info.is_bridge_node = true;
    legacy::BridgeInvitationRequest request;
    request.target_peer_id = bridge.id;
    request.bridge_node_info = legacy::encode_body(info);
    request.message = "Please invite this bridge node to join the DHT network";
    send_later(after(now, options_.bridge_invitation_after), genesis, request);
  }
}

void LegacyInvitations::ask_for(Instant now, const NodeId& helper, const NodeId& newcomer) {
  const auto client = clients_.reach(helper);
  if (!client) return;
  legacy::SendInvitationRequest request;
  request.target_peer_id = newcomer;
  request.request_id =
      "invite_" + std::to_string(wall_ms(now)) + "_" + std::to_string(++last_request_);
  request.message = "Please invite this new peer to join the DHT network";
  send_later(after(now, options_.invitation_after), *client, request);
}

bool LegacyInvitations::is_named_bridge(const NodeId& id) const {
  return std::ranges::find(bridges_named_, id) != bridges_named_.end();
}

// ---- sending and time

template <typename Frame>
void LegacyInvitations::send(ConnectionId client, const Frame& frame) {
  outbox_.push(LegacyText{client, legacy::encode(frame)});
}

template <typename Frame>
void LegacyInvitations::send_later(Instant at, ConnectionId client, const Frame& frame) {
  if (delayed_.size() >= options_.delayed_max) return;
  delayed_.push_back({at, {client, legacy::encode(frame)}});
}

Instant LegacyInvitations::next_deadline() const {
  Instant next = kNever;
  for (const Delayed& one : delayed_) next = std::min(next, one.at);
  return next;
}

void LegacyInvitations::on_deadline(Instant now) {
  for (Delayed& one : delayed_) {
    if (one.at <= now) outbox_.push(std::move(one.text));
  }
  std::erase_if(delayed_, [&](const Delayed& one) { return one.at <= now; });
}

}  // namespace trestle::node
