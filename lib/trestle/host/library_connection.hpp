#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/fifo.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/host/side_traffic.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/wire/websocket/utf8_check.hpp"

namespace trestle::host {

/// A WebSocket whose protocol libwebsockets speaks.
class LibraryConnection final : public WebSocketConnection {
 public:
  LibraryConnection(WebSocketTransport& transport, Security security, std::string remote_address);
  LibraryConnection(WebSocketTransport& transport, link::ConnectionId id, WebSocketUrl url);

  int on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) override;
  std::optional<std::chrono::seconds> certificate_left() const override;

 private:
  void begin_dial(const std::string& address) override;
  bool is_in_tls() const override;
  Incomplete incomplete() const override { return {message_began_, message_.size()}; }
  bool floods_beside(std::uint32_t seconds) override;
  bool enqueue(link::FrameKind kind, Bytes bytes) override;
  void on_close_ordered() override;
  void on_ended() override { queue_.clear(); }

  int on_http_event(lws* socket, int reason, void* in, std::size_t bytes);
  int on_upgrade(lws* socket);
  /// Answers with a whole response and ends the connection.
  int turn_away(lws* socket, std::string_view response);
  int add_answer_headers(lws* socket, void* arguments);
  void note_answer(lws* socket, unsigned status);
  void on_open(lws* socket);
  void on_handshake_done(lws* socket);
  int on_received(lws* socket, ByteSpan part);
  void refuse_message(lws* socket, std::uint16_t status, std::string_view reason);
  int on_writable(lws* socket);
  bool write_front(lws* socket);
  int on_peer_closing(ByteSpan payload);
  void on_dial_error(lws* socket, std::string_view text);
  void on_gone();

  struct Frame {
    link::FrameKind kind;
    Bytes bytes;
  };

  Fifo<Frame> queue_;  ///< What the socket has not taken.
  std::size_t queue_bytes_ = 0;
  bool is_connecting_ = false;  ///< Inside libwebsockets' connect call: must not be deleted.
  std::optional<HttpExchange> http_;
  Bytes message_;  ///< Fragments so far.
  std::size_t fragments_ = 0;
  wire::websocket::Utf8Check utf8_;  ///< Of a text.
  bool is_refusing_ = false;         ///< The close frame of `refuse_message` has not gone.
  Instant message_began_ = kNever;
  SideTraffic side_traffic_;
};

}  // namespace trestle::host
