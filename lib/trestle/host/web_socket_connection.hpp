#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/dial_failure.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/host/name_resolver.hpp"
#include "trestle/host/side_traffic.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/transport_options.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::host {

/// What was answered to the request for a WebSocket, beside yes or no.
struct UpgradeAnswer {
  unsigned status = 0;
  /// The answerer's calendar, as HTTP writes it (the `Date` header); empty if it stated none.
  std::string date;
  /// The path that arrived at the program, if it was not `/` (our `Content-Location` header).
  std::string arrived_path;
};

/// What the transport reports. The driver's runner implements it; the calls correspond to the
/// inputs of `node::Node`.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual link::ConnectionId on_accepted(const link::Accepted& accepted) = 0;
  /// A page whose origin is not among those allowed was answered 403.
  virtual void on_page_refused(const std::string& remote_address, const std::string& origin);
  virtual void on_dialled(link::ConnectionId connection) = 0;
  virtual void on_dial_failed(link::ConnectionId connection, ErrorCode code,
                              std::string_view reason) = 0;
  /// For whoever diagnoses a dial; a program has no use for it. The last stage reported is the one
  /// at which a dial failed; the first is reported from inside `dial`.
  virtual void on_dial_stage(link::ConnectionId connection, DialStage stage);
  virtual void on_upgrade_answer(link::ConnectionId connection, const UpgradeAnswer& answer);
  virtual void on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) = 0;
  virtual void on_drained(link::ConnectionId connection, std::size_t bytes) = 0;
  virtual void on_closed(link::ConnectionId connection, std::uint16_t status,
                         std::string_view reason) = 0;
  /// Plain HTTP on the public port: answered at once.
  virtual HttpReply on_http_request(const HttpRequest& request) = 0;
};

class WebSocketTransport;

/// One WebSocket, dialled or accepted, over its whole life: HTTP request, upgrade, messages, close.
///
/// Assembles fragments, queues frames until the socket can take them, and makes sure that its owner
/// hears of the end exactly once, or not at all if the owner ended it.
class WebSocketConnection final : public SocketUser {
 public:
  /// An accepted socket, before its request.
  WebSocketConnection(WebSocketTransport& transport, Security security, std::string remote_address);
  ~WebSocketConnection() override;
  /// A connection to be dialled.
  WebSocketConnection(WebSocketTransport& transport, link::ConnectionId id, WebSocketUrl url);

  int on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) override;

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

  const WebSocketUrl& url() const { return url_; }
  /// Set if the owner may be waiting for a name to be resolved.
  std::uint64_t resolution = 0;
  link::ConnectionId id() const { return id_; }
  lws* socket() const { return socket_; }

 private:
  enum class State : std::uint8_t {
    requesting,  ///< Accepted; no whole HTTP request yet, or its reply is on the way.
    dialling,
    failed,  ///< The dial has failed; the owner hears of it in the next turn.
    open,
    closing,  ///< The owner is done with it. What was ordered still leaves.
    ended,    ///< Nothing is reported any more; waits for libwebsockets to let go.
  };
  struct Frame {
    link::FrameKind kind;
    Bytes bytes;
  };

  int on_http_event(lws* socket, int reason, void* in, std::size_t bytes);
  int on_upgrade(lws* socket);
  /// True for every program, and for the pages that may come.
  bool may_come(lws* socket) const;
  /// Answers with a whole response and ends the connection.
  int turn_away(lws* socket, std::string_view response);
  /// The caller behind a proxy that we trust takes the proxy's place.
  void adopt_caller(lws* socket);
  int add_answer_headers(lws* socket, void* arguments);
  void note_upgrade_answer(lws* socket, unsigned status);
  void on_established();
  int on_received(lws* socket, ByteSpan part);
  /// Whether what came so far can have shown the core who this is: a native opening takes two
  /// messages, an old one does with the first.
  bool may_be_identified() const;
  void cut(std::string_view reason);
  int refuse_message(lws* socket, link::CloseStatus status, std::string_view reason);
  int on_writable(lws* socket);
  bool write_front(lws* socket);
  int on_peer_closing(ByteSpan payload);
  void on_lost();
  void on_dial_error(lws* socket, std::string_view text);
  void try_next_address();
  /// The address in hand is given up; the next one is tried in the next turn, if there is one.
  void on_address_failed(const DialFailure& failure);
  void on_address_failed(ErrorCode code, std::string reason);
  void on_dial_time();
  void report_dial_failure(ErrorCode code, std::string_view reason);
  /// Counts a TLS handshake that has succeeded, once.
  void on_secured(lws* socket);
  /// Nothing the socket does from here on concerns us.
  void abandon_socket();
  void on_destroyed();
  void on_time();
  void report_drained();
  /// Tells the owner, once.
  void end(std::uint16_t status, std::string_view reason);

  WebSocketTransport& transport_;
  State state_;
  bool is_accepted_;
  Security security_;
  bool is_secured_ = false;     ///< Its TLS handshake is done.
  bool came_over_tls_ = false;  ///< Accepted: from the peer to us, or to a proxy that we trust.
  bool is_pending_ = false;     ///< Counted among the sockets without a whole request.
  bool is_counted_ = false;     ///< Counted among the accepted WebSockets.
  bool is_connecting_ = false;  ///< Inside libwebsockets' connect call: must not be deleted.
  link::ConnectionId id_;
  WebSocketUrl url_;
  std::deque<std::string> addresses_;  ///< Not tried yet.
  bool is_between_ = false;  ///< One address has failed, the next one is about to be tried.
  DialStage stage_ = DialStage::name;
  Instant dial_until_{};
  std::string remote_address_;
  lws* socket_ = nullptr;
  Timer timer_;
  std::optional<HttpExchange> http_;

  Bytes message_;  ///< Fragments so far.
  std::size_t fragments_ = 0;
  Instant message_began_{};
  /// Whole ones, as far as `may_be_identified` counts them.
  std::uint8_t messages_ = 0;
  SideTraffic side_traffic_;

  std::deque<Frame> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t unreported_bytes_ = 0;

  ErrorCode dial_error_ = ErrorCode::none;
  std::uint16_t close_status_ = 0;
  std::string reason_;
};

}  // namespace trestle::host
