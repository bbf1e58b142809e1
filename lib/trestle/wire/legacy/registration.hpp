#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/peer_offer.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Frames of the old dialect by which a peer registers at a bootstrap node and gets peers (protocol
/// section 3.1).
///
/// Each frame names its `type` and lists its members once, in the order in which the JavaScript
/// system writes them; decoder and encoder both follow that list. `required`: a frame without it,
/// or with another type of value, is refused. `optional`: may be absent or null. `lenient`: as
/// optional, and a value of another type counts as absent; used where nothing is decided by it.
/// `nullable`: always written, null when empty.
namespace trestle::wire::legacy {

/// First frame of a JavaScript client, 10 ms before its `register`. Answered by `Response`.
struct GetPeersOrGenesis {
  static constexpr std::string_view kType = "get_peers_or_genesis";
  std::optional<std::int64_t> max_peers;
  NodeId node_id;
  std::optional<RawJson> metadata;
  std::string request_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("maxPeers", self.max_peers);
    visit.required("nodeId", self.node_id);
    visit.optional("metadata", self.metadata);
    visit.required("requestId", self.request_id);
  }
  friend bool operator==(const GetPeersOrGenesis&, const GetPeersOrGenesis&) = default;
};

/// Answered by `Registered`; by `ReconnectionResult` if the top-level token is there; by
/// `VersionMismatch` and close 4001.
struct Register {
  static constexpr std::string_view kType = "register";
  /// Absent: close 1002 "Missing nodeId".
  std::optional<NodeId> node_id;
  /// Usually a string; what else it may be is judged by `judge_version`.
  std::optional<RawJson> protocol_version;
  std::optional<std::string> build_id;
  std::optional<std::int64_t> timestamp;
  std::optional<RawJson> metadata;
  std::optional<RawJson> membership_token;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("protocolVersion", self.protocol_version);
    visit.lenient("buildId", self.build_id);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("metadata", self.metadata);
    visit.optional("membershipToken", self.membership_token);
  }
  friend bool operator==(const Register&, const Register&) = default;
};

struct Registered {
  static constexpr std::string_view kType = "registered";
  NodeId node_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const Registered&, const Registered&) = default;
};

/// Generic answer of a bootstrap node. For `get_peers_or_genesis` `data` holds a `PeerOffer`.
struct Response {
  static constexpr std::string_view kType = "response";
  std::string request_id;
  bool success = false;
  std::optional<RawJson> data;
  std::optional<std::string> error;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("success", self.success);
    visit.optional("data", self.data);
    visit.lenient("error", self.error);
  }
  friend bool operator==(const Response&, const Response&) = default;
};

/// Why `register` was refused; the connection then closes with 4001. The client's values are absent
/// if it sent none.
struct VersionMismatch {
  static constexpr std::string_view kType = "version_mismatch";
  std::optional<RawJson> client_version;
  std::optional<std::string> client_build_id;
  std::string server_version;
  std::optional<std::string> server_build_id;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("clientVersion", self.client_version);
    visit.lenient("clientBuildId", self.client_build_id);
    visit.required("serverVersion", self.server_version);
    visit.lenient("serverBuildId", self.server_build_id);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const VersionMismatch&, const VersionMismatch&) = default;
};

/// Two spellings of the text exist; a JavaScript client reads only `error`. Never names the request
/// it answers.
struct Error {
  static constexpr std::string_view kType = "error";
  std::optional<std::string> error;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("error", self.error);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const Error&, const Error&) = default;
};

/// Answer to a `register` with a token (from a bootstrap node), and to `ValidateReconnection` (from
/// a bridge, with the request's id).
struct ReconnectionResult {
  static constexpr std::string_view kType = "reconnection_result";
  std::optional<NodeId> node_id;
  std::optional<std::string> request_id;
  bool success = false;
  std::optional<std::string> reason;
  std::optional<bool> fallback;
  std::optional<std::string> message;
  std::optional<std::int64_t> timestamp;
  std::optional<RawJson> network_fingerprint;
  std::optional<std::int64_t> active_peer_count;
  std::optional<std::int64_t> valid_announcement_count;
  std::optional<RawJson> selected_active_member;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("requestId", self.request_id);
    visit.required("success", self.success);
    visit.lenient("reason", self.reason);
    visit.lenient("fallback", self.fallback);
    visit.lenient("message", self.message);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("networkFingerprint", self.network_fingerprint);
    visit.lenient("activePeerCount", self.active_peer_count);
    visit.lenient("validAnnouncementCount", self.valid_announcement_count);
    visit.optional("selectedActiveMember", self.selected_active_member);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ReconnectionResult&, const ReconnectionResult&) = default;
};

/// Unsolicited peers: accepted by a JavaScript client at any time while it has no connection
/// (protocol section 3.7).
struct PeerList {
  static constexpr std::string_view kType = "peer_list";
  std::vector<PeerEntry> peers;
  std::optional<std::string> status;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("peers", self.peers);
    visit.lenient("status", self.status);
  }
  friend bool operator==(const PeerList&, const PeerList&) = default;
};

/// The other spelling of `PeerList`.
struct Peers {
  static constexpr std::string_view kType = "peers";
  std::vector<PeerEntry> peers;
  std::optional<std::string> status;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("peers", self.peers);
    visit.lenient("status", self.status);
  }
  friend bool operator==(const Peers&, const Peers&) = default;
};

}  // namespace trestle::wire::legacy
