#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/http/request.hpp"

namespace trestle::http {

/// A request and its answer, named by whoever asks; never used again on one connection.
struct ExchangeId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const ExchangeId&, const ExchangeId&) = default;
};

/// Why an exchange, or a connection, came to nothing.
enum class ExchangeFlaw : std::uint8_t {
  none,
  head,       ///< The answer's head is none of HTTP, or over a bound.
  framing,    ///< Nobody can tell where the answer's body ends.
  body,       ///< A body that breaks the rules of its framing.
  interim,    ///< Too many answers that are none (1xx), or a switch of protocols nobody asked for.
  cut_off,    ///< The connection ended in the middle.
  unasked,    ///< Bytes that answer nothing.
  reset,      ///< The server gave up this exchange alone (HTTP/2).
  protocol,   ///< The server broke the rules of HTTP/2.
  flooded,    ///< More frames that cost us something than an honest server sends (HTTP/2).
  cancelled,  ///< By us.
};

/// Whether the server may have done what it was asked. `untouched`: it says that it has not, or
/// nothing of the request has left; whatever the method, it can be asked again elsewhere.
enum class Doubt : std::uint8_t { untouched, may_have_acted };

/// The head of the answer, once for each exchange; interim answers are passed over.
struct HeadArrived {
  ExchangeId exchange;
  unsigned status = 0;
  std::vector<Field> fields;  ///< Names in lower case.
};

/// The next part of its body. Borrowed from the input, until the effects have been drained.
struct ContentArrived {
  ExchangeId exchange;
  ByteSpan content;
};

/// The end of the answer, and of the exchange.
struct AnswerEnded {
  ExchangeId exchange;
};

/// The other end of an exchange.
struct ExchangeFailed {
  ExchangeId exchange;
  ExchangeFlaw flaw = ExchangeFlaw::none;
  Doubt doubt = Doubt::may_have_acted;
};

/// More of the body of the request may be sent, of which a part was not taken before.
struct RoomMade {
  ExchangeId exchange;
};

/// No further exchange is taken. Those under way go on.
struct Retiring {};

/// The answer to a `ping` (HTTP/2).
struct PongArrived {};

/// An order, the last effect of all: end the transport as soon as the output has been written.
struct HangUp {
  ExchangeFlaw flaw = ExchangeFlaw::none;
};

using ClientEffect = std::variant<HeadArrived, ContentArrived, AnswerEnded, ExchangeFailed,
                                  RoomMade, Retiring, PongArrived, HangUp>;

/// Why an exchange was not begun.
enum class StartRefusal : std::uint8_t {
  malformed,  ///< `flaw_of` says what is wrong with the request.
  busy,       ///< As many are under way as may be.
  retiring,   ///< The connection takes no more.
};

}  // namespace trestle::http
