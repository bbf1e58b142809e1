#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "trestle/base/histogram.hpp"
#include "trestle/link/backoff.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/peak_ewma.hpp"
#include "trestle/link/pinned_url.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/pool/bridge_ejection.hpp"
#include "trestle/pool/bridge_endpoint.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::pool {

/// A bridge said something on its own connection that wants no answer.
struct BridgeHeard {
  link::ConnectionId connection;
  wire::Contact bridge;
  wire::Message message;
};

/// The life of one bridge's place in the set: seven states, shown to operators as four (X11).
///
///                  dial            opened
///   disconnected ------> connecting ---> authenticating ---> ready <---> busy (asked to stay away
///        ^   ^               |                  |              |              for a while)
///        |   +---- backoff --+------------------+---- lost ----+---> idle (300 s without a
///        request; |                                                                  dialled on
///        demand)
///        +------- probed every 30 s -------- failed (5 attempts used up, or excluded for wrong
///                                                    credentials)
///
/// In stateless mode a bridge is greeted once (connect, prove, close) and then rests as idle:
/// requests make connections of their own. An attached bridge is ready from the start.
enum class BridgeState : std::uint8_t {
  disconnected,
  connecting,
  authenticating,
  ready,
  busy,
  idle,
  failed
};

/// The four public names: connected, connecting, disconnected, failed.
std::string_view public_name(BridgeState state);
/// The state's own name.
std::string_view name(BridgeState state);

/// What an operator is shown of one bridge. Counters never go back.
struct BridgeCounters {
  std::uint64_t connections_opened = 0;
  std::uint64_t requests = 0;
  std::uint64_t answers = 0;
  std::uint64_t busy_answers = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t failures = 0;
  std::uint64_t retries = 0;          ///< Of `requests`, those tried elsewhere before.
  std::uint64_t hedges = 0;           ///< Of `requests`, those under way elsewhere as well.
  std::uint64_t late_answers = 0;     ///< To nothing that waits: late, repeated, foreign, forged.
  std::uint64_t invalid_answers = 0;  ///< Of a type that does not belong to the request.
  Histogram request_time;  ///< From the attempt to its answer; unanswered ones are not in it.
  Histogram dial_time;     ///< From the order to dial to the proven link.
};

/// One bridge: exactly one connection, or none (P-BR-1). There is one field for a connection, so
/// two cannot be held.
struct BridgeSlot {
  BridgeSlot(BridgeEndpoint bridge, link::Backoff connect_backoff,
             const link::BreakerOptions& breaker_options)
      : endpoint(std::move(bridge)), backoff(connect_backoff), breaker(breaker_options) {}

  /// The candidate in use, or to be tried next.
  const std::string& url() const { return endpoint.urls[url_index]; }
  /// It proved who it is. Others are told the address that it advertises, never the candidate under
  /// which we happened to reach it: that one may be an internal name (X15). The candidate is all
  /// there is of a bridge that advertises nothing.
  void meet(const wire::Contact& met) {
    peer = met;
    if (peer.address.empty()) peer.address = link::without_pin(url());
  }

  BridgeState state = BridgeState::disconnected;
  /// Open, and its pings are answered.
  bool is_healthy = false;
  /// Kept out for bad answers (`usable_bridges`).
  bool is_ejected = false;
  /// Taken out of the settings: it gets nothing new and goes with its last request.
  bool is_leaving = false;
  /// Its connection is an inbound one, owned by the node.
  bool is_attached = false;
  /// Lost its place until the settings are reloaded, but for a slow probe (X5).
  bool is_excluded = false;
  /// Every attempt of its connect operation failed: it is probed.
  bool is_given_up = false;
  /// Its next dial may come early if it is needed: other bridges served when the wait was drawn.
  bool is_patient = false;
  /// The connection was open a moment ago and has not been dialled again yet.
  bool is_just_lost = false;
  /// At rest until the dial that is under way: whoever asks meanwhile waits for it.
  bool is_recalled = false;
  std::uint32_t in_flight = 0;
  /// Of these, on connections of their own, and of those not opened yet (stateless mode).
  std::uint32_t stateless_in_flight = 0;
  std::uint32_t stateless_opening = 0;
  /// Set while dialling, opening or open; unset in every other state.
  std::optional<link::ConnectionId> connection;
  Instant dial_at = kNever;
  Instant dialled_at{};
  Instant connected_at{};
  Instant last_request_at{};
  Instant stay_away_until{};
  BridgeEndpoint endpoint;
  std::size_t url_index = 0;
  /// The identity it proved; kept over a loss, so that the status can still name it.
  wire::Contact peer;
  link::Backoff backoff;
  link::Breaker breaker;
  link::PeakEwma answer_cost;
  BadAnswers bad_answers;
  BridgeCounters counters;
  /// Of connections and attempts; `none` until something failed.
  ErrorCode last_error = ErrorCode::none;
};

}  // namespace trestle::pool
