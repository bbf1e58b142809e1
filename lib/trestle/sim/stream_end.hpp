#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/sim/line_cipher.hpp"
#include "trestle/wire/websocket/client_upgrade.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"

namespace trestle::sim {

struct StreamOptions {
  /// As a transport has it for peers that have proven themselves.
  wire::websocket::ConnectionOptions codec;
  /// What is handed to the codec at a time, a frame that is larger by itself excepted, as the raw
  /// transport does.
  std::size_t batch_bytes_max = std::size_t{64} * 1024;
  /// From being connected to a whole request, for who accepts. The bound of who dials is its own.
  Duration request_within = std::chrono::seconds(10);
  /// From the first word of a close to the end of everything, for what cannot leave. The codec's
  /// own bound is shorter, so that this one hides no failure of it.
  Duration gone_within = std::chrono::seconds(8);
};

/// What all streams of a network share.
struct StreamTools {
  StreamTools(Rng rng, LineCipherSource* cipher_source);

  StreamOptions options;
  wire::websocket::MaskSource masks;
  crypto::Suite suite;
  LineCipherSource* ciphers;  ///< Null: none.
};

/// A message on a stream.
struct StreamFrame {
  link::FrameKind kind = link::FrameKind::binary;
  Bytes bytes;
};

/// What came of the bytes.
struct StreamNews {
  enum class Kind : std::uint8_t {
    upgraded,
    message,
    closed,  ///< Once, the last one.
    flawed,  ///< Likewise: what came is no sound upgrade, no sound frame, or no sound record.
  };
  Kind kind = Kind::message;
  StreamFrame frame;
  wire::websocket::EndedBy ended_by = wire::websocket::EndedBy::transport;
  std::optional<wire::websocket::Flaw> flaw{};
  std::uint16_t status = wire::websocket::kAbnormalClosure;
  std::string reason;
};

/// One end of a stream that is spoken in bytes: what the raw transport is to a socket, over the
/// same machines. First half an upgrade, then the codec; between them and the line perhaps a
/// cipher. It also remembers what it has said until the other end has heard it: the line between
/// two ends of a simulator may delay, cut and lose the tail, and change nothing.
///
///     frames -> queue -> codec -> (cipher) -> output -> the network cuts it into segments
class StreamEnd {
 public:
  /// Null if no request can be made for that address.
  static std::unique_ptr<StreamEnd> dialling(StreamTools& tools, std::string_view url, Rng& rng);
  static std::unique_ptr<StreamEnd> accepting(StreamTools& tools, Instant now);

  // ---- commands
  void send(link::FrameKind kind, Bytes bytes);
  /// Behind what was sent before.
  void close(Instant now, std::uint16_t status, std::string_view reason);
  /// Whoever spoke here is gone: nothing more is said, not even what waits, and nothing is heard.
  void break_off();

  // ---- inputs
  void on_bytes(Instant now, std::span<std::uint8_t> bytes);
  /// The peer will send nothing more. `why` is in static storage.
  void on_end(Instant now, std::string_view why);
  /// Nothing will be sent or heard any more. `why` likewise.
  void on_reset(Instant now, std::string_view why);
  void on_written(std::size_t bytes);
  /// The end of the stream was said, or cannot be said any more.
  void on_end_said() { has_said_end_ = true; }
  /// Where what is said vanishes, nobody will confirm it. Returns how many messages those are.
  std::size_t forget_said();

  // ---- time, drain
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<StreamNews> poll_news() { return news_.poll(); }
  bool has_news() const { return !news_.empty(); }
  /// What the line may take now. Valid until the next changing call.
  ByteSpan output();
  /// Payloads that the line has taken whole since the last call.
  std::size_t take_drained() { return std::exchange(drained_, 0); }
  /// Whether something waits to be written, be it the end alone.
  bool has_output() const;
  /// Everything was said but the end of the stream.
  bool wants_end() const;

  // ---- look
  bool has_said_end() const { return has_said_end_; }
  bool is_deaf() const { return is_broken_off_; }
  bool is_upgraded() const { return std::holds_alternative<Codec>(speaker_); }
  bool is_open() const;
  bool has_said_close() const { return close_said_.has_value(); }
  bool has_heard_close() const { return has_heard_close_; }
  /// Whether something of the peer's has begun and not ended.
  bool is_reading() const;
  /// Whether something of ours has begun to leave and not ended.
  bool is_writing() const;
  /// Whether all of the upgrade has left.
  bool has_said_head() const { return head_.empty(); }
  /// Bytes of memory for what was said, heard in part, or waits; not what is only remembered.
  std::size_t buffered_bytes() const;
  /// Whether that is what this end said next: then it is forgotten.
  bool confirm(const StreamFrame& frame);
  /// Whether nothing is left to be heard before this close, and the close is ours.
  bool confirm_close(const StreamNews& news) const;

 private:
  using Codec = wire::websocket::Connection;
  using Speaker = std::variant<std::monostate, wire::websocket::ServerUpgrade,
                               wire::websocket::ClientUpgrade, Codec>;
  /// Where in the stream a message lies.
  struct Mark {
    std::uint64_t begins_at = 0;
    std::uint64_t ends_at = 0;
    std::size_t payload_bytes = 0;
  };
  struct Close {
    std::uint16_t status = 0;
    std::string reason;
  };

  explicit StreamEnd(StreamTools& tools) : tools_(tools) {}

  void on_plain(std::span<std::uint8_t> bytes);
  void on_request(wire::websocket::ServerUpgrade& upgrade);
  void on_answer(const wire::websocket::ClientUpgrade& upgrade);
  void drain_codec();
  void on_closed(const wire::websocket::Closed& closed);
  void fail(std::string why);
  void upgraded();
  void fill();
  ByteSpan waiting() const;
  void on_plain_gone(std::size_t bytes);

  StreamTools& tools_;
  std::unique_ptr<LineCipher> cipher_;
  Speaker speaker_;
  Bytes head_;  ///< Of the upgrade; gone up to `head_gone_`.
  std::size_t head_gone_ = 0;
  std::deque<StreamFrame> queue_;
  std::optional<Close> close_;  ///< Ordered.
  std::optional<Close> close_said_;
  Outbox<StreamNews> news_;
  std::deque<StreamFrame> said_;
  std::deque<Mark> marks_;
  std::uint64_t gone_ = 0;  ///< Of the plaintext.
  std::size_t drained_ = 0;
  Instant now_{};
  Instant gives_up_at_ = kNever;
  bool hangs_up_ = false;  ///< When everything has gone.
  bool has_said_end_ = false;
  bool has_heard_close_ = false;
  bool is_broken_off_ = false;
  bool is_cipher_closed_ = false;
  bool has_told_end_ = false;
  std::string_view why_ended_;  ///< The transport; static storage.
};

}  // namespace trestle::sim
