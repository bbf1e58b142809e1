#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Signals, peers that look for each other, and statistics at a bootstrap node (protocol
/// section 3.5).
namespace trestle::wire::legacy {

/// Answered by `Response`, or by `Error` "Invalid signal forwarding request" if a part is missing.
struct ForwardSignal {
  static constexpr std::string_view kType = "forward_signal";
  std::optional<NodeId> from_peer;
  std::optional<NodeId> to_peer;
  std::optional<RawJson> signal;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("fromPeer", self.from_peer);
    visit.optional("toPeer", self.to_peer);
    visit.optional("signal", self.signal);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const ForwardSignal&, const ForwardSignal&) = default;
};

/// To a bootstrap node, and from it to the target.
struct Signal {
  static constexpr std::string_view kType = "signal";
  NodeId from_peer;
  std::optional<NodeId> to_peer;
  RawJson signal;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("fromPeer", self.from_peer);
    visit.optional("toPeer", self.to_peer);
    visit.required("signal", self.signal);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const Signal&, const Signal&) = default;
};

/// The target of a `Signal` is not connected.
struct SignalError {
  static constexpr std::string_view kType = "signal_error";
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("message", self.message);
  }
  friend bool operator==(const SignalError&, const SignalError&) = default;
};

/// Clients write `targetPeerId`, the JavaScript server reads `targetPeer`.
struct JoinPeer {
  static constexpr std::string_view kType = "join_peer";
  std::optional<NodeId> target_peer_id;
  std::optional<NodeId> target_peer;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("targetPeerId", self.target_peer_id);
    visit.optional("targetPeer", self.target_peer);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const JoinPeer&, const JoinPeer&) = default;
};

/// Answer to `JoinPeer`: the target is not connected.
struct JoinError {
  static constexpr std::string_view kType = "join_error";
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("message", self.message);
  }
  friend bool operator==(const JoinError&, const JoinError&) = default;
};

/// Answer to `JoinPeer` at the target: somebody looks for it.
struct PeerJoinRequest {
  static constexpr std::string_view kType = "peer_join_request";
  std::optional<NodeId> from_peer;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("fromPeer", self.from_peer);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const PeerJoinRequest&, const PeerJoinRequest&) = default;
};

/// Not answered.
struct AnnounceIndependent {
  static constexpr std::string_view kType = "announce_independent";
  std::optional<NodeId> node_id;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const AnnounceIndependent&, const AnnounceIndependent&) = default;
};

/// Not answered by a JavaScript bootstrap.
struct GetPeers {
  static constexpr std::string_view kType = "get_peers";
  std::optional<std::int64_t> max_peers;
  std::optional<NodeId> node_id;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("maxPeers", self.max_peers);
    visit.optional("nodeId", self.node_id);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const GetPeers&, const GetPeers&) = default;
};

/// Not answered by a JavaScript bootstrap.
struct LookupPeer {
  static constexpr std::string_view kType = "lookup_peer";
  std::optional<NodeId> target_peer_id;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("targetPeerId", self.target_peer_id);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const LookupPeer&, const LookupPeer&) = default;
};

/// Not answered by a JavaScript bootstrap.
struct WaitForPeer {
  static constexpr std::string_view kType = "wait_for_peer";
  std::optional<NodeId> target_peer_id;
  std::optional<std::string> request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("targetPeerId", self.target_peer_id);
    visit.optional("requestId", self.request_id);
  }
  friend bool operator==(const WaitForPeer&, const WaitForPeer&) = default;
};

/// Statistics; not answered.
struct ProfileUpdate {
  static constexpr std::string_view kType = "profile_update";
  std::optional<NodeId> node_id;
  std::optional<RawJson> connection_profile;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("connectionProfile", self.connection_profile);
  }
  friend bool operator==(const ProfileUpdate&, const ProfileUpdate&) = default;
};

/// Statistics; not answered.
struct ConnectionOutcome {
  static constexpr std::string_view kType = "connection_outcome";
  std::optional<NodeId> node_id;
  std::optional<bool> success;
  std::optional<std::string> connection_type;
  std::optional<std::string> local_nat_type;
  std::optional<std::string> remote_nat_type;
  std::optional<std::string> ice_candidate_type;
  std::optional<std::string> failure_reason;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.lenient("success", self.success);
    visit.lenient("connectionType", self.connection_type);
    visit.lenient("localNatType", self.local_nat_type);
    visit.lenient("remoteNatType", self.remote_nat_type);
    visit.lenient("iceCandidateType", self.ice_candidate_type);
    visit.lenient("failureReason", self.failure_reason);
  }
  friend bool operator==(const ConnectionOutcome&, const ConnectionOutcome&) = default;
};

}  // namespace trestle::wire::legacy
