#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/wire/websocket/flaw.hpp"
#include "trestle/wire/websocket/mask.hpp"

namespace trestle::wire::websocket {

/// Which end of the connection: clients mask what they send, servers do not (RFC 6455, 5.1).
enum class Role : std::uint8_t { client, server };

/// 5.2; every other number is reserved.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

constexpr bool is_control(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }

/// What stands in front of a frame's payload (5.2):
///
///     byte 0           1                2 ...
///     +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - +- - - - - -+
///     |F|R|R|R|opcode |M|    length   | length in 2 or 8 bytes |  mask key |
///     |I|S|S|S|       |A|  0..125:    | if those 7 bits say    |  4 bytes  |
///     |N|V|V|V|       |S|  that is it | 126 or 127             |  if MASK  |
///     +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - +- - - - - -+
struct FrameHead {
  Opcode opcode = Opcode::binary;
  bool is_final = true;  ///< FIN: the only or the last frame of its message.
  bool is_masked = false;
  MaskKey mask{};
  std::uint64_t payload_bytes = 0;  ///< At most 2^63 - 1.
  friend bool operator==(const FrameHead&, const FrameHead&) = default;
};

inline constexpr std::size_t kFrameHeadBytesMax = 14;

/// Reads a head from the front of `bytes` into `head`, as sent by `sender`. The result is its size;
/// 0 if more bytes are needed, `head` is then unspecified. A flaw is found at the first byte
/// that makes it certain, so that it does not depend on how many follow. Whether a frame may come
/// at this place, and how long it may be, is not decided here.
Result<std::size_t, Flaw> read_head(ByteSpan bytes, Role sender, FrameHead& head);

/// The exact size of a head in front of so many bytes.
constexpr std::size_t head_bytes(Role sender, std::uint64_t payload_bytes) {
  const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes <= 0xffff ? 2 : 8;
  return 2 + length_bytes + (sender == Role::client ? 4 : 0);
}

/// Writes a head, with its length in minimal form, and returns its size. A control frame must be
/// final and have at most 125 bytes.
std::size_t write_head(const FrameHead& head, std::span<std::uint8_t, kFrameHeadBytesMax> out);

}  // namespace trestle::wire::websocket
