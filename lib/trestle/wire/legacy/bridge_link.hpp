#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Frames between a bootstrap node and a bridge (protocol section 5).
namespace trestle::wire::legacy {

/// Bootstrap to bridge: name a member that will help this newcomer. A JavaScript bridge answers it
/// only on the connection it opened itself.
struct GetOnboardingPeer {
  static constexpr std::string_view kType = "get_onboarding_peer";
  std::string request_id;
  NodeId new_node_id;
  std::optional<RawJson> new_node_metadata;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("newNodeId", self.new_node_id);
    visit.optional("newNodeMetadata", self.new_node_metadata);
  }
  friend bool operator==(const GetOnboardingPeer&, const GetOnboardingPeer&) = default;
};

/// Bridge to bootstrap, within 10 s.
struct OnboardingPeerResponse {
  static constexpr std::string_view kType = "onboarding_peer_response";
  std::string request_id;
  bool success = false;
  /// An `OnboardingHelp` or an `OnboardingRefusal`.
  std::optional<RawJson> data;
  std::optional<std::string> error;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("success", self.success);
    visit.optional("data", self.data);
    visit.nullable("error", self.error);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const OnboardingPeerResponse&, const OnboardingPeerResponse&) = default;
};

/// `data` of a successful `OnboardingPeerResponse`.
struct OnboardingHelp {
  NodeId inviter_peer_id;
  std::optional<RawJson> inviter_metadata;
  std::optional<RawJson> membership_token;
  /// "invitation_request_sent_to_helper".
  std::optional<std::string> status;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("inviterPeerId", self.inviter_peer_id);
    visit.optional("inviterMetadata", self.inviter_metadata);
    visit.optional("membershipToken", self.membership_token);
    visit.lenient("status", self.status);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const OnboardingHelp&, const OnboardingHelp&) = default;
};

/// A peer in a `NetworkState`.
struct AvailablePeer {
  NodeId node_id;
  std::optional<RawJson> metadata;
  std::optional<bool> connected;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.optional("metadata", self.metadata);
    visit.lenient("connected", self.connected);
  }
  friend bool operator==(const AvailablePeer&, const AvailablePeer&) = default;
};

/// What a bridge knows when nobody can help.
struct NetworkState {
  std::optional<std::int64_t> connected_peer_count;
  std::optional<std::int64_t> routing_table_size;
  std::vector<AvailablePeer> available_peers;
  std::optional<NodeId> bridge_node_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("connectedPeerCount", self.connected_peer_count);
    visit.lenient("routingTableSize", self.routing_table_size);
    visit.required("availablePeers", self.available_peers);
    visit.optional("bridgeNodeId", self.bridge_node_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const NetworkState&, const NetworkState&) = default;
};

/// `data` of a failed `OnboardingPeerResponse`.
struct OnboardingRefusal {
  std::optional<bool> emergency_mode;
  /// A `NetworkState`.
  std::optional<RawJson> network_state;
  std::optional<std::string> reason;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("emergencyMode", self.emergency_mode);
    visit.optional("networkState", self.network_state);
    visit.lenient("reason", self.reason);
  }
  friend bool operator==(const OnboardingRefusal&, const OnboardingRefusal&) = default;
};

/// Only on the authenticated connection; anywhere else it ends a JavaScript bridge.
struct ConnectGenesisPeer {
  static constexpr std::string_view kType = "connect_genesis_peer";
  NodeId node_id;
  std::optional<RawJson> metadata;
  std::string request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.optional("metadata", self.metadata);
    visit.required("requestId", self.request_id);
  }
  friend bool operator==(const ConnectGenesisPeer&, const ConnectGenesisPeer&) = default;
};

/// Answer to `ConnectGenesisPeer`.
struct GenesisConnectionResult {
  static constexpr std::string_view kType = "genesis_connection_result";
  NodeId node_id;
  std::string request_id;
  bool success = false;
  std::optional<std::string> reason;
  std::optional<std::int64_t> timestamp;
  std::optional<NodeId> bridge_node_id;
  std::optional<RawJson> membership_token;
  /// Opaque; null in a bridge's first 30 s.
  std::optional<RawJson> network_fingerprint;
  std::optional<std::string> message;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.required("requestId", self.request_id);
    visit.required("success", self.success);
    visit.lenient("reason", self.reason);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("bridgeNodeId", self.bridge_node_id);
    visit.optional("membershipToken", self.membership_token);
    visit.optional("networkFingerprint", self.network_fingerprint);
    visit.lenient("message", self.message);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const GenesisConnectionResult&, const GenesisConnectionResult&) = default;
};

/// Only on the authenticated connection; anywhere else it ends a JavaScript bridge. Answered by
/// `ReconnectionResult`.
struct ValidateReconnection {
  static constexpr std::string_view kType = "validate_reconnection";
  NodeId node_id;
  std::optional<RawJson> membership_token;
  std::string request_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.optional("membershipToken", self.membership_token);
    visit.required("requestId", self.request_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const ValidateReconnection&, const ValidateReconnection&) = default;
};

/// Answer to `InvitationForBridge` on the authenticated connection.
struct BridgeInvitationAccepted {
  static constexpr std::string_view kType = "bridge_invitation_accepted";
  NodeId bridge_node_id;
  NodeId inviter_node_id;
  std::optional<std::string> bridge_server_address;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.required("inviterNodeId", self.inviter_node_id);
    visit.lenient("bridgeServerAddress", self.bridge_server_address);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const BridgeInvitationAccepted&,
                         const BridgeInvitationAccepted&) = default;
};

/// Answer to `InvitationForBridge` on the authenticated connection.
struct BridgeInvitationFailed {
  static constexpr std::string_view kType = "bridge_invitation_failed";
  NodeId bridge_node_id;
  std::optional<NodeId> inviter_node_id;
  std::optional<std::string> bridge_server_address;
  std::optional<std::string> reason;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.optional("inviterNodeId", self.inviter_node_id);
    visit.lenient("bridgeServerAddress", self.bridge_server_address);
    visit.lenient("reason", self.reason);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const BridgeInvitationFailed&, const BridgeInvitationFailed&) = default;
};

}  // namespace trestle::wire::legacy
