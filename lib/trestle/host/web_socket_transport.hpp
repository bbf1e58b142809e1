#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "trestle/host/acceptor.hpp"
#include "trestle/host/address_counts.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/handshake_source.hpp"
#include "trestle/host/name_resolver.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/node/limits.hpp"

namespace trestle::host {

/// Counters for `/status`; names end in `_total` there.
struct TransportStats {
  std::size_t connections = 0;  ///< Open now, dialled and accepted.
  std::size_t accepted = 0;     ///< Open now, accepted.
  std::size_t pending = 0;      ///< Accepted sockets without a whole request.
  std::uint64_t accepted_total = 0;
  /// Those of them that came over TLS, to us or to a trusted proxy.
  std::uint64_t accepted_secure_total = 0;
  std::uint64_t dialled_total = 0;
  std::uint64_t dial_failures_total = 0;
  std::uint64_t refused_total = 0;              ///< Upgrades and sockets over a bound.
  std::uint64_t refused_arrivals_total = 0;     ///< Of these, sockets that came too fast.
  std::uint64_t refused_descriptors_total = 0;  ///< Sockets for which there was no descriptor.
  std::uint64_t refused_memory_total = 0;       ///< Upgrades while there was no memory.
  std::uint64_t slow_messages_total = 0;        ///< Connections cut because a message trickled in.
  std::uint64_t side_floods_total = 0;    ///< Connections cut for their traffic beside messages.
  std::uint64_t pages_refused_total = 0;  ///< Upgrades asked for by pages that may not.
  std::uint64_t frames_received_total = 0;
  std::uint64_t frames_sent_total = 0;
  std::uint64_t bytes_received_total = 0;
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t tls_handshakes_total = 0;   ///< Succeeded, dialled and accepted.
  std::uint64_t tls_resumptions_total = 0;  ///< Those of them that took a session up again.
  std::uint64_t tls_failures_total = 0;     ///< Begun and not finished, whoever gave up.
};

/// All WebSockets of a node, by the id the core knows them under: the adapter of the transport
/// orders to libwebsockets, whoever of `TransportKind` speaks on its sockets.
///
/// Reports to its owner from inside the loop's callbacks and never from inside an order, so an
/// order may be given while the node is being drained.
class WebSocketTransport {
 public:
  WebSocketTransport(EventLoop& loop, TransportEvents& events,
                     const TransportOptions& options = {});
  ~WebSocketTransport();
  WebSocketTransport(const WebSocketTransport&) = delete;
  WebSocketTransport& operator=(const WebSocketTransport&) = delete;

  /// Accepts WebSockets on any path, and plain HTTP that the owner answers. Once.
  void listen(ListeningSocket socket, Security security = Security::plain);
  void stop_listening();

  void dial(const link::Dial& order);
  void send(link::SendFrame order);
  void close(link::CloseTransport order);

  TransportStats stats() const;
  /// How long the certificate of who was dialled is valid; nothing without TLS.
  std::optional<std::chrono::seconds> certificate_left(link::ConnectionId connection) const;
  /// Sockets that still exist, closing ones included.
  std::size_t sockets() const { return sockets_.size(); }
  /// Those of them that are no connection of the core's any more, or not yet.
  std::size_t leaving() const { return sockets_.size() - by_id_.size(); }
  /// Sockets that others hold, and that the bound on all of them counts.
  void count_elsewhere(std::size_t sockets) { sockets_elsewhere_ = sockets; }
  /// More or fewer may be accepted from now on; those that are in stay.
  /// From now on; who is connected stays.
  void admit_pages(PageGate pages) { options_.pages = std::move(pages); }
  void limit_accepted(std::size_t connections_max, std::size_t per_address_max);
  /// Takes over what may change while callers come and go.
  void limit(const TransportOptions& limits);
  /// While memory is short: few callers at a time, or nobody at all.
  void set_memory_state(node::MemoryState state) { memory_ = state; }

  /// For one connection at a time, within one call: an outgoing frame with the head room that
  /// libwebsockets writes into, or what the raw transport has decrypted.
  std::vector<unsigned char>& scratch() { return scratch_; }
  /// Of the raw transport alone.
  HandshakeSource& handshakes() { return *handshakes_; }

 private:
  friend class WebSocketConnection;

  void on_accepted_socket(int descriptor, Security security, const std::string& remote_address);
  /// Whether one more WebSocket from there is within the bounds.
  bool admits(const std::string& remote_address) const;
  /// Whether one more socket from there may send its request.
  bool admits_caller(const std::string& remote_address);
  bool is_exempt(const std::string& address) const;
  void look();
  void count_accepted(const std::string& remote_address);
  void uncount_accepted(const std::string& remote_address);
  void count_pending(const std::string& remote_address);
  void uncount_pending(const std::string& remote_address);
  void on_resolved(link::ConnectionId id, const Resolution& resolution);
  std::unique_ptr<WebSocketConnection> make_accepted(Security security,
                                                     const std::string& remote_address);
  std::unique_ptr<WebSocketConnection> make_dialled(link::ConnectionId id, WebSocketUrl url);
  WebSocketConnection* find(link::ConnectionId id) const;
  /// The owner is done with this id, or it with the owner.
  void forget(link::ConnectionId id);
  /// Deletes the connection.
  void remove(WebSocketConnection* connection);

  EventLoop& loop_;
  TransportEvents& events_;
  TransportOptions options_;
  TransportStats stats_;
  NameResolver resolver_;
  std::optional<Acceptor> acceptor_;
  bool listens_locally_ = false;  ///< On an address that only this machine can reach.
  AddressCounts accepted_by_address_;
  AddressCounts pending_by_address_;
  AddressCounts accepted_by_network_{AddressCounts::By::network};
  ArrivalRates arrivals_;
  node::MemoryState memory_ = node::MemoryState::plenty;
  Timer look_timer_;
  std::uint32_t looks_ = 0;
  std::size_t sockets_elsewhere_ = 0;
  std::unordered_map<WebSocketConnection*, std::unique_ptr<WebSocketConnection>> sockets_;
  std::unordered_map<std::uint64_t, WebSocketConnection*> by_id_;
  std::vector<unsigned char> scratch_;
  std::optional<HandshakeSource> handshakes_;
};

}  // namespace trestle::host
