#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trestle::wire::websocket {

/// What a peer can do wrong once the connection is a WebSocket. Each one ends the connection
/// (RFC 6455, section 7.1.7).
enum class Flaw : std::uint8_t {
  reserved_bits,         ///< RSV1 to RSV3 without an extension that gives them a meaning (5.2).
  reserved_opcode,       ///< 3 to 7 and B to F (5.2).
  fragmented_control,    ///< A control frame without FIN (5.5).
  long_control,          ///< A control frame of more than 125 bytes (5.5).
  length_not_minimal,    ///< A length that fits into fewer bytes (5.2).
  length_out_of_bounds,  ///< A length with its highest bit set (5.2).
  not_masked,            ///< By a client (5.1).
  masked,                ///< By a server (5.1).
  stray_continuation,    ///< A continuation of nothing (5.4).
  nested_message,        ///< A new message inside a fragmented one (5.4).
  too_large,             ///< A frame, or the fragments of a message together (10.4).
  too_many_fragments,    ///< Of one message (10.4).
  too_many_controls,     ///< In so short a time (10.4).
  not_utf8,              ///< A text message (8.1).
  half_status,           ///< A close of one byte (5.5.1).
  unsendable_status,     ///< A close with a status that nobody may send (7.4).
  reason_not_utf8,       ///< A close whose reason is no text (5.5.1).
};

inline constexpr std::size_t kFlaws = 17;

/// The status of the close frame that answers it: 1002, 1007, 1008 or 1009 (7.4.1).
std::uint16_t status_of(Flaw flaw);
/// For the reason of that frame and for the log: ASCII, at most 123 bytes.
std::string_view sentence(Flaw flaw);

}  // namespace trestle::wire::websocket
