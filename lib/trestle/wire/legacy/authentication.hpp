#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"

/// Proofs of identity of browsers (protocol section 3.4), and of a bootstrap node towards a bridge
/// (5.2).
namespace trestle::wire::legacy {

/// From a bootstrap node to a peer whose metadata has a P-256 key.
struct AuthChallenge {
  static constexpr std::string_view kType = "auth_challenge";
  /// 64 hex digits.
  std::string nonce;
  std::int64_t timestamp = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nonce", self.nonce);
    visit.required("timestamp", self.timestamp);
  }
  friend bool operator==(const AuthChallenge&, const AuthChallenge&) = default;
};

/// Signature over the text nonce + ":" + the challenge's timestamp. A missing part is answered by
/// `AuthFailure` "Missing required authentication fields".
struct AuthResponse {
  static constexpr std::string_view kType = "auth_response";
  std::optional<NodeId> node_id;
  /// Hex of r then s, 64 bytes.
  std::optional<std::string> signature;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("signature", self.signature);
    visit.optional("timestamp", self.timestamp);
  }
  friend bool operator==(const AuthResponse&, const AuthResponse&) = default;
};

/// From a bootstrap node with `node_id` (3.4), or from a bridge with `bridge_node_id` and addresses
/// (5.2).
struct AuthSuccess {
  static constexpr std::string_view kType = "auth_success";
  std::optional<NodeId> node_id;
  std::optional<NodeId> bridge_node_id;
  std::optional<std::string> listening_address;
  std::optional<std::string> public_wss_address;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.optional("nodeId", self.node_id);
    visit.optional("bridgeNodeId", self.bridge_node_id);
    visit.lenient("listeningAddress", self.listening_address);
    visit.lenient("publicWssAddress", self.public_wss_address);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const AuthSuccess&, const AuthSuccess&) = default;
};

/// The connection stays open after it.
struct AuthFailure {
  static constexpr std::string_view kType = "auth_failure";
  std::optional<std::string> reason;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("reason", self.reason);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const AuthFailure&, const AuthFailure&) = default;
};

/// A bridge's refusal that JavaScript clients understand but no JavaScript bridge sends.
struct AuthFailed {
  static constexpr std::string_view kType = "auth_failed";
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("message", self.message);
  }
  friend bool operator==(const AuthFailed&, const AuthFailed&) = default;
};

/// First frame of a bootstrap node that dials a bridge. Carries the shared secret in clear: sent
/// only with the old dialect switched on, never logged.
struct BootstrapAuth {
  static constexpr std::string_view kType = "bootstrap_auth";
  std::string auth_token;
  std::optional<std::string> bootstrap_server;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("auth_token", self.auth_token);
    visit.lenient("bootstrapServer", self.bootstrap_server);
  }
  friend bool operator==(const BootstrapAuth&, const BootstrapAuth&) = default;
};

}  // namespace trestle::wire::legacy
