#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Messages for a peer one is not connected to, by way of another (protocol section 4.4). A
/// JavaScript hop drops them unless it is the destination; ours hands them on. For `from` and
/// `timestamp` see peer_link.hpp.
namespace trestle::wire::legacy {

/// The envelope a hop reads.
struct OverlayRoutedMessage {
  static constexpr std::string_view kType = "overlay_routed_message";
  std::string message_id;
  NodeId source;
  NodeId destination;
  /// Always empty in practice.
  std::optional<std::vector<NodeId>> route;
  /// A `RoutedDhtRequest` or `RoutedDhtResponse`, with its `type`.
  RawJson payload;
  /// Hops left.
  std::int64_t ttl = 0;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("messageId", self.message_id);
    visit.required("source", self.source);
    visit.required("destination", self.destination);
    visit.optional("route", self.route);
    visit.required("payload", self.payload);
    visit.required("ttl", self.ttl);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const OverlayRoutedMessage&, const OverlayRoutedMessage&) = default;
};

/// A request inside an envelope.
struct RoutedDhtRequest {
  static constexpr std::string_view kType = "routed_dht_request";
  std::string request_id;
  NodeId source;
  NodeId destination;
  /// A `FindNode` or `Ping`, with its `type`.
  RawJson payload;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("source", self.source);
    visit.required("destination", self.destination);
    visit.required("payload", self.payload);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RoutedDhtRequest&, const RoutedDhtRequest&) = default;
};

/// A JavaScript requester drops the bare form: answer wrapped in an `OverlayRoutedMessage`.
struct RoutedDhtResponse {
  static constexpr std::string_view kType = "routed_dht_response";
  std::string request_id;
  NodeId source;
  NodeId destination;
  RawJson payload;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("source", self.source);
    visit.required("destination", self.destination);
    visit.required("payload", self.payload);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const RoutedDhtResponse&, const RoutedDhtResponse&) = default;
};

}  // namespace trestle::wire::legacy
