#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "trestle/base/histogram.hpp"
#include "trestle/link/backoff.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::pool {

/// The life of one bridge's place in the set: seven states, shown to operators as four (X11).
///
///                 dial            opened
///   disconnected ------> connecting ---> authenticating ---> ready <---> busy (asked to stay away
///   for a while)
///        ^   ^               |                  |              |
///        |   +---- backoff --+------------------+---- lost ----+---> idle (300 s without a
///        request; dialled on demand) |                                      |
///        +------- probed every 30 s -------- failed (5 attempts used up, or excluded for wrong
///        credentials)
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
  Histogram request_time;  ///< From the frame to the answer; unanswered attempts are not in it.
  Histogram dial_time;     ///< From the order to dial to the proven link.
};

/// One bridge: exactly one connection, or none (P-BR-1). There is one field for a connection, so
/// two cannot be held.
struct BridgeSlot {
  BridgeSlot(std::string bridge_url, link::Backoff connect_backoff,
             const link::BreakerOptions& breaker_options)
      : url(std::move(bridge_url)), backoff(connect_backoff), breaker(breaker_options) {}

  std::string url;
  BridgeState state = BridgeState::disconnected;
  /// Set while dialling, opening or open; unset in every other state.
  std::optional<link::ConnectionId> connection;
  /// The identity it proved; kept over a loss, so that the status can still name it.
  wire::Contact peer;
  link::Backoff backoff;
  link::Breaker breaker;
  Instant dial_at = kNever;
  Instant dialled_at{};
  Instant connected_at{};
  Instant last_request_at{};
  Instant stay_away_until{};
  /// Lost its place until the settings are reloaded, but for a slow probe (X5).
  bool is_excluded = false;
  std::uint32_t in_flight = 0;
  BridgeCounters counters;
};

}  // namespace trestle::pool
