#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/base/fifo.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/websocket/client_upgrade.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"

namespace trestle::wire::websocket {

struct EndpointOptions {
  ConnectionOptions codec;
  /// What becomes frames at a time, a message that is larger by itself excepted: one write, and
  /// what was said to a peer that does not read (design section 8).
  std::size_t batch_bytes_max = std::size_t{64} * 1024;
  /// What waits behind that. The core stops at 1 MiB; this is the fuse behind it.
  std::size_t queue_bytes_max = std::size_t{4} * 1024 * 1024;
  /// From the beginning to a whole request, for who accepts. The bound of who dials is its owner's,
  /// who may have other addresses to try.
  Duration request_within = std::chrono::seconds(10);
  /// From the first word of a close to the end of everything, for what cannot leave. No shorter
  /// than the codec's own bound, or it would hide that one.
  Duration gone_within = std::chrono::seconds(8);
};

/// Why a message was not queued.
enum class QueueRefusal : std::uint8_t {
  closed,     ///< A close was ordered, or has come; or there is nobody to hear it.
  full,       ///< Beyond `queue_bytes_max`.
  too_large,  ///< It would not fit into an empty batch.
};

struct QueuedMessage {
  MessageKind kind = MessageKind::binary;
  Bytes payload;
};

/// News of a server: a sound request, for a WebSocket or for a page. It is the owner's turn:
/// `accept` or `answer`, before anything else. Borrowed until then.
struct Asked {
  const ServerUpgrade* request;
};
/// News of a server, the last: the request broke a rule, and the answer that says so waits.
struct TurnedAway {
  RequestFlaw flaw{};
};
/// News of a client: a whole answer. Borrowed until the next call. Unless its phase is `open` it is
/// the last news. If it is, messages may be sent from now on.
struct Answered {
  const ClientUpgrade* answer;
};

/// `Closed` is the last news; before there was a WebSocket, it is always the transport's doing.
using EndpointEffect = std::variant<Asked, TurnedAway, Answered, MessageArrived, Closed>;

/// One end of a WebSocket, from the first byte of its upgrade to the last of its closing: the
/// machine between a stream of plain bytes, which may be cut anywhere, and an owner who speaks in
/// messages. A transport of sockets and the simulator drive the same one.
///
///     send -> queue -> batch_next -> the codec -> output -> the stream
///     the stream -> on_bytes -> an upgrade, then the codec -> poll_effect
///
/// A driver does, in this order:
///
///     endpoint.on_bytes(now, input);                          // or any other changing call
///     while (const auto effect = endpoint.poll_effect()) { ... }
///     if (everything has gone) while (endpoint.batch_next(now)) {}
///     write(endpoint.output()); endpoint.on_written(n);
///     if (endpoint.wants_end()) { end our direction; endpoint.on_end_said(); }
///     arm a timer for endpoint.next_deadline()
///
/// Bytes behind a head belong to the codec, whoever's they are. Messages wait in the queue until
/// the batch before them has gone, so that a close, a pong and the choice of what is said last wait
/// for one batch at most; an ordered close leaves behind the last of them. The end is told once,
/// and not at all to an owner who has chosen it (`answer`, `break_off`). Then what was said still
/// leaves, for `gone_within`, and the direction is to be ended: not the transport, whose peer may
/// still be sending, and would answer with a reset that takes our last words with it.
///
/// A message is copied once on its way out, into its batch, and not at all on its way in if it lies
/// whole within the input. What is kept is bounded: a head, the queue, a batch, one message in
/// part.
class Endpoint {
 public:
  /// Nobody's: hears nothing and says nothing.
  Endpoint() = default;
  static Endpoint server(Instant now, const EndpointOptions& options);
  /// `request` has not been asked for its output. `masks` must outlive the endpoint.
  static Endpoint client(ClientUpgrade request, const EndpointOptions& options, MaskSource& masks);

  // ---- commands

  /// The one turn of an owner that was `Asked`. Only of an upgrade; as in `ServerUpgrade`.
  void accept(const HandshakeDigest& digest, std::span<const http::Field> fields = {});
  /// Likewise; the connection ends with it.
  void answer(const http::Answer& answer);
  /// Text must be UTF-8. What is refused is not taken.
  Result<void, QueueRefusal> send(MessageKind kind, Bytes&& payload);
  /// Behind what was sent before. Does nothing the second time, or behind the end. As in
  /// `Connection`.
  void close(Instant now, std::uint16_t status, std::string_view reason);
  /// Whoever spoke here is gone: nothing more is said, not even what waits, and nothing is heard.
  void break_off();
  /// In force from the next frame on. Ignored before there is one to come.
  void set_reader_limits(const ReaderLimits& limits);

  // ---- inputs

  /// Borrowed until the effects have been drained, and changed.
  void on_bytes(Instant now, std::span<std::uint8_t> input);
  /// The peer will send nothing more. `why`, in static storage, is the reason that is told, if any.
  void on_end(Instant now, std::string_view why);
  /// The first so many bytes of `output` have been taken.
  void on_written(std::size_t bytes);
  /// Our direction was ended, or cannot be any more.
  void on_end_said() { has_said_end_ = true; }

  // ---- time, drain

  Instant next_deadline() const;
  void on_deadline(Instant now);
  /// Effects borrow, as those of `Connection`.
  std::optional<EndpointEffect> poll_effect();
  /// Makes a frame of the next message and hands it back, for owners that count or remember.
  /// Nothing: the batch is full, or nothing waits; if a close was ordered, it stands behind the
  /// last. `now` matters for that alone. To be called until then, when `output` has gone.
  std::optional<QueuedMessage> batch_next(Instant now);
  /// What waits to be written, in one piece. Valid until the next changing call.
  ByteSpan output() const;

  // ---- look

  /// Whether our direction is to be ended: everything was said.
  bool wants_end() const { return hangs_up_ && !has_said_end_ && output().empty(); }
  bool has_said_end() const { return has_said_end_; }
  bool is_broken_off() const { return is_broken_off_; }
  bool is_upgraded() const { return std::holds_alternative<Connection>(speaker_); }
  bool is_open() const;
  bool has_queued() const { return !queue_.empty(); }
  /// Whether our close, if it was ordered, has become a frame.
  bool has_said_close() const { return has_said_close_; }
  /// Whether all of the upgrade has left.
  bool has_said_head() const { return head_.empty(); }
  /// Whether something of ours has begun to leave and not ended.
  bool is_writing() const { return is_writing_; }
  /// Whether something of the peer's has begun to come and not ended, be it a head.
  bool is_reading() const;
  /// As in `Connection`: of messages alone.
  Instant incomplete_since() const;
  std::size_t incomplete_bytes() const;
  /// Of what is said, heard in part, or waits.
  std::size_t buffered_bytes() const;
  /// Gives back what an idle connection does not need.
  void release_storage();

 private:
  /// The options of the codec wait beside the upgrade until there is one.
  struct Reading {
    ServerUpgrade upgrade;
    ConnectionOptions codec;
  };
  struct Waiting {
    ClientUpgrade upgrade;
    ConnectionOptions codec;
    MaskSource* masks;
  };
  /// Whose bytes they are; nobody's behind a plain answer, or when it was broken off.
  using Speaker = std::variant<std::monostate, Reading, Waiting, Connection>;
  struct Close {
    std::uint16_t status = 0;
    std::string reason;
  };

  explicit Endpoint(const EndpointOptions& options);

  std::optional<EndpointEffect> poll_request(Reading& reading);
  std::optional<EndpointEffect> poll_answer(const Waiting& waiting);
  std::optional<EndpointEffect> poll_codec(Connection& codec);
  std::optional<EndpointEffect> poll_end();
  EndpointEffect on_closed(Closed closed);
  void turn_away(ServerUpgrade& upgrade);
  void open(Connection codec);
  void forget_queue();

  Speaker speaker_;
  std::span<std::uint8_t> input_;  ///< What came behind a head, until there is a codec for it.
  Bytes head_;                     ///< Said before the first frame, or instead of one.
  std::size_t head_gone_ = 0;      ///< Of it.
  Fifo<QueuedMessage> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t queue_bytes_max_ = 0;
  std::size_t batch_bytes_max_ = 0;
  std::size_t message_bytes_max_ = 0;
  Duration gone_within_{};
  std::optional<Close> close_;  ///< Ordered.
  Instant now_{};
  Instant gives_up_at_ = kNever;
  std::string_view why_ended_;
  bool is_turn_told_ = false;  ///< `Asked` or `Answered`.
  bool is_end_due_ = false;    ///< To be told, before there is a codec.
  bool is_given_up_ = false;   ///< To be broken off when that has been told.
  bool is_broken_off_ = false;
  bool is_writing_ = false;
  bool has_said_close_ = false;
  bool hangs_up_ = false;  ///< When everything has gone.
  bool has_said_end_ = false;
};

}  // namespace trestle::wire::websocket
