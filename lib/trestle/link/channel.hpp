#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/link/channel_options.hpp"
#include "trestle/link/handshake.hpp"
#include "trestle/link/keepalive.hpp"
#include "trestle/link/legacy_dialect.hpp"
#include "trestle/link/multiplexer.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::link {

/// One connection, native dialect: opening, batches, requests in both directions, health.
///
/// The owner gives it what the transport reports and drains its effects. Every accepted request
/// ends exactly once, by `Answered` or `RequestFailed`; `Closed` is the last effect, after every
/// request has ended.
class Channel {
 public:
  using Token = Multiplexer::Token;

  /// The peer has proven its id (native), or stated it (old dialect).
  struct Opened {
    wire::Contact peer;
  };
  /// The peer asks; answer with `respond`, on this connection alone (MUX-08).
  struct Requested {
    wire::RequestId id;
    wire::Message message;
  };
  /// The peer withdrew its request; do not answer any more.
  struct Withdrawn {
    wire::RequestId id;
  };
  /// The peer says something that wants no answer.
  struct Notified {
    wire::Message message;
  };
  /// Our request was answered; the answer may be a `Failure`.
  struct Answered {
    Token token;
    wire::Message message;
    Duration round_trip;
  };
  /// Our request ended without an answer.
  struct RequestFailed {
    Token token;
    ErrorCode code;
  };
  struct HealthChanged {
    bool healthy;
  };
  /// A frame of the old dialect that has no counterpart in the common messages, for the policies
  /// that know it.
  struct LegacyReceived {
    wire::legacy::FrameBox frame;
  };
  /// A text frame that is none of the old dialect's, from a client (`LegacyMode::clients`): the
  /// owner decides what it costs.
  struct LegacyRefused {
    wire::legacy::DecodeError error;
  };
  /// The end. `by_peer`: the other side closed or the connection broke.
  struct Closed {
    ErrorCode code;
    std::string text;
    bool by_peer;
    std::uint16_t status;
  };
  using News = std::variant<Opened, Requested, Withdrawn, Notified, Answered, RequestFailed,
                            HealthChanged, LegacyReceived, LegacyRefused, Closed>;
  using Effect = std::variant<TransportOrder, News>;

  struct Stats {
    std::uint64_t frames_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t unknown_records = 0;
    std::uint64_t busy_answers = 0;
    std::uint64_t legacy_refused = 0;  ///< Text frames that could not be used.
  };

  /// `local`, `suite` and `options` must outlive the channel: a node has many, and they all have
  /// the same. `legacy` stands in the place of the options' one. `dialled_url` may name who must
  /// answer (`PinnedUrl`), and is empty on the accepting side; `dialect` is what we speak first
  /// when dialling, and is ignored when accepting: there the peer's first frame decides.
  Channel(ConnectionId id, crypto::Side side, const LocalPeer& local, crypto::Suite& suite,
          const ChannelOptions& options, LegacyMode legacy, Rng rng, std::string dialled_url,
          wire::Dialect dialect);

  // ---- commands ----
  /// Refused with BUSY when too many wait, CONNECTION_LOST when the link is not open, UNSUPPORTED
  /// when the peer's dialect has no word for it, TOO_LARGE when the peer would close the link over
  /// its size.
  Result<wire::RequestId, ErrorCode> request(Instant now, const wire::Message& message,
                                             Instant deadline, Token token);
  /// Ends the request with CANCELLED and tells the peer.
  void cancel(Instant now, wire::RequestId id);
  /// False when that request is not waiting for us any more (withdrawn, answered).
  bool respond(Instant now, wire::RequestId id, const wire::Message& answer);
  /// Says something that wants no answer. False when the link is not open, the old dialect has no
  /// word for it, or it is over a size limit.
  bool notify(Instant now, const wire::Message& message);
  /// Sends a text frame of the old dialect.
  void send_text(Instant now, std::string text);
  /// The owner has taken this connection for the old dialect: a stated id, no opening deadline, no
  /// native keepalive.
  void open_as_legacy(Instant now, const wire::Contact& peer);
  /// Says why, then closes. Every waiting request ends with `code`.
  void close(Instant now, ErrorCode code, std::string text, std::uint32_t retry_after_ms = 0);
  /// The same for the old dialect: a status and a reason, no record.
  void close_with_status(Instant now, CloseStatus status, ErrorCode code, std::string reason);

  // ---- inputs ----
  void on_transport_open(Instant now);
  void on_frame(Instant now, FrameKind kind, ByteSpan bytes);
  void on_drained(Instant now, std::size_t bytes);
  void on_transport_closed(Instant now, ErrorCode code, std::string_view reason,
                           std::uint16_t status);
  void on_signed(Instant now, Ticket ticket, const wire::Signature& signature);
  void on_verified(Instant now, Ticket ticket, bool valid);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();
  /// Turns what was written since the last flush into one frame. The owner calls it at the end of a
  /// turn, after draining.
  void flush(Instant now);
  bool has_batch() const { return !batch_.empty(); }

  bool is_open() const { return state_ == State::open; }
  bool is_closed() const { return state_ == State::closed; }
  bool is_healthy() const { return is_open() && keepalive_.is_healthy(); }
  bool speaks_legacy() const { return peer_.dialect == wire::Dialect::legacy; }
  ConnectionId id() const { return id_; }
  crypto::Side side() const { return side_; }
  const wire::Contact& peer() const { return peer_; }
  /// Where an accepted connection comes from; empty for a dialled one.
  const std::string& remote_address() const { return remote_address_; }
  void came_from(std::string address) { remote_address_ = std::move(address); }
  Duration round_trip() const { return keepalive_.round_trip(); }
  Instant opened_at() const { return opened_at_; }
  /// Closed because somebody else answered than the one who is expected there.
  bool met_another() const { return met_another_; }
  /// Ordered, but not yet with the kernel.
  std::size_t unsent_bytes() const { return unsent_bytes_; }
  std::uint32_t in_flight() const { return multiplexer_.stats().in_flight; }
  const Stats& stats() const { return stats_; }
  const Multiplexer::Stats& request_stats() const { return multiplexer_.stats(); }

 private:
  enum class State : std::uint8_t { dialling, opening, open, closed };
  static constexpr Token kPingToken = ~Token{0};

  void on_native_frame(Instant now, ByteSpan bytes);
  void on_legacy_frame(Instant now, std::string_view text);
  void on_legacy_introduction(Instant now, const LegacyDialect::Introduced& introduced);
  void on_legacy_bootstrap(Instant now, bool shows_secret);
  void on_record(Instant now, wire::Envelope&& envelope);
  void on_request(Instant now, wire::Envelope&& envelope);
  void on_answer(Instant now, wire::Envelope&& envelope);
  void on_goodbye(const wire::Goodbye& goodbye);
  void write(Instant now, wire::RequestId id, const wire::Message& message);
  void write(Instant now, wire::RequestId id, const wire::Message& message,
             const wire::native::RecordDraft& draft);
  void send(Instant now, FrameKind kind, Bytes bytes);
  void say_goodbye(Instant now, wire::Goodbye goodbye);
  /// It came to us and has not shown who it is.
  bool is_stranger() const { return state_ == State::opening && side_ == crypto::Side::acceptor; }
  /// The peer withdrew a request that waited for its answer.
  void on_withdrawn(Instant now, wire::RequestId id);
  void cut_slow_reader();
  void open(Instant now, const wire::Contact& peer);
  /// Without pings of our own: the other end is no peer that answers them.
  void open_unpinged(Instant now, const wire::Contact& peer);
  void end(ErrorCode code, std::string text, bool by_peer, std::uint16_t status);
  void pump(Instant now);
  void pump_handshake(Instant now);
  void pump_requests(Instant now);
  void pump_keepalive(Instant now);
  LegacyDialect& legacy();
  void order(TransportOrder transport_order) { outbox_.push(std::move(transport_order)); }
  template <typename OneNews, typename... Fields>
  void report(Fields&&... fields) {
    outbox_.emplace(std::in_place_type<News>, std::in_place_type<OneNews>,
                    std::forward<Fields>(fields)...);
  }

  ConnectionId id_;
  crypto::Side side_;
  LegacyMode legacy_mode_;
  State state_;
  const ChannelOptions& options_;
  Instant open_by_ = kNever;
  Instant opened_at_{};
  wire::Contact peer_;
  std::string remote_address_;
  const LocalPeer& local_;
  /// Until the link is open or closed: most of a channel's life nobody needs it.
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<LegacyDialect> legacy_;  ///< From the first word of the old dialect on.
  Multiplexer multiplexer_;
  Keepalive keepalive_;
  Ticket open_ticket_{};
  FlatMap<wire::RequestId, std::size_t> served_;
  Bytes batch_;
  /// What the batch before weighed: under load the next one weighs about as much, and room for it
  /// is made at once.
  std::size_t last_batch_bytes_ = 0;
  std::size_t unsent_bytes_ = 0;
  bool met_another_ = false;
  /// When the peer is cut unless less lies unsent by then.
  Instant slow_until_ = kNever;
  Instant withdrawals_since_{};
  std::uint32_t withdrawals_ = 0;
  Outbox<Effect> outbox_;
  Stats stats_;
};

}  // namespace trestle::link
