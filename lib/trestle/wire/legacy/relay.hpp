#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Relaying for peers behind symmetric NATs (protocol section 7). Payloads are opaque to a relay.
/// For `from` and `timestamp` see peer_link.hpp.
namespace trestle::wire::legacy {

/// Asks a relay for a session with `target_peer_id`.
struct RelayRequest {
  static constexpr std::string_view kType = "relay_request";
  NodeId target_peer_id;
  std::string session_id;
  /// P-256, as JWK.
  std::optional<RawJson> public_key;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("targetPeerId", self.target_peer_id);
    visit.required("sessionId", self.session_id);
    visit.optional("publicKey", self.public_key);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RelayRequest&, const RelayRequest&) = default;
};

/// Answer of a relay to `RelayRequest`.
struct RelayAck {
  static constexpr std::string_view kType = "relay_ack";
  std::string session_id;
  bool success = false;
  /// "not_relay_capable", "capacity_reached", "target_not_found", "timeout", ...
  std::optional<std::string> error;
  std::optional<RawJson> public_key;
  std::optional<RawJson> metadata;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("sessionId", self.session_id);
    visit.required("success", self.success);
    visit.lenient("error", self.error);
    visit.optional("publicKey", self.public_key);
    visit.optional("metadata", self.metadata);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RelayAck&, const RelayAck&) = default;
};

/// To a relay with `to`, from it with `from`.
struct RelayForward {
  static constexpr std::string_view kType = "relay_forward";
  std::optional<std::string> from;
  std::string session_id;
  std::optional<NodeId> to;
  RawJson payload;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("from", self.from);
    visit.required("sessionId", self.session_id);
    visit.optional("to", self.to);
    visit.required("payload", self.payload);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const RelayForward&, const RelayForward&) = default;
};

/// Ends a session; from either end or the relay.
struct RelayClose {
  static constexpr std::string_view kType = "relay_close";
  std::string session_id;
  /// "manual", "timeout", "peer_disconnected", "relay_disconnected", "path_upgrade", ...
  std::optional<std::string> reason;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("sessionId", self.session_id);
    visit.lenient("reason", self.reason);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RelayClose&, const RelayClose&) = default;
};

/// Measures the path through a relay.
struct RelayPing {
  static constexpr std::string_view kType = "relay_ping";
  std::string session_id;
  std::string ping_id;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("sessionId", self.session_id);
    visit.required("pingId", self.ping_id);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RelayPing&, const RelayPing&) = default;
};

/// Answer to `RelayPing`.
struct RelayPong {
  static constexpr std::string_view kType = "relay_pong";
  std::string session_id;
  std::string ping_id;
  /// The ping's.
  std::optional<std::int64_t> timestamp;
  std::optional<std::int64_t> responded_at;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("sessionId", self.session_id);
    visit.required("pingId", self.ping_id);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("respondedAt", self.responded_at);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RelayPong&, const RelayPong&) = default;
};

}  // namespace trestle::wire::legacy
