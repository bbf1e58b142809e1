#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Frames between peers, DHT nodes and bridges (protocol section 4), apart from the DHT's own and
/// signalling.
///
/// Whatever a JavaScript peer sends through its connection manager ends with `from`, its own id,
/// and `timestamp`, the time of sending, which overwrites a `timestamp` the frame had. Not on
/// `DhtPeerHello` and `DhtPeerConnected`. Both are carried where they occur and decide nothing: who
/// sent a frame is known from its link. `from` stays text ("bootstrap_server", "unknown").
namespace trestle::wire::legacy {

/// First frame of the dialler, within 10 s.
struct DhtPeerHello {
  static constexpr std::string_view kType = "dht_peer_hello";
  NodeId peer_id;
  std::optional<RawJson> metadata;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("peerId", self.peer_id);
    visit.optional("metadata", self.metadata);
  }
  friend bool operator==(const DhtPeerHello&, const DhtPeerHello&) = default;
};

/// Answer of the acceptor.
struct DhtPeerConnected {
  static constexpr std::string_view kType = "dht_peer_connected";
  /// The acceptor's id, also when it is no bridge.
  NodeId bridge_node_id;
  std::optional<bool> success;
  std::optional<std::int64_t> timestamp;
  std::optional<RawJson> metadata;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.lenient("success", self.success);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("metadata", self.metadata);
  }
  friend bool operator==(const DhtPeerConnected&, const DhtPeerConnected&) = default;
};

/// Sent right after the handshake by both, then every 30 s; also between bootstrap and peer.
struct Ping {
  static constexpr std::string_view kType = "ping";
  std::optional<std::string> request_id;
  std::optional<std::int64_t> timestamp;
  std::optional<NodeId> node_id;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("requestId", self.request_id);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("nodeId", self.node_id);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const Ping&, const Ping&) = default;
};

/// Answer to `Ping`.
struct Pong {
  static constexpr std::string_view kType = "pong";
  std::optional<std::string> request_id;
  std::optional<std::int64_t> timestamp;
  /// The ping's.
  std::optional<std::int64_t> original_timestamp;
  /// Bit 0: the browser's tab is visible.
  std::optional<std::int64_t> meta_flags;
  std::optional<NodeId> node_id;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("requestId", self.request_id);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("originalTimestamp", self.original_timestamp);
    visit.lenient("metaFlags", self.meta_flags);
    visit.lenient("nodeId", self.node_id);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const Pong&, const Pong&) = default;
};

/// JavaScript peers answer it even when they are not the target.
struct PeerDiscoveryRequest {
  static constexpr std::string_view kType = "peer_discovery_request";
  std::string request_id;
  NodeId sender_peer;
  NodeId target_peer;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const PeerDiscoveryRequest&, const PeerDiscoveryRequest&) = default;
};

/// Answer to `PeerDiscoveryRequest`.
struct PeerDiscoveryResponse {
  static constexpr std::string_view kType = "peer_discovery_response";
  std::string request_id;
  NodeId sender_peer;
  NodeId target_peer;
  std::optional<bool> willing;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.lenient("willing", self.willing);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const PeerDiscoveryResponse&, const PeerDiscoveryResponse&) = default;
};

/// Bridge to helper: invite that newcomer. No reply; the helper sends `SendInvitation` to the
/// bootstrap.
struct CreateInvitationForPeer {
  static constexpr std::string_view kType = "create_invitation_for_peer";
  /// Who must act; not to be forwarded if that is somebody else.
  NodeId target_peer;
  /// The newcomer.
  NodeId target_node_id;
  std::optional<RawJson> target_node_metadata;
  std::optional<NodeId> from_bridge;
  std::optional<std::string> request_id;
  std::optional<std::int64_t> candidate_index;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeer", self.target_peer);
    visit.required("targetNodeId", self.target_node_id);
    visit.optional("targetNodeMetadata", self.target_node_metadata);
    visit.lenient("fromBridge", self.from_bridge);
    visit.optional("requestId", self.request_id);
    visit.lenient("candidateIndex", self.candidate_index);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const CreateInvitationForPeer&, const CreateInvitationForPeer&) = default;
};

/// To a helper, which passes the token to the bootstrap.
struct ForwardInvitation {
  static constexpr std::string_view kType = "forward_invitation";
  NodeId target_peer_id;
  RawJson invitation_token;
  std::optional<NodeId> from_bridge;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.required("invitationToken", self.invitation_token);
    visit.lenient("fromBridge", self.from_bridge);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const ForwardInvitation&, const ForwardInvitation&) = default;
};

/// Bridge to a connected node; no JavaScript bridge ever sends it.
struct MembershipTokenGranted {
  static constexpr std::string_view kType = "membership_token_granted";
  RawJson membership_token;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("membershipToken", self.membership_token);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const MembershipTokenGranted&, const MembershipTokenGranted&) = default;
};

}  // namespace trestle::wire::legacy
