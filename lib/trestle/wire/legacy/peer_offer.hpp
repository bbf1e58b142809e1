#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/wire/legacy/raw_json.hpp"

/// Peers named by a bootstrap node (protocol section 3.1).
namespace trestle::wire::legacy {

/// A peer named in an answer. The id stays text: without a registered bridge the JavaScript
/// bootstrap invents ids such as "bridge_127_0_0_1_8083", which its clients skip; so must a reader
/// of this.
struct PeerEntry {
  std::string node_id;
  std::optional<RawJson> metadata;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("nodeId", self.node_id);
    visit.optional("metadata", self.metadata);
  }
  friend bool operator==(const PeerEntry&, const PeerEntry&) = default;
};

/// The `data` of the `Response` to `GetPeersOrGenesis`, and of the answer's several emergency
/// forms.
struct PeerOffer {
  std::vector<PeerEntry> peers;
  /// The asker is the first node.
  std::optional<bool> is_genesis;
  std::optional<bool> reconnecting;
  std::optional<RawJson> membership_token;
  /// Id of the member that was asked to invite.
  std::optional<RawJson> onboarding_helper;
  std::optional<bool> emergency_mode;
  std::optional<bool> emergency_recovery;
  /// "reconnection_peers", "emergency_direct_connect", "network_empty", ...
  std::optional<std::string> status;
  std::optional<std::string> message;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("peers", self.peers);
    visit.lenient("isGenesis", self.is_genesis);
    visit.lenient("reconnecting", self.reconnecting);
    visit.optional("membershipToken", self.membership_token);
    visit.optional("onboardingHelper", self.onboarding_helper);
    visit.lenient("emergencyMode", self.emergency_mode);
    visit.lenient("emergencyRecovery", self.emergency_recovery);
    visit.lenient("status", self.status);
    visit.lenient("message", self.message);
  }
  friend bool operator==(const PeerOffer&, const PeerOffer&) = default;
};

}  // namespace trestle::wire::legacy
