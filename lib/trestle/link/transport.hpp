#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/connection.hpp"

namespace trestle::link {

/// Which part of a node owns a connection. Kept in the id, so that an input finds its owner without
/// a table.
enum class ConnectionOwner : std::uint8_t { node = 0, pool = 1 };

/// Names one transport connection (or one attempt to make it) for its whole life; never used again
/// afterwards.
class ConnectionId {
 public:
  constexpr ConnectionId() = default;
  constexpr ConnectionId(ConnectionOwner owner, std::uint64_t serial)
      : value_(static_cast<std::uint64_t>(owner) << 56 | serial) {}

  constexpr ConnectionOwner owner() const { return static_cast<ConnectionOwner>(value_ >> 56); }
  constexpr std::uint64_t value() const { return value_; }
  friend constexpr auto operator<=>(const ConnectionId&, const ConnectionId&) = default;

 private:
  std::uint64_t value_ = 0;
};

/// Hands out ids for one owner.
class ConnectionIds {
 public:
  explicit ConnectionIds(ConnectionOwner owner) : owner_(owner) {}
  ConnectionId next() { return {owner_, ++last_}; }

 private:
  ConnectionOwner owner_;
  std::uint64_t last_ = 0;
};

/// A WebSocket frame's opcode. The first one tells the dialects apart: text is the old one, binary
/// is ours.
enum class FrameKind : std::uint8_t { text, binary };

/// WebSocket close codes we send (RFC 6455 section 7.4.1 and the private range).
enum class CloseStatus : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  too_large = 1009,
  refused = 4000,           ///< Ours: a `goodbye` or failure said why.
  version_mismatch = 4001,  ///< The old dialect's code for it.
  excess = 4002,            ///< Ours: over a limit that honest peers do not reach.
};

/// Names one order to sign or verify, on one connection.
struct Ticket {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const Ticket&, const Ticket&) = default;
};

// ---- orders to the driver

/// Open a WebSocket to `url`. Ends in `on_dialled` or `on_dial_failed`, exactly once, unless
/// `CloseTransport` comes first.
struct Dial {
  ConnectionId connection;
  std::string url;
  /// The driver gives up after this long and reports TIMEOUT.
  Duration timeout{};
};

/// Send one WebSocket frame, in order. The driver reports progress by `on_drained`.
struct SendFrame {
  ConnectionId connection;
  FrameKind kind = FrameKind::binary;
  Bytes bytes;
};

/// Close after everything already ordered was sent (the driver bounds that wait), or abandon a
/// dial. The connection's owner hears nothing more of it: no input follows this order.
struct CloseTransport {
  ConnectionId connection;
  CloseStatus status = CloseStatus::normal;
  std::string reason;
};

/// Sign with our identity key; answered by `on_signed`.
struct Sign {
  ConnectionId connection;
  Ticket ticket;
  Bytes message;
};

/// Check a signature; answered by `on_verified`, possibly late and out of order.
struct Verify {
  ConnectionId connection;
  Ticket ticket;
  wire::PublicKey key;
  Bytes message;
  wire::Signature signature;
};

using TransportOrder = std::variant<Dial, SendFrame, CloseTransport, Sign, Verify>;

/// What the driver knows about an inbound connection.
struct Accepted {
  /// Textual IP address of the peer, canonical (IPv4-mapped addresses as IPv4), for per-address
  /// limits.
  std::string remote_address;
};

}  // namespace trestle::link
