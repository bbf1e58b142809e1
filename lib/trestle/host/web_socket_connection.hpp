#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/dial_failure.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/transport_events.hpp"
#include "trestle/host/transport_options.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::host {

class WebSocketTransport;
struct TransportStats;

/// One WebSocket, dialled or accepted, over its whole life: HTTP request, upgrade, messages, close.
/// Here is what does not depend on who speaks the protocol on its socket, which is what the two
/// classes below this one are for.
///
/// Dials one address after the other, counts, and makes sure that its owner hears of the end
/// exactly once, or not at all if the owner ended it.
class WebSocketConnection : public SocketUser {
 public:
  ~WebSocketConnection() override;

  /// Orders. A dial fails, at the latest, `timeout` after this call.
  void limit_dial(Duration timeout);
  /// One of the addresses, at least one, tried in their order: each gets its share of the time that
  /// is left.
  void connect(std::vector<std::string> addresses);
  void fail_dial(const DialFailure& failure);
  /// A dial has come so far.
  void reach(DialStage stage);
  void send(link::FrameKind kind, Bytes bytes);
  void close(link::CloseStatus status, std::string reason);
  /// Looks whether an open connection keeps within the bounds on slow messages and, if it is that
  /// one's turn, on the traffic beside them; ends it in the next turn if not.
  void look(Instant now, bool looks_beside);

  /// How long the certificate of who was dialled is valid; nothing without TLS.
  virtual std::optional<std::chrono::seconds> certificate_left() const = 0;

  /// Set if the owner may be waiting for a name to be resolved.
  std::uint64_t resolution = 0;

 protected:
  enum class State : std::uint8_t {
    requesting,  ///< Accepted; no whole HTTP request yet, or its reply is on the way.
    dialling,
    failed,  ///< The dial has failed; the owner hears of it in the next turn.
    open,
    closing,  ///< The owner is done with it. What was ordered still leaves.
    ended,    ///< Nothing is reported any more; waits for libwebsockets to let go.
  };
  /// A message that has begun to arrive and is not whole.
  struct Incomplete {
    Instant since = kNever;  ///< `kNever`: there is none.
    std::size_t bytes = 0;
  };
  /// Who asks for a WebSocket, as far as it decides whether he gets one.
  struct Caller {
    std::string host;    ///< Whom he asked for.
    std::string origin;  ///< Of a page; empty: a program.
    std::string forwarded_for;
    std::string forwarded_proto;
  };
  enum class Verdict : std::uint8_t { welcome, foreign_page, busy };
  struct MessageBounds {
    std::size_t bytes_max;
    std::size_t fragments_max;
  };

  /// An accepted socket, before its request.
  WebSocketConnection(WebSocketTransport& transport, Security security, std::string remote_address);
  /// A connection to be dialled.
  WebSocketConnection(WebSocketTransport& transport, link::ConnectionId id, WebSocketUrl url);

  // ---- what depends on who speaks

  /// A failure is told by `on_address_failed`, at once or later.
  virtual void begin_dial(const std::string& address) = 0;
  /// What `begin_dial` began does not concern us any more; its socket is let go by the caller.
  virtual void on_dial_abandoned() {}
  /// Whether a dial has come as far as TLS and not through it.
  virtual bool is_in_tls() const { return false; }
  virtual Incomplete incomplete() const = 0;
  /// Whether the peer sends more beside messages than it may, over so many seconds.
  virtual bool floods_beside(std::uint32_t seconds) = 0;
  /// To be sent soon. False: more waits than may.
  virtual bool enqueue(link::FrameKind kind, Bytes bytes) = 0;
  /// `close_status_` and `reason_`, behind what was queued. How long that may take is `timer_`'s to
  /// say.
  virtual void on_close_ordered() = 0;
  /// What is queued has nobody left to hear it.
  virtual void on_ended() {}
  /// Once a look: for what an idle connection need not keep.
  virtual void on_look() {}

  // ---- what the speaker reports

  /// Decides about the request of an accepted socket, and counts.
  Verdict judge(const Caller& caller);
  /// What helps whoever dials us to tell a wrong clock from a right one, and a proxy that takes its
  /// prefix off from one that does not: no peer needs it. `path` is the one asked for, decoded.
  static std::vector<std::pair<std::string, std::string>> answer_fields(const std::string& path);
  /// A request has its answer, and no WebSocket comes of it: what is left is to let go, for as long
  /// as a close may take.
  void on_turned_away();
  void note_upgrade_answer(const UpgradeAnswer& answer);
  void on_established();
  /// Whether what came so far can have shown the core who this is: a native opening takes two
  /// messages, an old one does with the first.
  bool may_be_identified() const;
  /// Of the messages that may come now.
  MessageBounds message_bounds() const;
  void deliver(link::FrameKind kind, ByteSpan message);
  /// A message leaves the queue for the socket.
  void count_sent(std::size_t bytes);
  void report_drained();
  /// Ends it in the next turn: looking is done while all connections are walked through.
  void cut(std::string_view reason);
  /// The address in hand is given up; the next one is tried in the next turn, if there is one.
  void on_address_failed(const DialFailure& failure);
  void on_address_failed(ErrorCode code, std::string reason);
  /// Counts a TLS handshake that has succeeded, once.
  void on_secured(bool is_resumed);
  void on_lost();
  void on_destroyed();
  /// Tells the owner, once.
  void end(std::uint16_t status, std::string_view reason);

  /// The Host header of a dial.
  std::string asked_host() const;

  const TransportOptions& options() const;
  TransportStats& stats();
  TransportEvents& events();
  EventLoop& loop();

  WebSocketTransport& transport_;
  State state_;
  bool is_accepted_;
  Security security_;
  link::ConnectionId id_;
  WebSocketUrl url_;
  std::string remote_address_;
  lws* socket_ = nullptr;
  Timer timer_;
  std::size_t unreported_bytes_ = 0;  ///< Left the queue, and the owner has not heard of it.
  std::uint16_t close_status_ = 0;
  std::string reason_;

 private:
  bool may_come(const Caller& caller) const;
  void no_longer_pending();
  /// The caller behind a proxy that we trust takes the proxy's place.
  void adopt_caller(const Caller& caller);
  void try_next_address();
  void on_dial_time();
  void report_dial_failure(ErrorCode code, std::string_view reason);
  /// Nothing the socket does from here on concerns us.
  void abandon_socket();
  void on_time();
  /// Ends the socket without ceremony, and with it this.
  void drop();

  bool is_secured_ = false;     ///< Its TLS handshake is done.
  bool came_over_tls_ = false;  ///< Accepted: from the peer to us, or to a proxy that we trust.
  bool is_pending_ = false;     ///< Counted among the sockets without a whole request.
  bool is_counted_ = false;     ///< Counted among the accepted WebSockets.
  std::vector<std::string> addresses_;  ///< Not tried yet.
  bool is_between_ = false;  ///< One address has failed, the next one is about to be tried.
  DialStage stage_ = DialStage::name;
  Instant dial_until_{};
  ErrorCode dial_error_ = ErrorCode::none;
  /// Whole ones, as far as `may_be_identified` counts them.
  std::uint8_t messages_ = 0;
  bool is_overfull_ = false;  ///< A message was left out: it is about to be ended.
};

}  // namespace trestle::host
