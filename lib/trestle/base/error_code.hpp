#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace trestle::inline base {

/// Every reason for which a request or a connection may fail, on the wire and in the logs. The
/// enumeration is closed: a new failure gets a new member here and in `docs/protocol.md`, never a
/// free text (RECOV-07, P-CR-5). The numbers are the wire's.
enum class ErrorCode : std::uint8_t {
  none = 0,
  rate_limited = 1,           ///< Ask again after the stated wait.
  already_processed = 2,      ///< This request id was answered before.
  invalid_request = 3,        ///< Well-formed bytes, senseless content.
  timeout = 4,                ///< No answer in time.
  refused = 5,                ///< The peer said no: connection refused, or a policy.
  unreachable = 6,            ///< No route, no name, no such host.
  bridge_unavailable = 7,     ///< No bridge can answer and no live peer is known.
  bootstrap_failed = 8,       ///< No bootstrap endpoint could be used.
  invalid_token = 9,          ///< Malformed, expired or forged.
  unauthorized = 10,          ///< Proof of identity or of the shared secret failed.
  busy = 11,                  ///< Overloaded: ask again after the stated wait, or elsewhere.
  not_found = 12,             ///< The key or the peer is unknown.
  too_large = 13,             ///< Over a size limit.
  protocol_error = 14,        ///< Bytes that do not follow docs/protocol.md.
  version_mismatch = 15,      ///< No common protocol version.
  wrong_network = 16,         ///< The peer belongs to another network.
  duplicate_connection = 17,  ///< Another link to the same identity is kept (P-CR-20).
  slow_reader = 18,           ///< The peer did not read what it asked for.
  shutting_down = 19,         ///< Going away; the request was not begun.
  cancelled = 20,             ///< Withdrawn by its owner.
  connection_lost = 21,       ///< The connection ended before the answer.
  data_refused = 22,          ///< A bridge keeps no data (BRIDGE-11).
  idle = 23,                  ///< Closed because nothing was asked for a while.
  store_full = 24,            ///< A quota is reached; nothing stored is evicted for it.
  unsupported = 25,           ///< Understood, not offered here.
  outdated = 26,              ///< A newer version of the record is kept.
  storage_failed = 27,        ///< The disk did not take it; the node keeps nothing new.
};

inline constexpr std::uint8_t kErrorCodeMax = static_cast<std::uint8_t>(ErrorCode::storage_failed);

/// The upper-case name used on the wire of the old dialect, in logs and in JSON:
/// `BRIDGE_UNAVAILABLE`.
std::string_view name(ErrorCode code);

/// The code with that number, or nothing if there is none.
std::optional<ErrorCode> error_code_from_number(std::uint64_t number);

}  // namespace trestle::inline base
