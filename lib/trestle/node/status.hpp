#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/histogram.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::node {

/// One live link to a peer.
struct PeerStatus {
  NodeId id{};
  wire::Role role = wire::Role::node;
  wire::Dialect dialect = wire::Dialect::native;
  std::string address;
  bool dialled_by_us = false;
  Duration connected_for{};
  /// Smoothed round trip of pings; zero if none was measured yet.
  Duration rtt{};
};

/// One member of a network that one enters by invitation, as a bridge knows it.
struct MemberStatus {
  NodeId id{};
  NodeId inviter{};  ///< Zero: a founder, or somebody whom this bridge does not remember.
  unsigned depth = 0;
  std::array<std::uint8_t, 16> invitation{};
  WallTime issued{};
  WallTime expires{};
  bool is_revoked = false;  ///< Itself, or with the branch it stands in.
  bool is_linked = false;
};

/// One slot of the bridge set.
struct BridgeSlotStatus {
  std::string url;
  NodeId id{};               ///< Zero until the bridge proved one.
  std::string_view state;    ///< connected, connecting, disconnected, failed (X11)
  std::string_view phase;    ///< Which of the seven internal states it is.
  std::string_view breaker;  ///< closed, open, half-open
  bool usable = false;       ///< A request made now could go to it.
  bool excluded = false;     ///< Refused our credentials, or is not what the settings say.
  bool attached = false;     ///< A bridge of the old system, asked on the socket that it opened.
  bool ejected = false;      ///< Left out for its invalid answers.
  bool leaving = false;      ///< Taken out of the settings; closes after its last answer.
  ErrorCode last_error = ErrorCode::none;  ///< Of its connection or of a request.
  Duration connected_for{};
  Duration last_request_ago{};  ///< Zero while not connected.
  Duration next_dial_in{};      ///< Zero when none is due.
  unsigned dial_attempts = 0;   ///< Of the connect operation under way.
  std::uint64_t breaker_opened = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t requests = 0;
  std::uint64_t answers = 0;
  std::uint64_t busy_answers = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t failures = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t retries = 0;          ///< Of `requests`, those tried at another bridge before.
  std::uint64_t hedges = 0;           ///< Of `requests`, those under way at another bridge as well.
  std::uint64_t late_answers = 0;     ///< To nothing that waits: late, repeated or foreign.
  std::uint64_t invalid_answers = 0;  ///< That cannot be an answer to their request.
  Histogram request_time;
  Histogram dial_time;
};

/// Somebody who stays out for a while for what it did.
struct BanStatus {
  std::string who;  ///< A proven id in hex digits, or an address.
  Duration left{};
};

/// One distribution of durations, as `room.name`.
struct NamedHistogram {
  std::string_view name;
  Histogram histogram;
};

/// A snapshot for operators: `/status` prints it as JSON, field by field under these names.
struct Status {
  std::string_view program;  ///< bootstrap-node, bridge-node, dht-node
  NodeId id{};
  std::string address;
  std::string_view state;  ///< starting, joining, joined, draining
  Duration uptime{};
  bool healthy = false;
  /// Why, in a few words. Empty where `healthy` needs no explanation.
  std::string_view readiness;
  std::vector<PeerStatus> peers;
  std::vector<BridgeSlotStatus> bridges;
  std::vector<BanStatus> bans;
  /// Every other figure as `room.name`, in the order of the rooms. Names are stable, monotonic
  /// counters end in `_total`.
  std::vector<std::pair<std::string_view, std::uint64_t>> counters;
  std::vector<NamedHistogram> histograms;
};

}  // namespace trestle::node
