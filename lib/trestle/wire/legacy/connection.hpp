#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Frames by which two peers that cannot dial each other arrange a connection, handed on by others
/// (protocol section 4.4). For `from` and `timestamp` see peer_link.hpp.
namespace trestle::wire::legacy {

/// Please call me. JavaScript peers write the description inside `connection_info` and read it at
/// the top level, so that their own requests fail; ours does both.
struct ConnectionRequest {
  static constexpr std::string_view kType = "connection_request";
  NodeId sender_peer;
  NodeId target_peer;
  std::optional<RawJson> connection_info;
  std::optional<std::string> node_type;
  std::optional<std::string> listening_address;
  std::optional<RawJson> capabilities;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.optional("connectionInfo", self.connection_info);
    visit.lenient("nodeType", self.node_type);
    visit.lenient("listeningAddress", self.listening_address);
    visit.optional("capabilities", self.capabilities);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ConnectionRequest&, const ConnectionRequest&) = default;
};

/// Answer to `ConnectionRequest`.
struct ConnectionResponse {
  static constexpr std::string_view kType = "connection_response";
  NodeId sender_peer;
  NodeId target_peer;
  bool success = false;
  std::optional<std::string> error;
  std::optional<std::string> node_type;
  std::optional<std::string> listening_address;
  std::optional<RawJson> capabilities;
  std::optional<std::int64_t> timestamp;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.required("success", self.success);
    visit.lenient("error", self.error);
    visit.lenient("nodeType", self.node_type);
    visit.lenient("listeningAddress", self.listening_address);
    visit.optional("capabilities", self.capabilities);
    visit.lenient("timestamp", self.timestamp);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ConnectionResponse&, const ConnectionResponse&) = default;
};

/// WebRTC offer of a browser.
struct ConnectionOffer {
  static constexpr std::string_view kType = "connection_offer";
  NodeId sender_peer;
  NodeId target_peer;
  RawJson offer;
  std::optional<std::int64_t> timestamp;
  /// Who forwarded it so far, at most 4; a repeat is dropped.
  std::optional<std::vector<NodeId>> hops;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.required("offer", self.offer);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("hops", self.hops);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ConnectionOffer&, const ConnectionOffer&) = default;
};

/// WebRTC answer of a browser.
struct ConnectionAnswer {
  static constexpr std::string_view kType = "connection_answer";
  NodeId sender_peer;
  NodeId target_peer;
  RawJson answer;
  std::optional<std::int64_t> timestamp;
  /// Who forwarded it so far, at most 4; a repeat is dropped.
  std::optional<std::vector<NodeId>> hops;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.required("answer", self.answer);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("hops", self.hops);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ConnectionAnswer&, const ConnectionAnswer&) = default;
};

/// One ICE candidate of a browser.
struct ConnectionCandidate {
  static constexpr std::string_view kType = "connection_candidate";
  NodeId sender_peer;
  NodeId target_peer;
  RawJson candidate;
  std::optional<std::int64_t> timestamp;
  /// Who forwarded it so far, at most 4; a repeat is dropped.
  std::optional<std::vector<NodeId>> hops;
  std::optional<std::string> from;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("senderPeer", self.sender_peer);
    visit.required("targetPeer", self.target_peer);
    visit.required("candidate", self.candidate);
    visit.lenient("timestamp", self.timestamp);
    visit.optional("hops", self.hops);
    visit.lenient("from", self.from);
  }
  friend bool operator==(const ConnectionCandidate&, const ConnectionCandidate&) = default;
};

}  // namespace trestle::wire::legacy
