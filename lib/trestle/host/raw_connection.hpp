#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/host/connector.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/tls/engine.hpp"
#include "trestle/wire/websocket/endpoint.hpp"

namespace trestle::host {

/// A WebSocket whose protocol our own machine speaks: libwebsockets only moves its bytes.
///
///     socket -> (on_ciphertext) -> on_bytes -> the endpoint -> deliver
///     enqueue -> the endpoint -> fill_batch -> (encrypt) -> write_out -> socket
///
/// All frames that a turn has queued leave in one write. `timer_` stands for the deadlines of the
/// endpoint: it has their bounds, and ends the socket.
class RawConnection final : public WebSocketConnection {
 public:
  RawConnection(WebSocketTransport& transport, Security security, std::string remote_address);
  RawConnection(WebSocketTransport& transport, link::ConnectionId id, WebSocketUrl url);
  ~RawConnection() override;

  int on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) override;
  void flush() override;
  void flush_next_turn() override;
  std::optional<std::chrono::seconds> certificate_left() const override;

 private:
  void begin_dial(const std::string& address) override;
  void on_dial_abandoned() override;
  bool is_in_tls() const override;
  Incomplete incomplete() const override;
  /// The codec counts, and does so at once.
  bool floods_beside(std::uint32_t) override { return false; }
  bool enqueue(link::FrameKind kind, Bytes bytes) override;
  void on_close_ordered() override;
  void on_look() override;

  void on_connected(int descriptor, int error);
  /// The request for a WebSocket; false if it cannot be made.
  bool ask();
  int on_ciphertext(ByteSpan bytes);
  void on_handshake_done();
  /// A dial that TLS has failed; true if it was one.
  bool fail_in_tls();
  void on_socket_closed();
  /// What the peer has sent, as it was before anything encrypted it. Borrowed, and changed.
  int on_bytes(std::span<std::uint8_t> bytes);
  /// What came of that. False: a dial has failed by it.
  bool drain();
  void on_request(const wire::websocket::ServerUpgrade& request);
  void on_upgrade_request(const wire::websocket::ServerUpgrade& request);
  /// With an answer that ends the connection.
  void turn_away(const wire::http::Answer& answer);
  /// False if the dial has failed by it.
  bool on_answer(const wire::websocket::ClientUpgrade& answer);
  void on_message(const wire::websocket::MessageArrived& message);
  void on_closed(const wire::websocket::Closed& closed);
  /// For as long as the endpoint gives its closing.
  void limit_closing();

  int on_writable();
  /// The socket takes nothing more for ever. What the peer sent before that is still to be read.
  int on_write_failed();
  /// Whether the queue still concerns anybody.
  bool may_fill() const { return state_ == State::open || state_ == State::closing; }
  void fill_batch();
  /// Hands over what waits until the socket takes no more. False: the socket is broken.
  bool write_out();
  void encrypt();
  /// Whether something waits that may be written now.
  bool can_write() const;
  /// Whether the system has everything.
  bool has_gone() const;

  wire::websocket::EndpointOptions endpoint_options() const;
  wire::websocket::ReaderLimits reader_limits() const;

  std::optional<Connector> connector_;
  std::unique_ptr<tls::Engine> engine_;  ///< Null without TLS.
  wire::websocket::Endpoint endpoint_;   ///< Nobody's before a dial is connected.
  bool is_write_broken_ = false;
};

}  // namespace trestle::host
