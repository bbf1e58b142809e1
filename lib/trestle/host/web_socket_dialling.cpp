// The part of a WebSocketConnection's life before it is one: dialling.
#include <cerrno>
#include <string>
#include <utility>

#include <libwebsockets.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/host/web_socket_transport.hpp"

namespace trestle::host {
namespace {

std::string host_header(const WebSocketUrl& url) { return to_text(HostPort{url.host, url.port}); }

ErrorCode code_of_system_error(int error) {
  switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return ErrorCode::unreachable;
    case EMFILE:
    case ENFILE:
      return ErrorCode::busy;
    default:
      return ErrorCode::refused;
  }
}

/// libwebsockets reports a failed dial as a sentence only.
ErrorCode code_of_library_text(std::string_view text) {
  if (text.starts_with("Unable to connect")) return ErrorCode::refused;
  if (text.starts_with("HS: ws upgrade")) return ErrorCode::refused;
  if (text.starts_with("HS:")) return ErrorCode::protocol_error;
  return ErrorCode::connection_lost;
}

/// An ordinary HTTP answer to an upgrade is the commonest mistake of a deployment, and the
/// library's words for it help nobody (BOOT-04).
std::string reason_of_library_text(lws* socket, std::string_view text) {
  if (!text.starts_with("HS: ws upgrade response not 101")) return std::string(text);
  const unsigned status = lws_http_client_http_response(socket);
  return "answered HTTP " + std::to_string(status) +
         " where the switch to WebSocket (101) was expected: another program listens there, or a "
         "proxy does not pass the upgrade on; check port and path of the URL, and the proxy";
}

}  // namespace

void WebSocketConnection::limit_dial(Duration timeout) {
  dial_until_ = steady_now() + timeout;
  timer_.start(timeout);
}

void WebSocketConnection::connect(std::vector<std::string> addresses) {
  addresses_.assign(addresses.begin(), addresses.end());
  try_next_address();
}

void WebSocketConnection::try_next_address() {
  if (state_ != State::dialling) return;
  is_between_ = false;
  const std::string address = std::move(addresses_.front());
  const auto shares = static_cast<Duration::rep>(addresses_.size());
  addresses_.pop_front();
  timer_.start((dial_until_ - steady_now()) / shares);
  errno = 0;
  is_connecting_ = true;
  lws* socket = transport_.loop_.connect(
      {address, url_.port, security_, host_header(url_), url_.path}, *this);
  const int error = errno;
  is_connecting_ = false;
  socket_ = socket;
  if (socket == nullptr) {
    return on_address_failed(code_of_system_error(error), "cannot connect to " + host_header(url_));
  }
  transport_.loop_.nudge();
}

void WebSocketConnection::on_address_failed(ErrorCode code, std::string reason) {
  if (state_ != State::dialling) return;
  if (addresses_.empty()) return fail_dial(code, std::move(reason));
  abandon_socket();
  is_between_ = true;
  timer_.start(Duration::zero());
}

void WebSocketConnection::on_dial_error(lws* socket, std::string_view text) {
  if (const auto failure = Tls::failure(tls_connection(socket))) {
    ++transport_.stats_.tls_failures_total;
    return on_address_failed(failure->code, failure->reason);
  }
  if (tls_connection(socket) != nullptr) on_secured(socket);
  on_address_failed(code_of_library_text(text), reason_of_library_text(socket, text));
}

void WebSocketConnection::on_dial_time() {
  if (is_between_) return try_next_address();
  if (addresses_.empty()) return report_dial_failure(ErrorCode::timeout, "no answer in time");
  // This address has had its share of the time.
  lws* socket = socket_;
  abandon_socket();
  if (socket != nullptr) transport_.loop_.kill(socket);
  try_next_address();
}

void WebSocketConnection::abandon_socket() {
  if (socket_ != nullptr) set_socket_user(socket_, nullptr);
  socket_ = nullptr;
}

void WebSocketConnection::fail_dial(ErrorCode code, std::string reason) {
  if (state_ != State::dialling) return;
  state_ = State::failed;
  dial_error_ = code;
  reason_ = std::move(reason);
  timer_.start(Duration::zero());
}

void WebSocketConnection::report_dial_failure(ErrorCode code, std::string_view reason) {
  state_ = State::ended;
  transport_.forget(id_);
  ++transport_.stats_.dial_failures_total;
  transport_.events_.on_dial_failed(id_, code, reason);
  if (socket_ != nullptr) {
    transport_.loop_.kill(socket_);
  } else {
    transport_.remove(this);
  }
}

}  // namespace trestle::host
