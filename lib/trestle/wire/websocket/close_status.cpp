#include "trestle/wire/websocket/close_status.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/websocket/utf8_check.hpp"

namespace trestle::wire::websocket {
namespace {

constexpr std::size_t kStatusBytes = 2;

std::string_view shortened(std::string_view reason) {
  if (!is_utf8(as_bytes(reason))) return {};
  if (reason.size() <= kCloseReasonBytesMax) return reason;
  std::size_t end = kCloseReasonBytesMax;  // No character is longer than four bytes.
  while ((static_cast<std::uint8_t>(reason[end]) & 0xc0) == 0x80) --end;
  return reason.substr(0, end);
}

}  // namespace

Result<CloseNotice, Flaw> read_close(ByteSpan payload) {
  if (payload.empty()) return CloseNotice{};
  if (payload.size() < kStatusBytes) return refuse(Flaw::half_status);
  const auto status = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  if (!is_sendable(status)) return refuse(Flaw::unsendable_status);
  const ByteSpan reason = payload.subspan(kStatusBytes);
  if (!is_utf8(reason)) return refuse(Flaw::reason_not_utf8);
  return CloseNotice{status, as_text(reason)};
}

std::size_t write_close(const CloseNotice& notice,
                        std::span<std::uint8_t, kControlPayloadBytesMax> out) {
  if (notice.status == kNoStatus) return 0;
  TRESTLE_ASSERT(is_sendable(notice.status));
  out[0] = static_cast<std::uint8_t>(notice.status >> 8);
  out[1] = static_cast<std::uint8_t>(notice.status);
  const ByteSpan reason = as_bytes(shortened(notice.reason));
  std::copy(reason.begin(), reason.end(), out.begin() + kStatusBytes);
  return kStatusBytes + reason.size();
}

}  // namespace trestle::wire::websocket
