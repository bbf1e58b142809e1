#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Invitations (protocol section 3.2). Every one of them may arrive more than once.
namespace trestle::wire::legacy {

/// Bootstrap to helper: invite that newcomer.
struct SendInvitationRequest {
  static constexpr std::string_view kType = "send_invitation_request";
  NodeId target_peer_id;
  std::string request_id;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.required("requestId", self.request_id);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const SendInvitationRequest&, const SendInvitationRequest&) = default;
};

/// Helper to bootstrap; the JavaScript one ignores it.
struct InvitationSent {
  static constexpr std::string_view kType = "invitation_sent";
  NodeId target_peer_id;
  std::optional<std::string> request_id;
  std::optional<bool> success;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.optional("requestId", self.request_id);
    visit.lenient("success", self.success);
  }
  friend bool operator==(const InvitationSent&, const InvitationSent&) = default;
};

/// The `bridge_node_info` of a `BridgeInvitationRequest`.
struct BridgeNodeInfo {
  NodeId node_id;
  std::optional<std::string> node_type;
  /// From a JavaScript bootstrap always the constant ws://localhost:8083: not to be dialled.
  std::optional<std::string> listening_address;
  std::optional<RawJson> capabilities;
  std::optional<bool> is_bridge_node;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.lenient("nodeType", self.node_type);
    visit.lenient("listeningAddress", self.listening_address);
    visit.optional("capabilities", self.capabilities);
    visit.lenient("isBridgeNode", self.is_bridge_node);
  }
  friend bool operator==(const BridgeNodeInfo&, const BridgeNodeInfo&) = default;
};

/// Bootstrap to the genesis node: connect to that bridge.
struct BridgeInvitationRequest {
  static constexpr std::string_view kType = "bridge_invitation_request";
  NodeId target_peer_id;
  std::optional<RawJson> bridge_node_info;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.optional("bridgeNodeInfo", self.bridge_node_info);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const BridgeInvitationRequest&, const BridgeInvitationRequest&) = default;
};

/// Inviter to bootstrap; answered by `Response`.
struct SendInvitation {
  static constexpr std::string_view kType = "send_invitation";
  NodeId target_peer_id;
  RawJson invitation_token;
  NodeId inviter_node_id;
  std::optional<RawJson> websocket_coordination;
  std::string request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.required("invitationToken", self.invitation_token);
    visit.required("inviterNodeId", self.inviter_node_id);
    visit.optional("websocketCoordination", self.websocket_coordination);
    visit.required("requestId", self.request_id);
  }
  friend bool operator==(const SendInvitation&, const SendInvitation&) = default;
};

/// Bootstrap to invitee.
struct InvitationReceived {
  static constexpr std::string_view kType = "invitation_received";
  NodeId from_peer;
  RawJson invitation_token;
  std::optional<RawJson> websocket_coordination;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("fromPeer", self.from_peer);
    visit.required("invitationToken", self.invitation_token);
    visit.optional("websocketCoordination", self.websocket_coordination);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const InvitationReceived&, const InvitationReceived&) = default;
};

/// Invitee to bootstrap within a minute; not answered.
struct InvitationAccepted {
  static constexpr std::string_view kType = "invitation_accepted";
  /// The invitee itself.
  NodeId from_peer;
  /// The inviter.
  NodeId to_peer;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("fromPeer", self.from_peer);
    visit.required("toPeer", self.to_peer);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const InvitationAccepted&, const InvitationAccepted&) = default;
};

/// Bootstrap to both ends of an accepted invitation; both then dial. To the inviter with
/// `target_peer`, to the invitee with `from_peer`.
struct WebsocketPeerMetadata {
  static constexpr std::string_view kType = "websocket_peer_metadata";
  std::optional<NodeId> target_peer;
  std::optional<RawJson> target_peer_metadata;
  std::optional<NodeId> from_peer;
  std::optional<RawJson> from_peer_metadata;
  std::optional<std::string> invitation_id;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("targetPeer", self.target_peer);
    visit.optional("targetPeerMetadata", self.target_peer_metadata);
    visit.optional("fromPeer", self.from_peer);
    visit.optional("fromPeerMetadata", self.from_peer_metadata);
    visit.lenient("invitationId", self.invitation_id);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const WebsocketPeerMetadata&, const WebsocketPeerMetadata&) = default;
};

/// Bootstrap to the browser that begins.
struct WebrtcStartOffer {
  static constexpr std::string_view kType = "webrtc_start_offer";
  NodeId target_peer;
  std::optional<std::string> invitation_id;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeer", self.target_peer);
    visit.lenient("invitationId", self.invitation_id);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const WebrtcStartOffer&, const WebrtcStartOffer&) = default;
};

/// Bootstrap to the browser that waits.
struct WebrtcExpectOffer {
  static constexpr std::string_view kType = "webrtc_expect_offer";
  NodeId from_peer;
  std::optional<std::string> invitation_id;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("fromPeer", self.from_peer);
    visit.lenient("invitationId", self.invitation_id);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const WebrtcExpectOffer&, const WebrtcExpectOffer&) = default;
};

/// Ends a JavaScript bridge's process when sent over the connection which that bridge opened: never
/// send it there.
struct InvitationForBridge {
  static constexpr std::string_view kType = "invitation_for_bridge";
  NodeId target_peer_id;
  NodeId from_peer;
  RawJson invitation_token;
  std::optional<RawJson> websocket_coordination;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.required("fromPeer", self.from_peer);
    visit.required("invitationToken", self.invitation_token);
    visit.optional("websocketCoordination", self.websocket_coordination);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const InvitationForBridge&, const InvitationForBridge&) = default;
};

/// Known to JavaScript clients, not met in practice.
struct ConnectToBridge {
  static constexpr std::string_view kType = "connect_to_bridge";
  NodeId bridge_node_id;
  std::optional<std::string> bridge_server_address;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.lenient("bridgeServerAddress", self.bridge_server_address);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const ConnectToBridge&, const ConnectToBridge&) = default;
};

/// Known to JavaScript clients, not met in practice.
struct BridgeConnectionStatus {
  static constexpr std::string_view kType = "bridge_connection_status";
  NodeId bridge_node_id;
  /// "connected" or "failed".
  std::string status;
  std::optional<std::string> reason;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.required("status", self.status);
    visit.lenient("reason", self.reason);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const BridgeConnectionStatus&, const BridgeConnectionStatus&) = default;
};

}  // namespace trestle::wire::legacy
