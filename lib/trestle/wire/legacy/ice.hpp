#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

/// Coordination of two peers' attempts through their NATs at a bootstrap node (protocol
/// section 3.5). The JavaScript server always answers "Not registered"; for frames that it never
/// sends, only the members known from its source are listed.
namespace trestle::wire::legacy {

/// A peer is ready to try `target`.
struct IceCoordinate {
  static constexpr std::string_view kType = "ice_coordinate";
  NodeId target;
  std::optional<RawJson> candidates;
  std::optional<RawJson> profile;
  std::string session_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("target", self.target);
    visit.optional("candidates", self.candidates);
    visit.optional("profile", self.profile);
    visit.required("sessionId", self.session_id);
  }
  friend bool operator==(const IceCoordinate&, const IceCoordinate&) = default;
};

/// Refusal of `IceCoordinate`.
struct IceCoordinateError {
  static constexpr std::string_view kType = "ice_coordinate_error";
  std::optional<std::string> error;
  std::optional<std::string> session_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("error", self.error);
    visit.lenient("sessionId", self.session_id);
  }
  friend bool operator==(const IceCoordinateError&, const IceCoordinateError&) = default;
};

/// The other peer has not asked yet.
struct IceCoordinatePending {
  static constexpr std::string_view kType = "ice_coordinate_pending";
  std::optional<std::string> session_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const IceCoordinatePending&, const IceCoordinatePending&) = default;
};

/// After 10 s without the other peer.
struct IceCoordinateTimeout {
  static constexpr std::string_view kType = "ice_coordinate_timeout";
  std::optional<std::string> session_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const IceCoordinateTimeout&, const IceCoordinateTimeout&) = default;
};

/// To both peers at once.
struct IceStart {
  static constexpr std::string_view kType = "ice_start";
  std::string session_id;
  /// When to begin.
  std::optional<std::int64_t> timestamp;
  NodeId peer;
  std::optional<RawJson> peer_candidates;
  std::optional<RawJson> peer_profile;
  std::optional<bool> hard_nat_pair;
  std::optional<bool> should_attempt_coordinated_restart;
  /// A fraction, 0 to 1.
  std::optional<RawJson> estimated_success_rate;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
    visit.required("peer", self.peer);
    visit.optional("peerCandidates", self.peer_candidates);
    visit.optional("peerProfile", self.peer_profile);
    visit.lenient("hardNatPair", self.hard_nat_pair);
    visit.lenient("shouldAttemptCoordinatedRestart", self.should_attempt_coordinated_restart);
    visit.optional("estimatedSuccessRate", self.estimated_success_rate);
  }
  friend bool operator==(const IceStart&, const IceStart&) = default;
};

/// A peer wants to restart ICE with `target`.
struct IceRestartCoordinate {
  static constexpr std::string_view kType = "ice_restart_coordinate";
  NodeId target;
  std::optional<RawJson> profile;
  /// What the JavaScript server reads instead of `profile`.
  std::optional<RawJson> my_profile;
  std::string session_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.required("target", self.target);
    visit.optional("profile", self.profile);
    visit.optional("myProfile", self.my_profile);
    visit.required("sessionId", self.session_id);
  }
  friend bool operator==(const IceRestartCoordinate&, const IceRestartCoordinate&) = default;
};

/// Refusal of `IceRestartCoordinate`.
struct IceRestartError {
  static constexpr std::string_view kType = "ice_restart_error";
  std::optional<std::string> error;
  std::optional<std::string> session_id;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("error", self.error);
    visit.lenient("sessionId", self.session_id);
  }
  friend bool operator==(const IceRestartError&, const IceRestartError&) = default;
};

/// The other peer has not asked yet.
struct IceRestartPending {
  static constexpr std::string_view kType = "ice_restart_pending";
  std::optional<std::string> session_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const IceRestartPending&, const IceRestartPending&) = default;
};

/// To both peers: restart now.
struct IceRestartGo {
  static constexpr std::string_view kType = "ice_restart_go";
  std::optional<std::string> session_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const IceRestartGo&, const IceRestartGo&) = default;
};

/// The other peer did not ask in time.
struct IceRestartTimeout {
  static constexpr std::string_view kType = "ice_restart_timeout";
  std::optional<std::string> session_id;
  std::optional<std::int64_t> timestamp;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit.lenient("sessionId", self.session_id);
    visit.lenient("timestamp", self.timestamp);
  }
  friend bool operator==(const IceRestartTimeout&, const IceRestartTimeout&) = default;
};

}  // namespace trestle::wire::legacy
