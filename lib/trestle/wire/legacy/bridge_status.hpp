#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// What a bridge tells a bootstrap node about itself, and asks it about others (protocol
/// section 3.5).
namespace trestle::wire::legacy {

/// The `bridge_health` of a `BridgeHealthUpdate`.
struct BridgeHealth {
  std::optional<bool> is_healthy;
  std::optional<bool> has_bootstrapped;
  std::optional<std::int64_t> connected_peers;
  std::optional<std::int64_t> routing_nodes;
  std::optional<std::int64_t> peak_peer_count;
  /// Milliseconds.
  std::optional<std::int64_t> uptime;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("isHealthy", self.is_healthy);
    visit.lenient("hasBootstrapped", self.has_bootstrapped);
    visit.lenient("connectedPeers", self.connected_peers);
    visit.lenient("routingNodes", self.routing_nodes);
    visit.lenient("peakPeerCount", self.peak_peer_count);
    visit.lenient("uptime", self.uptime);
  }
  friend bool operator==(const BridgeHealth&, const BridgeHealth&) = default;
};

/// At most one per 30 s; not answered.
struct BridgeHealthUpdate {
  static constexpr std::string_view kType = "bridge_health_update";
  NodeId bridge_node_id;
  /// A `BridgeHealth`.
  std::optional<RawJson> bridge_health;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("bridgeNodeId", self.bridge_node_id);
    visit.optional("bridgeHealth", self.bridge_health);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const BridgeHealthUpdate&, const BridgeHealthUpdate&) = default;
};

/// From a bridge that lost everybody.
struct GetConnectedClients {
  static constexpr std::string_view kType = "get_connected_clients";
  std::string request_id;
  std::optional<NodeId> bridge_node_id;
  std::optional<std::string> reason;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.optional("bridgeNodeId", self.bridge_node_id);
    visit.lenient("reason", self.reason);
  }
  friend bool operator==(const GetConnectedClients&, const GetConnectedClients&) = default;
};

/// Answer to `GetConnectedClients`; JavaScript bridges ignore it.
struct ConnectedClientsResponse {
  static constexpr std::string_view kType = "connected_clients_response";
  std::string request_id;
  bool success = false;
  /// A list of {nodeId, metadata}.
  std::optional<RawJson> clients;
  std::optional<std::int64_t> total_connected;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("success", self.success);
    visit.optional("clients", self.clients);
    visit.lenient("totalConnected", self.total_connected);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const ConnectedClientsResponse&,
                         const ConnectedClientsResponse&) = default;
};

}  // namespace trestle::wire::legacy
