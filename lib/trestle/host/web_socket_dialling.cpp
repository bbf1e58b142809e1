// The part of a WebSocketConnection's life before it is one: dialling.
#include <cerrno>
#include <string>
#include <utility>

#include <libwebsockets.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/http_header.hpp"
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

/// Whether there is an HTTP answer to explain, and not only the library's words for it.
bool is_http_answer(std::string_view text) {
  return text.starts_with("HS: ws upgrade response not 101") ||
         text.starts_with("HS: ws upgrade unauthorized");
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
  if (socket != nullptr) reach(DialStage::connect);
  if (socket == nullptr) {
    return on_address_failed(code_of_system_error(error), "cannot connect to " + host_header(url_));
  }
  transport_.loop_.nudge();
}

void WebSocketConnection::on_address_failed(ErrorCode code, std::string reason) {
  on_address_failed({code, outlook_of(stage_, code), std::move(reason)});
}

void WebSocketConnection::on_address_failed(const DialFailure& failure) {
  if (state_ != State::dialling) return;
  if (addresses_.empty()) return fail_dial(failure);
  abandon_socket();
  is_between_ = true;
  timer_.start(Duration::zero());
}

void WebSocketConnection::on_dial_error(lws* socket, std::string_view text) {
  if (const auto failure = Tls::failure(tls_connection(socket))) {
    ++transport_.stats_.tls_failures_total;
    reach(DialStage::tls);
    return on_address_failed(failure->code, failure->reason);
  }
  if (tls_connection(socket) != nullptr) on_secured(socket);
  if (is_http_answer(text)) {
    const unsigned status = lws_http_client_http_response(socket);
    note_upgrade_answer(socket, status);
    return on_address_failed(
        explain_http_answer(status, url_.path, http_header(socket, WSI_TOKEN_HTTP_LOCATION)));
  }
  const bool is_refused = text.starts_with("Unable to connect");
  on_address_failed(
      code_of_library_text(text),
      is_refused ? "nothing takes connections at " + host_header(url_) : std::string(text));
}

void WebSocketConnection::on_dial_time() {
  if (is_between_) return try_next_address();
  if (addresses_.empty()) {
    const bool is_in_tls = stage_ == DialStage::connect && tls_connection(socket_) != nullptr;
    if (is_in_tls) reach(DialStage::tls);
    const DialFailure failure{ErrorCode::timeout, Outlook::temporary, "no answer in time"};
    return report_dial_failure(failure.code, to_text(stage_, failure));
  }
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

void WebSocketConnection::reach(DialStage stage) {
  if (state_ != State::dialling) return;
  stage_ = stage;
  transport_.events_.on_dial_stage(id_, stage);
}

void WebSocketConnection::note_upgrade_answer(lws* socket, unsigned status) {
  if (state_ != State::dialling) return;
  transport_.events_.on_upgrade_answer(id_, {status, http_header(socket, WSI_TOKEN_HTTP_DATE),
                                             http_header(socket, WSI_TOKEN_HTTP_CONTENT_LOCATION)});
}

void WebSocketConnection::fail_dial(const DialFailure& failure) {
  if (state_ != State::dialling) return;
  state_ = State::failed;
  dial_error_ = failure.code;
  reason_ = to_text(stage_, failure);
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
