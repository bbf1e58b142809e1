#include "trestle/wire/websocket/frame_head.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/websocket/close_status.hpp"

namespace trestle::wire::websocket {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kTwoBytes = 126;
constexpr std::uint8_t kEightBytes = 127;
constexpr std::uint64_t kHighestBit = std::uint64_t{1} << 63;

constexpr bool is_known(std::uint8_t opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xa);
}

}  // namespace

Result<std::size_t, Flaw> read_head(ByteSpan bytes, Role sender, FrameHead& head) {
  if (bytes.empty()) return 0;
  const std::uint8_t first = bytes[0];
  if ((first & kReserved) != 0) return refuse(Flaw::reserved_bits);
  if (!is_known(first & kOpcode)) return refuse(Flaw::reserved_opcode);
  head.opcode = static_cast<Opcode>(first & kOpcode);
  head.is_final = (first & kFinal) != 0;
  if (is_control(head.opcode) && !head.is_final) return refuse(Flaw::fragmented_control);
  if (bytes.size() < 2) return 0;
  const std::uint8_t second = bytes[1];
  head.is_masked = (second & kMasked) != 0;
  if (head.is_masked != (sender == Role::client)) {
    return refuse(head.is_masked ? Flaw::masked : Flaw::not_masked);
  }
  const std::uint8_t length = second & kLength;
  if (is_control(head.opcode) && length > kControlPayloadBytesMax) {
    return refuse(Flaw::long_control);
  }
  head.payload_bytes = length;
  std::size_t size = 2;
  if (length >= kTwoBytes) {
    size += length == kTwoBytes ? 2 : 8;
    if (bytes.size() < size) return 0;
    head.payload_bytes = 0;
    for (std::size_t index = 2; index < size; ++index) {
      head.payload_bytes = head.payload_bytes << 8 | bytes[index];
    }
    if ((head.payload_bytes & kHighestBit) != 0) return refuse(Flaw::length_out_of_bounds);
    const std::uint64_t least = length == kTwoBytes ? kTwoBytes : 0x10000;
    if (head.payload_bytes < least) return refuse(Flaw::length_not_minimal);
  }
  if (!head.is_masked) return size;
  if (bytes.size() < size + head.mask.size()) return 0;
  for (std::size_t index = 0; index < head.mask.size(); ++index) {
    head.mask[index] = bytes[size + index];
  }
  return size + head.mask.size();
}

std::size_t write_head(const FrameHead& head, std::span<std::uint8_t, kFrameHeadBytesMax> out) {
  TRESTLE_ASSERT(head.payload_bytes < kHighestBit);
  TRESTLE_ASSERT(!is_control(head.opcode) ||
                 (head.is_final && head.payload_bytes <= kControlPayloadBytesMax));
  out[0] = static_cast<std::uint8_t>((head.is_final ? kFinal : 0) |
                                     static_cast<std::uint8_t>(head.opcode));
  const std::uint8_t mask_bit = head.is_masked ? kMasked : 0;
  std::size_t length_bytes = 0;
  if (head.payload_bytes < kTwoBytes) {
    out[1] = static_cast<std::uint8_t>(mask_bit | head.payload_bytes);
  } else {
    length_bytes = head.payload_bytes <= 0xffff ? 2 : 8;
    out[1] = static_cast<std::uint8_t>(mask_bit | (length_bytes == 2 ? kTwoBytes : kEightBytes));
  }
  for (std::size_t index = 0; index < length_bytes; ++index) {
    const std::size_t shift = 8 * (length_bytes - 1 - index);
    out[2 + index] = static_cast<std::uint8_t>(head.payload_bytes >> shift);
  }
  const std::size_t size = 2 + length_bytes;
  if (!head.is_masked) return size;
  std::copy(head.mask.begin(), head.mask.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
  return size + head.mask.size();
}

}  // namespace trestle::wire::websocket
