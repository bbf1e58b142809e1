#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/base/rate_account.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/websocket/close_status.hpp"
#include "trestle/wire/websocket/flaw.hpp"
#include "trestle/wire/websocket/frame_head.hpp"
#include "trestle/wire/websocket/utf8_check.hpp"

namespace trestle::wire::websocket {

/// Text is UTF-8, and the reader has looked.
enum class MessageKind : std::uint8_t { text, binary };

/// What a peer may make us buffer and do; all of it is looked at before a payload is buffered
/// (RFC 6455, section 10.4; reliability.md section 10, the column of proven peers).
struct ReaderLimits {
  /// One frame: closed with 1009 beyond it. No smaller than a message, because peers that do not
  /// fragment are the rule.
  std::size_t frame_bytes_max = std::size_t{256} * 1024;
  /// The fragments of one message together: 1009. The absolute bound of the protocol.
  std::size_t message_bytes_max = std::size_t{256} * 1024;
  /// Frames of one message: 1002. More is a way to keep us busy with nothing.
  std::size_t fragments_max = 64;
  /// Pings and pongs: 1008. Honest peers send one each half a minute; a second's worth at once is
  /// what has gathered while a link stood still.
  Pace controls = Pace::per_second(50, 50);
};

// What a reader finds. Payloads, texts and reasons are borrowed: they lie in the input or in the
// reader, until its next call.

struct MessageArrived {
  MessageKind kind = MessageKind::binary;
  ByteSpan payload;
};
struct PingArrived {
  ByteSpan payload;  ///< At most 125 bytes.
};
struct PongArrived {
  ByteSpan payload;  ///< At most 125 bytes.
};
/// The last thing that is found.
struct CloseArrived {
  CloseNotice notice;
};
/// Likewise.
struct ReadingFailed {
  Flaw flaw{};
};
using Arrival = std::variant<MessageArrived, PingArrived, PongArrived, CloseArrived, ReadingFailed>;

/// Bytes of a stream into messages (RFC 6455, section 5), whatever the pieces in which they come:
///
///     reader.on_bytes(now, input);
///     while (const auto arrival = reader.next()) { ... }   // until the input is used up
///
/// A message that lies whole and in one frame within the input is handed out where it lies, without
/// a copy: it is unmasked in place, which is why the input is writable. Only what is cut by the end
/// of the input, or by fragments, is gathered, in one buffer that never has more room than the
/// limits allow and never more than twice what is in it. Control frames between fragments are
/// handed out as they come.
class MessageReader {
 public:
  /// `sender` is the role of the other side.
  MessageReader(Role sender, const ReaderLimits& limits) : sender_(sender), limits_(limits) {}

  /// The input is borrowed until `next` has found nothing more in it, and changed. The input before
  /// must be used up. After a close or a flaw everything is ignored (1.4).
  void on_bytes(Instant now, std::span<std::uint8_t> input);
  std::optional<Arrival> next();

  /// In force from the next frame on: for owners that allow more to whom they know.
  void set_limits(const ReaderLimits& limits) { limits_ = limits; }

  /// Since when a message, or a frame, has begun and not ended; `kNever` if nothing has. For owners
  /// that cut peers who let bytes trickle.
  Instant incomplete_since() const { return incomplete_since_; }
  /// How much of that is there.
  std::size_t buffered_bytes() const { return message_.size() + head_bytes_ + control_bytes_; }
  /// Bytes of memory beside the reader itself.
  std::size_t storage_bytes() const { return message_.capacity(); }
  /// Gives back storage that nothing is in. For owners that look at idle connections.
  void release_storage();

 private:
  Arrival fail(Flaw flaw);
  void drop_delivered();
  Result<std::size_t, Flaw> take_head();
  std::optional<Flaw> begin_frame();
  std::optional<Flaw> begin_data_frame();
  std::span<std::uint8_t> take_payload();
  std::optional<Arrival> on_data(ByteSpan part);
  std::optional<Arrival> on_control(ByteSpan part);
  Arrival control_arrival(ByteSpan payload);
  void keep(ByteSpan part);

  Role sender_;
  ReaderLimits limits_;
  std::span<std::uint8_t> input_;
  Instant now_{};
  Instant incomplete_since_ = kNever;
  RateAccount controls_;
  bool is_over_ = false;

  // The frame at hand, and of its payload how many bytes came and how many are missing.
  bool is_in_frame_ = false;
  FrameHead frame_;
  std::uint64_t taken_ = 0;
  std::uint64_t missing_ = 0;

  // The message at hand. What is kept of it lies in `message_` until it has been delivered.
  bool is_in_message_ = false;
  bool is_delivered_ = false;
  MessageKind kind_ = MessageKind::binary;
  std::size_t fragments_ = 0;
  std::uint64_t message_bytes_ = 0;  ///< Announced by its frames so far.
  Utf8Check utf8_;
  Bytes message_;

  // What the end of an input has cut.
  std::array<std::uint8_t, kFrameHeadBytesMax> head_{};
  std::array<std::uint8_t, kControlPayloadBytesMax> control_{};
  std::uint8_t head_bytes_ = 0;
  std::uint8_t control_bytes_ = 0;
};

}  // namespace trestle::wire::websocket
