#include "trestle/host/web_socket_transport.hpp"

#include <utility>

#include <unistd.h>

#include "trestle/base/assertion.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/library_connection.hpp"
#include "trestle/host/raw_connection.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::host {

void TransportEvents::on_page_refused(const std::string&, const std::string&) {}
void TransportEvents::on_dial_stage(link::ConnectionId, DialStage) {}
void TransportEvents::on_upgrade_answer(link::ConnectionId, const UpgradeAnswer&) {}

WebSocketTransport::WebSocketTransport(EventLoop& loop, TransportEvents& events,
                                       const TransportOptions& options)
    : loop_(loop),
      events_(events),
      options_(options),
      resolver_(loop.loop(), options.names),
      arrivals_(options.arrivals),
      look_timer_(loop.loop(), [this] { look(); }) {
  if (options.kind == TransportKind::raw) handshakes_.emplace();
  look_timer_.start(options_.look_every);
}

WebSocketTransport::~WebSocketTransport() = default;

void WebSocketTransport::listen(ListeningSocket socket, Security security) {
  listens_locally_ = is_loopback_host(socket.address().host);
  acceptor_.emplace(loop_, std::move(socket),
                    [this, security](int descriptor, const std::string& remote_address) {
                      on_accepted_socket(descriptor, security, remote_address);
                    });
}

void WebSocketTransport::stop_listening() { acceptor_.reset(); }

void WebSocketTransport::limit_accepted(std::size_t connections_max, std::size_t per_address_max) {
  options_.connections_max = connections_max;
  options_.connections_per_address_max = per_address_max;
}

void WebSocketTransport::limit(const TransportOptions& limits) {
  options_.connections_per_network_max = limits.connections_per_network_max;
  options_.pending_max = limits.pending_max;
  options_.pending_per_address_max = limits.pending_per_address_max;
  options_.request_within = limits.request_within;
  options_.fragments_max = limits.fragments_max;
  options_.fragments_max_before_identity = limits.fragments_max_before_identity;
  options_.message_grace = limits.message_grace;
  options_.message_bytes_per_second_min = limits.message_bytes_per_second_min;
  options_.side_traffic = limits.side_traffic;
  arrivals_.limit(limits.arrivals);
}

void WebSocketTransport::on_accepted_socket(int descriptor, Security security,
                                            const std::string& remote_address) {
  if (!admits_caller(remote_address)) {
    ++stats_.refused_total;
    ::close(descriptor);
    return;
  }
  auto connection = make_accepted(security, remote_address);
  WebSocketConnection* key = connection.get();
  sockets_.emplace(key, std::move(connection));
  const bool is_adopted = options_.kind == TransportKind::raw
                              ? loop_.adopt_raw(descriptor, *key) != nullptr
                              : loop_.adopt(descriptor, security, *key);
  if (!is_adopted) remove(key);
}

std::unique_ptr<WebSocketConnection> WebSocketTransport::make_accepted(
    Security security, const std::string& remote_address) {
  if (options_.kind == TransportKind::raw) {
    return std::make_unique<RawConnection>(*this, security, remote_address);
  }
  return std::make_unique<LibraryConnection>(*this, security, remote_address);
}

std::unique_ptr<WebSocketConnection> WebSocketTransport::make_dialled(link::ConnectionId id,
                                                                      WebSocketUrl url) {
  if (options_.kind == TransportKind::raw) {
    return std::make_unique<RawConnection>(*this, id, std::move(url));
  }
  return std::make_unique<LibraryConnection>(*this, id, std::move(url));
}

bool WebSocketTransport::is_exempt(const std::string& address) const {
  return options_.exempts_loopback && link::is_loopback(address);
}

/// What costs least is asked first.
bool WebSocketTransport::admits_caller(const std::string& remote_address) {
  if (sockets_.size() + sockets_elsewhere_ >= options_.sockets_max) {
    ++stats_.refused_descriptors_total;
    return false;
  }
  const bool has_plenty = memory_ == node::MemoryState::plenty;
  if (stats_.pending >= (has_plenty ? options_.pending_max : options_.pending_max / 8)) {
    return false;
  }
  if (is_exempt(remote_address)) return true;
  // A proxy brings the requests of many callers.
  const bool is_proxy = options_.trusted_proxies.contains(remote_address);
  if (!is_proxy && !pending_by_address_.admits(remote_address, options_.pending_per_address_max)) {
    return false;
  }
  const auto counting =
      is_proxy ? ArrivalRates::Counting::in_all_only : ArrivalRates::Counting::by_address;
  if (arrivals_.admits(steady_now(), remote_address, counting)) return true;
  ++stats_.refused_arrivals_total;
  return false;
}

bool WebSocketTransport::admits(const std::string& remote_address) const {
  if (stats_.accepted >= options_.connections_max) return false;
  if (options_.connections_per_address_max == 0 || is_exempt(remote_address)) return true;
  return accepted_by_address_.admits(remote_address, options_.connections_per_address_max) &&
         accepted_by_network_.admits(remote_address, options_.connections_per_network_max);
}

void WebSocketTransport::count_accepted(const std::string& remote_address) {
  ++stats_.accepted;
  if (is_exempt(remote_address)) return;
  accepted_by_address_.add(remote_address);
  accepted_by_network_.add(remote_address);
}

void WebSocketTransport::uncount_accepted(const std::string& remote_address) {
  --stats_.accepted;
  if (is_exempt(remote_address)) return;
  accepted_by_address_.remove(remote_address);
  accepted_by_network_.remove(remote_address);
}

void WebSocketTransport::count_pending(const std::string& remote_address) {
  ++stats_.pending;
  if (!is_exempt(remote_address)) pending_by_address_.add(remote_address);
}

void WebSocketTransport::uncount_pending(const std::string& remote_address) {
  --stats_.pending;
  if (!is_exempt(remote_address)) pending_by_address_.remove(remote_address);
}

TransportStats WebSocketTransport::stats() const {
  TransportStats stats = stats_;
  if (acceptor_) stats.refused_descriptors_total += acceptor_->turned_away();
  return stats;
}

void WebSocketTransport::look() {
  const bool looks_beside = ++looks_ % options_.side_looks == 0;
  const Instant now = steady_now();
  for (const auto& [key, connection] : sockets_) connection->look(now, looks_beside);
  look_timer_.start(options_.look_every);
}

void WebSocketTransport::dial(const link::Dial& order) {
  TRESTLE_ASSERT(find(order.connection) == nullptr);
  const auto url = parse_web_socket_url(order.url);
  auto connection = make_dialled(order.connection, url ? *url : WebSocketUrl{});
  WebSocketConnection* key = connection.get();
  by_id_.emplace(order.connection.value(), key);
  sockets_.emplace(key, std::move(connection));
  if (!url) return key->fail_dial({ErrorCode::invalid_request, Outlook::permanent, url.error()});
  if (url->is_secure && loop_.tls() == nullptr) {
    return key->fail_dial(
        {ErrorCode::unsupported, Outlook::permanent, "wss:// is not set up here: " + order.url});
  }
  key->limit_dial(order.timeout);
  key->reach(DialStage::name);
  if (url->host == "localhost") return key->connect({"127.0.0.1"});
  if (is_literal_address(url->host)) return key->connect({url->host});
  key->resolution = resolver_.resolve(
      url->host,
      [this, id = order.connection](const Resolution& resolution) { on_resolved(id, resolution); });
}

void WebSocketTransport::on_resolved(link::ConnectionId id, const Resolution& resolution) {
  WebSocketConnection* connection = find(id);
  if (connection == nullptr) return;
  connection->resolution = 0;
  if (resolution.code != ErrorCode::none) {
    return connection->fail_dial({resolution.code,
                                  resolution.is_denied ? Outlook::permanent : Outlook::temporary,
                                  resolution.reason});
  }
  connection->connect(resolution.addresses);
}

void WebSocketTransport::send(link::SendFrame order) {
  // An id that is gone lost its connection in this turn: its owner has the news, or will drain it
  // presently.
  if (WebSocketConnection* connection = find(order.connection)) {
    connection->send(order.kind, std::move(order.bytes));
  }
}

void WebSocketTransport::close(link::CloseTransport order) {
  if (WebSocketConnection* connection = find(order.connection)) {
    connection->close(order.status, std::move(order.reason));
  }
}

std::optional<std::chrono::seconds> WebSocketTransport::certificate_left(
    link::ConnectionId connection) const {
  const WebSocketConnection* dialled = find(connection);
  return dialled == nullptr ? std::nullopt : dialled->certificate_left();
}

WebSocketConnection* WebSocketTransport::find(link::ConnectionId id) const {
  const auto place = by_id_.find(id.value());
  return place == by_id_.end() ? nullptr : place->second;
}

void WebSocketTransport::forget(link::ConnectionId id) { by_id_.erase(id.value()); }

void WebSocketTransport::remove(WebSocketConnection* connection) { sockets_.erase(connection); }

}  // namespace trestle::host
