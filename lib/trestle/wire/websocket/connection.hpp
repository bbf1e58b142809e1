#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/websocket/close_status.hpp"
#include "trestle/wire/websocket/frame_batch.hpp"
#include "trestle/wire/websocket/mask_source.hpp"
#include "trestle/wire/websocket/message_reader.hpp"

namespace trestle::wire::websocket {

struct ConnectionOptions {
  ReaderLimits reader;
  /// What may wait to be written. The core stops at 1 MiB (reliability.md section 10, "slow
  /// reader"); a message more is let through, so that this is never what stops it first.
  std::size_t output_bytes_max = std::size_t{1024 + 256 + 1} * 1024;
  /// From our close frame to the peer's, and from there to the end of the transport where that is
  /// the server's to end (RFC 6455, section 7.1.1).
  Duration close_within = std::chrono::seconds(5);
};

/// Which part of a message is sent: almost always all of it.
enum class Part : std::uint8_t { whole, first, middle, last };

/// Why nothing was sent.
enum class SendRefusal : std::uint8_t {
  closed,  ///< A close frame has gone or come.
  full,    ///< More waits to be written than may; try again when some of it has gone.
};

/// Whose doing the end of a connection was.
enum class EndedBy : std::uint8_t {
  peer,       ///< Its close frame came first.
  us,         ///< It answered our `close`.
  flaw,       ///< It broke the protocol or a limit; our close frame says so.
  transport,  ///< No close frame of the peer: the transport ended, or its time was up.
};

/// News. The connection is over, once; no message follows. `status` is the peer's, as the RFC wants
/// it (7.1.5); for a flaw the one that we sent, unless our close had gone already. The reason is
/// borrowed until the next call.
struct Closed {
  EndedBy by = EndedBy::transport;
  std::uint16_t status = kAbnormalClosure;
  std::string_view reason;
  std::optional<Flaw> flaw;
};

/// An order, once, the last effect of all: end the transport as soon as `output` has been written.
/// A server that hangs up while the peer is still sending loses its close frame to a reset: end
/// your direction first, and read what comes until the peer ends its own, for a bounded time.
struct HangUp {};

using Effect = std::variant<MessageArrived, PongArrived, Closed, HangUp>;

struct ConnectionStats {
  std::uint64_t messages_received_total = 0;
  std::uint64_t message_bytes_received_total = 0;
  std::uint64_t controls_received_total = 0;   ///< Pings and pongs.
  std::uint64_t messages_discarded_total = 0;  ///< They came behind our close.
  std::uint64_t messages_sent_total = 0;
  std::uint64_t message_bytes_sent_total = 0;
};

/// One WebSocket from the end of its upgrade on (RFC 6455): a machine between a transport, whose
/// bytes come in any pieces, and an owner who speaks in messages. It answers pings, closes in
/// order, and fails a peer that breaks the rules, with the status that the RFC has for it.
///
///     connection.on_bytes(now, input);                       // or any other changing call
///     while (const auto effect = connection.poll_effect()) { ... }
///     write(connection.output()); connection.on_written(n);  // once a turn: a batch
///     arm a timer for connection.next_deadline()
///
/// Effects that carry payloads borrow them, from the input where they can, until the next call of
/// `poll_effect` or `on_bytes`: this, and `Endpoint` around it, are the machines of the house whose
/// effects are not owned, because a copy of each message would cost more than all the rest.
/// Commands may be given between two effects. What comes out depends on the bytes that came in, not
/// on the pieces they came in.
class Connection {
 public:
  static Connection server(const ConnectionOptions& options) {
    return {Role::client, options, nullptr};
  }
  /// `masks` must outlive the connection.
  static Connection client(const ConnectionOptions& options, MaskSource& masks) {
    return {Role::server, options, &masks};
  }

  // ---- commands

  /// Text must be UTF-8. The parts of a message come in their order and with the same kind; control
  /// frames go between them, other messages cannot.
  Result<void, SendRefusal> send(MessageKind kind, ByteSpan payload, Part part = Part::whole);
  /// At most 125 bytes of payload.
  Result<void, SendRefusal> ping(ByteSpan payload);
  /// Says that we are done; does nothing if that has been said. What was sent before still leaves.
  /// Messages that come from here on are discarded, and `Closed` follows within `close_within`.
  /// `status` must be sendable or `kNoStatus`; a reason that is too long is cut.
  void close(Instant now, std::uint16_t status, std::string_view reason);
  /// In force from the next frame on.
  void set_reader_limits(const ReaderLimits& limits) { reader_.set_limits(limits); }

  // ---- inputs

  /// Borrowed until the effects have been drained, and changed.
  void on_bytes(Instant now, std::span<std::uint8_t> input);
  /// The transport has ended, from whichever side and for whatever reason.
  void on_end();
  /// The first so many bytes of `output` have been taken.
  void on_written(std::size_t bytes);

  // ---- time, drain

  Instant next_deadline() const { return deadline_; }
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();

  // ---- look

  /// What waits to be written, in one piece. Valid until the next changing call.
  ByteSpan output() const { return output_.bytes(); }
  bool is_open() const { return phase_ == Phase::open; }
  /// Since when something of the peer's has begun and not ended; `kNever` if nothing has.
  Instant incomplete_since() const { return reader_.incomplete_since(); }
  std::size_t buffered_bytes() const { return reader_.buffered_bytes(); }
  std::size_t storage_bytes() const { return reader_.storage_bytes() + output_.storage_bytes(); }
  /// Gives back what an idle connection does not need.
  void release_storage();
  const ConnectionStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t {
    open,
    closing,  ///< Our close frame has gone, the peer's is awaited.
    closed,   ///< `Closed` is told; the client waits for the server to end the transport.
    over,     ///< `HangUp` is told.
  };

  Connection(Role peer, const ConnectionOptions& options, MaskSource* masks);

  bool is_client() const { return masks_ != nullptr; }
  std::optional<Effect> on_arrival(const Arrival& arrival);
  std::optional<Effect> on_message(const MessageArrived& message);
  void answer_ping(ByteSpan payload);
  void on_peer_closed(const CloseNotice& notice);
  void on_flaw(Flaw flaw);
  void send_close(const CloseNotice& notice);
  /// Nothing is read any more, and `HangUp` follows `closed`.
  void end(const Closed& closed);

  ConnectionOptions options_;
  MaskSource* masks_;
  MessageReader reader_;
  FrameBatch output_;
  Phase phase_ = Phase::open;
  bool is_sending_parts_ = false;
  std::optional<Closed> closed_;  ///< To be told.
  Instant now_{};
  Instant deadline_ = kNever;
  bool must_hang_up_ = false;
  /// The newest ping that there was no room to answer (5.5.3: it stands for those before it).
  std::array<std::uint8_t, kControlPayloadBytesMax> owed_pong_{};
  std::optional<std::uint8_t> owed_pong_bytes_;
  ConnectionStats stats_;
};

}  // namespace trestle::wire::websocket
