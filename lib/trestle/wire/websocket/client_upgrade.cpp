#include "trestle/wire/websocket/client_upgrade.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/http/status_line.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::wire::websocket {
namespace {

/// 100 and 103 may come before an answer (RFC 9110, section 15.2). More than a few are a game.
constexpr std::size_t kInterimAnswersMax = 4;
constexpr unsigned kSwitching = 101;

bool has_sound_names(const std::vector<std::string>& names) {
  for (auto one = names.begin(); one != names.end(); ++one) {
    if (!http::is_token(*one) || std::find(names.begin(), one, *one) != one) return false;
  }
  return true;
}

bool is_sound(const http::Field& field) {
  return http::is_token(field.name) && http::is_field_value(field.value);
}

}  // namespace

Result<ClientUpgrade, OrderFlaw> ClientUpgrade::make(const UpgradeOrder& order,
                                                     const HandshakeKey& key,
                                                     const HandshakeDigest& digest,
                                                     const http::HeadLimits& limits) {
  if (!http::is_host(order.host)) return refuse(OrderFlaw::host);
  if (!http::is_origin_form(order.target)) return refuse(OrderFlaw::target);
  if (!http::is_field_value(order.origin)) return refuse(OrderFlaw::origin);
  if (!has_sound_names(order.subprotocols)) return refuse(OrderFlaw::subprotocols);
  if (!std::all_of(order.fields.begin(), order.fields.end(), is_sound)) {
    return refuse(OrderFlaw::fields);
  }
  return ClientUpgrade(order, key, digest, limits);
}

ClientUpgrade::ClientUpgrade(const UpgradeOrder& order, const HandshakeKey& key,
                             const HandshakeDigest& digest, const http::HeadLimits& limits)
    : limits_(limits),
      accept_(accept_text(digest)),
      subprotocols_(order.subprotocols),
      head_(limits) {
  write_request(order, key);
}

void ClientUpgrade::write_request(const UpgradeOrder& order, const HandshakeKey& key) {
  append(output_, as_bytes("GET "));
  append(output_, as_bytes(order.target));
  append(output_, as_bytes(" HTTP/1.1\r\n"));
  http::append_field(output_, "Host", order.host);
  http::append_field(output_, "Upgrade", "websocket");
  http::append_field(output_, "Connection", "Upgrade");
  http::append_field(output_, "Sec-WebSocket-Key", key.text());
  http::append_field(output_, "Sec-WebSocket-Version", "13");
  if (!order.origin.empty()) http::append_field(output_, "Origin", order.origin);
  if (!order.subprotocols.empty()) {
    std::string names;
    for (const std::string& name : order.subprotocols) {
      if (!names.empty()) names.append(", ");
      names.append(name);
    }
    http::append_field(output_, "Sec-WebSocket-Protocol", names);
  }
  http::append_fields(output_, order.fields);
  append(output_, as_bytes("\r\n"));
}

Bytes ClientUpgrade::take_output() { return std::exchange(output_, {}); }

std::size_t ClientUpgrade::on_bytes(ByteSpan input) {
  std::size_t taken = 0;
  while (phase_ == Phase::waiting && taken < input.size()) {
    taken += head_.on_bytes(input.subspan(taken));
    if (head_.state() == http::Head::State::incomplete) break;
    on_head();
  }
  return taken;
}

void ClientUpgrade::on_head() {
  if (head_.state() == http::Head::State::flawed) return fail(AnswerFlaw::head);
  const auto line = http::read_status_line(head_.start_line());
  if (!line) return fail(AnswerFlaw::head);
  is_http_1_1_ = line->is_http_1_1;
  status_ = line->status;
  if (status_ == kSwitching) {
    const AnswerFlaw flaw = flaw_of_switch();
    if (flaw != AnswerFlaw::none) return fail(flaw);
    phase_ = Phase::open;
  } else if (status_ >= 200) {
    phase_ = Phase::refused;
  } else if (++interim_answers_ > kInterimAnswersMax) {
    fail(AnswerFlaw::interim);
  } else {
    head_ = http::Head(limits_);
  }
}

/// Section 4.1, what a client must look at in a 101.
AnswerFlaw ClientUpgrade::flaw_of_switch() const {
  if (!is_http_1_1_) return AnswerFlaw::version;
  if (head_.count("upgrade") != 1 ||
      !http::equals_ignoring_case(*head_.value("upgrade"), "websocket")) {
    return AnswerFlaw::upgrade;
  }
  if (!head_.lists("connection", "upgrade")) return AnswerFlaw::connection;
  if (head_.count("sec-websocket-accept") != 1 || head_.value("sec-websocket-accept") != accept_) {
    return AnswerFlaw::accept;
  }
  if (head_.count("sec-websocket-extensions") > 0) return AnswerFlaw::extension;
  if (head_.count("sec-websocket-protocol") > 0) {
    const std::string_view chosen = subprotocol();
    const bool is_offered =
        std::find(subprotocols_.begin(), subprotocols_.end(), chosen) != subprotocols_.end();
    if (!is_offered || head_.count("sec-websocket-protocol") > 1) return AnswerFlaw::subprotocol;
  }
  if (head_.count("content-length") > 0 || head_.count("transfer-encoding") > 0) {
    return AnswerFlaw::framing;
  }
  return AnswerFlaw::none;
}

void ClientUpgrade::fail(AnswerFlaw flaw) {
  flaw_ = flaw;
  phase_ = Phase::failed;
}

std::string_view ClientUpgrade::subprotocol() const {
  return head_.value("sec-websocket-protocol").value_or(std::string_view{});
}

}  // namespace trestle::wire::websocket
