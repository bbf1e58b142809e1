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

#include "trestle/base/bytes.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/sim/line_cipher.hpp"
#include "trestle/wire/websocket/endpoint.hpp"

namespace trestle::sim {

/// What all streams of a network share.
struct StreamTools {
  StreamTools(Rng rng, LineCipherSource* cipher_source);

  /// As a transport has it for peers that have proven themselves.
  wire::websocket::EndpointOptions options;
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

/// One end of a stream that is spoken in bytes: what the raw transport is to a socket, around the
/// same machine; between that and the line perhaps a cipher. It also remembers what it has said
/// until the other end has heard it: the line between two ends of a simulator may delay, cut and
/// lose the tail, and change nothing.
///
///     frames -> the endpoint -> (cipher) -> output -> the network cuts it into segments
class StreamEnd {
 public:
  /// Null if no request can be made for that address.
  static std::unique_ptr<StreamEnd> dialling(StreamTools& tools, std::string_view url, Rng& rng);
  static std::unique_ptr<StreamEnd> accepting(StreamTools& tools, Instant now);

  // ---- commands
  /// False if more waits than may: then this end is broken off, and has news.
  bool send(link::FrameKind kind, Bytes bytes);
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
  void on_end_said() { endpoint_.on_end_said(); }
  /// Where what is said vanishes, nobody will confirm it. Returns how many messages those are.
  std::size_t forget_said();

  // ---- time, drain
  Instant next_deadline() const { return endpoint_.next_deadline(); }
  void on_deadline(Instant now);
  std::optional<StreamNews> poll_news() { return news_.poll(); }
  bool has_news() const { return !news_.empty(); }
  /// What the line may take now. Valid until the next changing call.
  ByteSpan output(Instant now);
  /// Payloads that the line has taken whole since the last call.
  std::size_t take_drained() { return std::exchange(drained_, 0); }
  /// Whether something waits to be written, be it the end alone.
  bool has_output() const;
  /// Everything was said but the end of the stream.
  bool wants_end() const;

  // ---- look
  bool has_said_end() const { return endpoint_.has_said_end(); }
  bool is_deaf() const { return endpoint_.is_broken_off(); }
  bool is_upgraded() const { return endpoint_.is_upgraded(); }
  bool is_open() const { return endpoint_.is_open(); }
  bool has_said_close() const { return close_said_.has_value(); }
  bool has_heard_close() const { return has_heard_close_; }
  /// Whether something of the peer's has begun and not ended.
  bool is_reading() const { return endpoint_.is_reading(); }
  /// Whether something of ours has begun to leave and not ended.
  bool is_writing() const { return endpoint_.is_writing(); }
  /// Whether all of the upgrade has left.
  bool has_said_head() const { return endpoint_.has_said_head(); }
  /// Bytes of memory for what was said, heard in part, or waits; not what is only remembered.
  std::size_t buffered_bytes() const;
  /// Whether that is what this end said next: then it is forgotten.
  bool confirm(const StreamFrame& frame);
  /// Whether nothing is left to be heard before this close, and the close is ours.
  bool confirm_close(const StreamNews& news) const;

 private:
  /// Where in the stream a message ends.
  struct Mark {
    std::uint64_t ends_at = 0;
    std::size_t payload_bytes = 0;
  };
  struct Close {
    std::uint16_t status = 0;
    std::string reason;
  };

  StreamEnd(StreamTools& tools, wire::websocket::Endpoint endpoint)
      : tools_(tools), endpoint_(std::move(endpoint)) {}

  void drain();
  void on_request(const wire::websocket::ServerUpgrade& request);
  void on_answer(const wire::websocket::ClientUpgrade& answer);
  void on_closed(const wire::websocket::Closed& closed);
  void fail(std::string why);
  void upgraded();
  void fill(Instant now);
  /// Whether the line has everything.
  bool has_gone() const;
  void on_plain_gone(std::size_t bytes);

  StreamTools& tools_;
  std::unique_ptr<LineCipher> cipher_;
  wire::websocket::Endpoint endpoint_;
  std::optional<Close> close_;  ///< Ordered.
  std::optional<Close> close_said_;
  Outbox<StreamNews> news_;
  std::deque<StreamFrame> said_;
  std::deque<Mark> marks_;
  std::uint64_t gone_ = 0;  ///< Of the plaintext.
  std::size_t drained_ = 0;
  bool has_heard_close_ = false;
  bool is_cipher_closed_ = false;
  bool has_told_end_ = false;
};

}  // namespace trestle::sim
