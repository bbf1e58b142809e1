#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// The DHT's requests and answers on a peer link (protocol section 4.4). For `from` and `timestamp`
/// see peer_link.hpp.
namespace trestle::wire::legacy {

/// One entry of `nodes`. A wrong id makes a JavaScript peer discard the whole answer; here it
/// refuses the frame.
struct FoundNode {
  NodeId id;
  /// Own id or null; means nothing.
  std::optional<std::string> endpoint;
  std::optional<std::int64_t> last_seen;
  /// Always an empty list; the real ones are in the metadata.
  std::optional<RawJson> capabilities;
  std::optional<RawJson> metadata;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("id", self.id);
    visit.nullable("endpoint", self.endpoint);
    visit.lenient("lastSeen", self.last_seen);
    visit.optional("capabilities", self.capabilities);
    visit.optional("metadata", self.metadata);
  }
  friend bool operator==(const FoundNode&, const FoundNode&) = default;
};

/// A JavaScript responder hashes `target` as text and sorts by that: its answer is "some peers"
/// (protocol section 0.3).
struct FindNode {
  static constexpr std::string_view kType = "find_node";
  std::string request_id;
  /// Should be 40 hex digits; a JavaScript peer answers without it, too.
  std::optional<std::string> target;
  std::optional<NodeId> node_id;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.lenient("target", self.target);
    visit.lenient("nodeId", self.node_id);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const FindNode&, const FindNode&) = default;
};

/// At most 20, nearest first; may contain the asker itself, and peers that are gone.
struct FindNodeResponse {
  static constexpr std::string_view kType = "find_node_response";
  std::string request_id;
  std::vector<FoundNode> nodes;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("nodes", self.nodes);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const FindNodeResponse&, const FindNodeResponse&) = default;
};

/// Asks for a value by its key.
struct FindValue {
  static constexpr std::string_view kType = "find_value";
  std::string request_id;
  /// Text; its place is the SHA-1 of it.
  std::string key;
  std::optional<NodeId> node_id;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("key", self.key);
    visit.lenient("nodeId", self.node_id);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const FindValue&, const FindValue&) = default;
};

/// With `value` if found, else with `nodes`, here correctly nearest to the key.
struct FindValueResponse {
  static constexpr std::string_view kType = "find_value_response";
  std::string request_id;
  bool found = false;
  std::optional<RawJson> value;
  std::optional<std::vector<FoundNode>> nodes;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("found", self.found);
    visit.optional("value", self.value);
    visit.optional("nodes", self.nodes);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const FindValueResponse&, const FindValueResponse&) = default;
};

/// Asks to keep a value, any JSON. JavaScript peers check neither size nor owner.
struct Store {
  static constexpr std::string_view kType = "store";
  std::string request_id;
  std::string key;
  RawJson value;
  std::optional<NodeId> node_id;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("key", self.key);
    visit.required("value", self.value);
    visit.lenient("nodeId", self.node_id);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const Store&, const Store&) = default;
};

/// JavaScript nodes, and even bridges, always report success.
struct StoreResponse {
  static constexpr std::string_view kType = "store_response";
  std::string request_id;
  bool success = false;
  std::optional<std::string> error;
  std::optional<std::string> from;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("requestId", self.request_id);
    visit.required("success", self.success);
    visit.lenient("error", self.error);
    visit.lenient("from", self.from);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const StoreResponse&, const StoreResponse&) = default;
};

}  // namespace trestle::wire::legacy
