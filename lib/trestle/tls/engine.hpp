#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/tls/accepting_context.hpp"
#include "trestle/tls/ciphertext.hpp"
#include "trestle/tls/dialling_context.hpp"
#include "trestle/tls/failure.hpp"

struct ssl_st;

namespace trestle::tls {

struct EngineLimits {
  /// What may wait to be written: as much as a socket takes in two writes. More plaintext is not
  /// taken until some of it has gone.
  std::size_t ciphertext_bytes_max = std::size_t{128} * 1024;
  /// What a peer may say before its handshake is over. A chain of ten certificates of RSA takes
  /// 20 KB.
  std::size_t handshake_bytes_max = std::size_t{64} * 1024;
  /// Tickets, changes of keys and handshakes begun again when the handshake is over. Honest peers
  /// send a few tickets and change keys after millions of records; each costs us as much as dozens
  /// of messages.
  std::uint64_t late_messages_max = 32;
  /// Beyond those, one for each so many bytes of plaintext that came.
  std::uint64_t bytes_of_a_late_message = std::uint64_t{1024} * 1024;
  /// Records that we encrypt under one key before we change it. RFC 8446 (5.5) has 2^24.5 for
  /// AES-GCM.
  std::uint64_t records_of_a_key_max = std::uint64_t{1} << 23;
};

/// Whom we dial. The name, or the literal address without brackets, is what its certificate must be
/// for; names are told to the peer (SNI), addresses are not.
struct Peer {
  std::string name;
  std::uint16_t port = 0;  ///< With the name, the key of its session.
  /// When certificates must be valid, in seconds since 1970. Nothing: OpenSSL asks the system.
  std::optional<std::int64_t> verified_at;
};

enum class State : std::uint8_t {
  handshaking,
  open,
  closing,  ///< We have said that we are done; the peer may still send.
  closed,   ///< In order: the peer has said that it is done, or `close` came before the handshake.
  failed,   ///< `failure` says why. A last alert may wait to be written.
};

struct EngineStats {
  std::uint64_t ciphertext_received_total = 0;
  std::uint64_t plaintext_received_total = 0;
  std::uint64_t plaintext_sent_total = 0;
  std::uint64_t sends_cut_total = 0;      ///< Not all was taken: too much waits.
  std::uint64_t late_messages_total = 0;  ///< From the peer, see `EngineLimits`.
  std::uint64_t keys_changed_total = 0;   ///< Changes of our own.
};

/// TLS of one connection between two buffers: a machine that knows no socket. Versions, suites and
/// what is verified are those of `rules.hpp`; ALPN says http/1.1; there is no early data and no
/// renegotiation. What comes out does not depend on the pieces in which bytes come in.
///
///     engine.receive(bytes);                              // whatever the socket had
///     for (;;) {
///       const auto batch = engine.plaintext(room);        // until it is empty
///       if (batch.empty()) break;
///       connection.on_bytes(now, batch);
///     }
///     sent = engine.send(connection.output());            // when `open`
///     write(engine.ciphertext()); engine.consume(n);      // once a turn, in every state
///
/// A handshake begins by itself: the dialling side has something to write at once. It has no clock;
/// how long a handshake or a close may take is the owner's to say. When nothing waits and no record
/// is incomplete, an engine holds no buffer: 14 KB of OpenSSL's state where it accepts, 15 KB with
/// the peer's certificate.
class Engine {
 public:
  explicit Engine(AcceptingContext& context, const EngineLimits& limits = {});
  Engine(DiallingContext& context, const Peer& peer, const EngineLimits& limits = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- commands

  /// How much was taken, from the front: all, less if too much waits, nothing unless `open`.
  /// Encrypted from where it lies, into as few records as it needs.
  std::size_t send(ByteSpan plaintext);
  /// Tells the peer that we are done. What was sent before still leaves. Does nothing when it has
  /// been said, or the connection is over.
  void close();

  // ---- inputs

  /// Borrowed until `plaintext` returns nothing, which must come before the next call. Drives the
  /// handshake.
  void receive(ByteSpan ciphertext);
  /// The transport has ended: a failure unless the peer has said that it is done, for somebody may
  /// have cut off the rest.
  void on_end();
  /// The first so many bytes of `ciphertext` have been written.
  void consume(std::size_t bytes) { ciphertext_.consume(bytes); }

  // ---- drain

  /// Decrypts what has come into `room`, which is as much as is dealt with at a time, and returns
  /// the part of it that was filled. Less than `room` is no end; empty is. `room` must not be
  /// empty.
  std::span<std::uint8_t> plaintext(std::span<std::uint8_t> room);

  // ---- look

  State state() const { return state_; }
  const std::optional<Failure>& failure() const { return failure_; }
  /// What waits to be written, in one piece. Valid until the next call that changes something.
  ByteSpan ciphertext() const { return ciphertext_.waiting(); }
  /// Whether the handshake took a session up again.
  bool is_resumed() const;
  /// Until when the certificate that the peer showed is valid, in seconds since 1970.
  std::optional<std::int64_t> certificate_ends_at() const;
  EngineStats stats() const;
  /// Of memory that is our own; OpenSSL's comes on top.
  std::size_t storage_bytes() const { return ciphertext_.storage_bytes(); }

 private:
  struct Free {
    void operator()(ssl_st* connection) const;
  };
  using Connection = std::unique_ptr<ssl_st, Free>;

  Engine(ssl_st* connection, const EngineLimits& limits);
  /// False if that is no name that a certificate could be for.
  bool expect(const Peer& peer);
  void advance_handshake();
  /// One piece of plaintext; nothing if there is none, for whatever reason. `has_batch`: there are
  /// others before it, of which the owner does not know yet.
  std::size_t read(std::span<std::uint8_t> room, bool has_batch);
  void on_unreadable(int result, bool has_batch);
  bool is_flooded() const;
  /// How much plaintext surely fits into what may wait.
  std::size_t plaintext_room() const;
  void count_records(std::size_t records);
  void fail(Failure failure);
  static void on_message(int is_sent, int version, int kind, const void* bytes, std::size_t count,
                         ssl_st* connection, void* self);

  EngineLimits limits_;
  DiallingContext* dialling_ = nullptr;  ///< Null on the side that accepts.
  std::string peer_;                     ///< The key of its session.
  Ciphertext ciphertext_;
  Connection connection_;
  State state_ = State::handshaking;
  std::optional<Failure> failure_;
  EngineStats stats_;
  std::size_t record_bytes_ = 0;  ///< Of plaintext, at most; since the handshake.
  std::uint64_t records_of_this_key_ = 0;
};

}  // namespace trestle::tls
