#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/record.hpp"

namespace trestle::wire {

struct FindNodeRequest {
  NodeId target;
  friend bool operator==(const FindNodeRequest&, const FindNodeRequest&) = default;
};

/// The nearest contacts the answerer knows, nearest first, at most k = 20.
struct FindNodeResponse {
  Contacts contacts;
  friend bool operator==(const FindNodeResponse&, const FindNodeResponse&) = default;
};

struct FindValueRequest {
  std::string key;
  friend bool operator==(const FindValueRequest&, const FindValueRequest&) = default;
};

/// Either the record, or the nearest contacts.
struct FindValueResponse {
  bool found = false;
  Record record;
  Contacts contacts;
  friend bool operator==(const FindValueResponse&, const FindValueResponse&) = default;
};

struct StoreRequest {
  Record record;
  friend bool operator==(const StoreRequest&, const StoreRequest&) = default;
};

/// What became of a record that is kept now.
enum class StoreOutcome : std::uint8_t {
  stored = 1,     ///< New here, or newer than what was here.
  refreshed = 2,  ///< Was here already; it lives on.
};

/// The record is kept and was synced to the answerer's disk (design section 6). A refusal is a
/// `Failure`; one with OUTDATED means that the answerer has a newer version.
struct StoreResponse {
  StoreOutcome outcome = StoreOutcome::stored;
  friend bool operator==(const StoreResponse&, const StoreResponse&) = default;
};

// ---- replication among those who keep records (STORE-02, STORE-03)

/// The first half of a record's content digest: equal means equal content (SHA-256, truncated to
/// 128 bits).
using RecordDigest = std::array<std::uint8_t, 16>;

/// One record that its sender keeps, without the record.
struct ReplicaSummary {
  NodeId place;
  std::uint64_t version = 0;
  /// What is left of its life at the sender, in milliseconds.
  std::uint64_t left_ms = 0;
  RecordDigest digest{};
  friend bool operator==(const ReplicaSummary&, const ReplicaSummary&) = default;
};

/// "I keep these; do you?" What the answerer lacks is then sent with `StoreRequest`.
struct ReplicaOffer {
  std::vector<ReplicaSummary> records;
  /// The answerer is asked to spread them to the nodes nearest to each in turn (STORE-02).
  bool delegated = false;
  friend bool operator==(const ReplicaOffer&, const ReplicaOffer&) = default;
};

enum class ReplicaState : std::uint8_t {
  have = 1,      ///< The same content is here; its life was prolonged and its own refresh put off.
  need = 2,      ///< Not here: send it.
  mismatch = 3,  ///< Another, older content is here: send it.
  newer = 4,     ///< Something newer is here and will be offered to you.
  refused = 5,   ///< Not here and not wanted: full, or none of ours.
};

/// One state for each summary, in the order of the offer.
struct ReplicaAnswer {
  std::vector<ReplicaState> states;
  friend bool operator==(const ReplicaAnswer&, const ReplicaAnswer&) = default;
};

// ---- ways through other peers (LOOK-05, LOOK-07, MESH-01)

/// A request for a node to which the asker has no link, carried by one it has a link to. Each hop
/// hands it on to a peer that is strictly nearer to the destination, and the answer comes back
/// along the same links.
struct RouteRequest {
  NodeId destination;
  NodeId origin;
  /// Hops it may still take, the next one included.
  std::uint8_t hops_left = 0;
  /// One record of the native codec: the request, under the id that its answer is to carry.
  Bytes request;
  friend bool operator==(const RouteRequest&, const RouteRequest&) = default;
};

struct RouteResponse {
  /// One record of the native codec: the answer.
  Bytes answer;
  friend bool operator==(const RouteResponse&, const RouteResponse&) = default;
};

/// A lookup that the network carries out: each hop hands it on to a connected peer that is strictly
/// nearer to the target (P-KR-11, P-KR-12).
struct RecursiveFindRequest {
  NodeId target;
  /// Whose lookup it is: the budget of forwarded ones is counted by it.
  NodeId originator;
  /// Hops taken so far.
  std::uint32_t hop_count = 0;
  friend bool operator==(const RecursiveFindRequest&, const RecursiveFindRequest&) = default;
};

/// The nearest contacts that the last hop knows (P-KR-15).
struct RecursiveFindResponse {
  Contacts contacts;
  /// Hops the request had taken when it was answered.
  std::uint32_t hop_count = 0;
  friend bool operator==(const RecursiveFindResponse&, const RecursiveFindResponse&) = default;
};

/// A peer has joined the network and is linked to the sender (MESH-01). A hint, as every contact.
struct Announce {
  Contact peer;
  friend bool operator==(const Announce&, const Announce&) = default;
};

}  // namespace trestle::wire
