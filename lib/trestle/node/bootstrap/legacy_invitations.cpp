// Invitations between JavaScript clients: asked for, passed on, and answered with each other's
// metadata (protocol of the old dialect, section 3.2).

#include <algorithm>
#include <utility>

#include "trestle/node/bootstrap/legacy_reception.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

void LegacyReception::on_request(Instant now, ConnectionId client,
                                 const legacy::SendInvitation& request) {
  const auto answer = [&](bool success, std::string text) {
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
    send(client, response);
  };
  const Client* inviter = clients_.find(client);
  const auto target = client_of(request.target_peer_id);
  if (inviter == nullptr) return answer(false, "Not registered");
  // Our bridges need no invitation; a genesis node of the old dialect waits for the answer all the
  // same.
  if (!target && is_known_bridge(request.target_peer_id)) {
    return answer(true, "Invitation sent to bridge node successfully");
  }
  if (!target) return answer(false, "Target peer not connected");
  std::erase_if(invitations_, [&](const Invitation& one) { return one.until <= now; });
  if (invitations_.size() >= options_.invitations_max)
    return answer(false, "Too many open invitations");
  invitations_.push_back(
      {inviter->contact.id, request.target_peer_id, after(now, options_.invitation_kept)});
  ++stats_.invitations_relayed;
  legacy::InvitationReceived invitation;
  invitation.from_peer = inviter->contact.id;
  invitation.invitation_token = request.invitation_token;
  invitation.websocket_coordination = request.websocket_coordination;
  invitation.message = "You have been invited to join the DHT network";
  send(*target, invitation);
  answer(true, "Invitation sent successfully");
}

/// Only an invitation that went through here is followed by metadata, and only on the connection of
/// the invited peer.
void LegacyReception::on_request(Instant now, ConnectionId client,
                                 const legacy::InvitationAccepted& accepted) {
  const Client* invitee = clients_.find(client);
  const auto inviter_client = client_of(accepted.to_peer);
  if (invitee == nullptr || !inviter_client) return;
  const auto invitation = std::ranges::find_if(invitations_, [&](const Invitation& one) {
    return one.inviter == accepted.to_peer && one.invitee == invitee->contact.id && one.until > now;
  });
  if (invitation == invitations_.end()) return;
  invitations_.erase(invitation);
  const wire::Contact& inviter = clients_.find(*inviter_client)->contact;
  const std::string invitation_id =
      inviter.id.to_hex() + "_" + invitee->contact.id.to_hex() + "_" + std::to_string(wall_ms(now));
  legacy::WebsocketPeerMetadata to_inviter;
  to_inviter.target_peer = invitee->contact.id;
  to_inviter.target_peer_metadata = legacy::metadata_of(invitee->contact);
  to_inviter.invitation_id = invitation_id;
  to_inviter.message = "Connect to invited peer using WebSocket (metadata provided)";
  legacy::WebsocketPeerMetadata to_invitee;
  to_invitee.from_peer = inviter.id;
  to_invitee.from_peer_metadata = legacy::metadata_of(inviter);
  to_invitee.invitation_id = invitation_id;
  to_invitee.message = "Inviter peer metadata - initiate connection if inviter is nodejs";
  send(*inviter_client, to_inviter);
  send(client, to_invitee);
}

/// A genesis node of the old dialect expects to be told to invite the bridges it was given.
void LegacyReception::ask_for_bridge_invitations(Instant now, ConnectionId client,
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
    send_later(after(now, options_.bridge_invitation_after), client, request);
  }
}

/// A helper that is a client of ours is asked to invite; a native one needs no asking, the newcomer
/// dials it.
void LegacyReception::ask_for_invitation(Instant now, const NodeId& helper,
                                         const NodeId& newcomer) {
  const auto client = client_of(helper);
  if (!client) return;
  legacy::SendInvitationRequest request;
  request.target_peer_id = newcomer;
  request.request_id =
      "invite_" + std::to_string(wall_ms(now)) + "_" + std::to_string(++last_invitation_);
  request.message = "Please invite this new peer to join the DHT network";
  send_later(after(now, options_.invitation_after), *client, request);
}

bool LegacyReception::is_known_bridge(const NodeId& id) const {
  return std::ranges::find(bridges_named_, id) != bridges_named_.end();
}

}  // namespace trestle::node
