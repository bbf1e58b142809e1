#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "trestle/base/bytes.hpp"
#include "trestle/host/connector.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/tls/engine.hpp"
#include "trestle/wire/websocket/client_upgrade.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"

namespace trestle::host {

/// A WebSocket whose protocol our own codec speaks: libwebsockets only moves its bytes.
///
///     socket -> (on_ciphertext) -> on_bytes -> an upgrade, then the codec -> deliver
///     queue_ -> fill_batch -> the codec -> (encrypt) -> write_out -> socket
///
/// All frames that a turn has queued leave in one write. A server's end is its direction's first:
/// what it said last would be lost to a reset if it hung up on a peer that is still sending.
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
  using Codec = wire::websocket::Connection;
  /// Whose bytes they are; nobody's, before a dial is connected and behind a plain answer.
  using Speaker = std::variant<std::monostate, wire::websocket::ServerUpgrade,
                               wire::websocket::ClientUpgrade, Codec>;

  void begin_dial(const std::string& address) override;
  void on_dial_abandoned() override;
  bool is_in_tls() const override;
  Incomplete incomplete() const override;
  /// The codec counts, and does so at once.
  bool floods_beside(std::uint32_t) override { return false; }
  void on_ordered() override;
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
  void on_request(wire::websocket::ServerUpgrade& upgrade);
  void on_upgrade_request(wire::websocket::ServerUpgrade& upgrade);
  /// With an answer that ends the connection.
  void turn_away(wire::websocket::ServerUpgrade& upgrade,
                 const wire::websocket::HttpAnswer& answer);
  /// False if the dial has failed by it.
  bool on_answer(const wire::websocket::ClientUpgrade& upgrade);
  void on_frames(std::span<std::uint8_t> bytes);
  void on_message(const wire::websocket::MessageArrived& message);
  void on_closed(const wire::websocket::Closed& closed);

  int on_writable();
  /// The socket takes nothing more for ever. What the peer sent before that is still to be read.
  int on_write_failed();
  /// Frames of the queue for one write, and behind the last of them the close that was ordered.
  void fill_batch();
  /// Hands over what waits until the socket takes no more. False: the socket is broken.
  bool write_out();
  ByteSpan waiting() const;
  void on_written(std::size_t bytes);
  void encrypt();
  /// Whether something waits that may be written now.
  bool can_write() const;
  /// Whether the system has everything.
  bool has_gone() const;

  wire::websocket::ConnectionOptions codec_options() const;
  wire::websocket::ReaderLimits reader_limits() const;

  std::optional<Connector> connector_;
  std::unique_ptr<tls::Engine> engine_;  ///< Null without TLS.
  Speaker speaker_;
  /// What is said before the first frame, or instead of one; written up to `head_gone_`.
  Bytes head_;
  std::size_t head_gone_ = 0;
  bool hangs_up_ = false;  ///< When everything has gone.
  bool is_write_broken_ = false;
};

}  // namespace trestle::host
