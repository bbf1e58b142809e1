#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/wire/websocket/flaw.hpp"

namespace trestle::wire::websocket {

// The statuses that this codec sends or reports by itself (RFC 6455, section 7.4.1). A status is a
// plain number, because its users have ranges of their own (3000 to 4999).
inline constexpr std::uint16_t kNormalClosure = 1000;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNoStatus = 1005;         ///< Reported, never sent: an empty close.
inline constexpr std::uint16_t kAbnormalClosure = 1006;  ///< Reported, never sent: no close at all.
inline constexpr std::uint16_t kInvalidText = 1007;
inline constexpr std::uint16_t kPolicyViolation = 1008;
inline constexpr std::uint16_t kMessageTooLarge = 1009;

/// Whether a close frame may carry it: 1000 to 1003, 1007 to 1014, 3000 to 4999. 1004 to 1006 and
/// 1015 stand for something that is never sent; the rest below 3000 is reserved (7.4).
constexpr bool is_sendable(std::uint16_t status) {
  if (status >= 3000) return status <= 4999;
  return (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014);
}

inline constexpr std::size_t kControlPayloadBytesMax = 125;  ///< 5.5
inline constexpr std::size_t kCloseReasonBytesMax = kControlPayloadBytesMax - 2;

struct CloseNotice {
  std::uint16_t status = kNoStatus;
  std::string_view reason;  ///< UTF-8. Borrowed.
  friend bool operator==(const CloseNotice&, const CloseNotice&) = default;
};

/// The payload of a close frame (5.5.1): nothing, or a status that may be sent and a reason. The
/// notice borrows from the payload.
Result<CloseNotice, Flaw> read_close(ByteSpan payload);

/// The inverse; returns how many bytes of `out` it is. `notice.status` must be sendable, or
/// `kNoStatus` for an empty payload. A reason that is too long is cut between two characters; one
/// that is no UTF-8 is left out.
std::size_t write_close(const CloseNotice& notice,
                        std::span<std::uint8_t, kControlPayloadBytesMax> out);

}  // namespace trestle::wire::websocket
