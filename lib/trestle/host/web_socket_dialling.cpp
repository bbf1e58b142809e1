// The part of a WebSocketConnection's life before it is one: dialling.
#include <string>
#include <utility>

#include "trestle/host/clock.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/host/web_socket_transport.hpp"

namespace trestle::host {

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
  addresses_.erase(addresses_.begin());
  timer_.start((dial_until_ - steady_now()) / shares);
  begin_dial(address);
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

void WebSocketConnection::on_dial_time() {
  if (is_between_) return try_next_address();
  if (addresses_.empty()) {
    if (stage_ == DialStage::connect && is_in_tls()) reach(DialStage::tls);
    const DialFailure failure{ErrorCode::timeout, Outlook::temporary, "no answer in time"};
    return report_dial_failure(failure.code, to_text(stage_, failure));
  }
  // This address has had its share of the time.
  lws* socket = socket_;
  abandon_socket();
  if (socket != nullptr) loop().kill(socket);
  try_next_address();
}

void WebSocketConnection::abandon_socket() {
  if (socket_ != nullptr) set_socket_user(socket_, nullptr);
  socket_ = nullptr;
  on_dial_abandoned();
}

std::string WebSocketConnection::asked_host() const {
  return to_text(HostPort{url_.host, url_.port});
}

void WebSocketConnection::reach(DialStage stage) {
  if (state_ != State::dialling) return;
  stage_ = stage;
  events().on_dial_stage(id_, stage);
}

void WebSocketConnection::note_upgrade_answer(const UpgradeAnswer& answer) {
  if (state_ == State::dialling) events().on_upgrade_answer(id_, answer);
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
  ++stats().dial_failures_total;
  events().on_dial_failed(id_, code, reason);
  drop();
}

}  // namespace trestle::host
