#include "trestle/wire/websocket/client_upgrade.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/websocket/http_syntax.hpp"

namespace trestle::wire::websocket {
namespace {

/// 100 and 103 may come before an answer (RFC 9110, section 15.2). More than a few are a game.
constexpr std::size_t kInterimAnswersMax = 4;
constexpr unsigned kSwitching = 101;

bool has_sound_names(const std::vector<std::string>& names) {
  for (auto one = names.begin(); one != names.end(); ++one) {
    if (!is_token(*one) || std::find(names.begin(), one, *one) != one) return false;
  }
  return true;
}

bool is_sound(const HttpField& field) {
  return is_token(field.name) && is_field_value(field.value);
}

}  // namespace

Result<ClientUpgrade, OrderFlaw> ClientUpgrade::make(const UpgradeOrder& order,
                                                     const HandshakeKey& key,
                                                     const HandshakeDigest& digest,
                                                     const HttpLimits& limits) {
  if (!is_host(order.host)) return refuse(OrderFlaw::host);
  if (!is_origin_form(order.target)) return refuse(OrderFlaw::target);
  if (!is_field_value(order.origin)) return refuse(OrderFlaw::origin);
  if (!has_sound_names(order.subprotocols)) return refuse(OrderFlaw::subprotocols);
  if (!std::all_of(order.fields.begin(), order.fields.end(), is_sound)) {
    return refuse(OrderFlaw::fields);
  }
  return ClientUpgrade(order, key, digest, limits);
}

ClientUpgrade::ClientUpgrade(const UpgradeOrder& order, const HandshakeKey& key,
                             const HandshakeDigest& digest, const HttpLimits& limits)
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
  append_field(output_, "Host", order.host);
  append_field(output_, "Upgrade", "websocket");
  append_field(output_, "Connection", "Upgrade");
  append_field(output_, "Sec-WebSocket-Key", key.text());
  append_field(output_, "Sec-WebSocket-Version", "13");
  if (!order.origin.empty()) append_field(output_, "Origin", order.origin);
  if (!order.subprotocols.empty()) {
    std::string names;
    for (const std::string& name : order.subprotocols) {
      if (!names.empty()) names.append(", ");
      names.append(name);
    }
    append_field(output_, "Sec-WebSocket-Protocol", names);
  }
  append_fields(output_, order.fields);
  append(output_, as_bytes("\r\n"));
}

Bytes ClientUpgrade::take_output() { return std::exchange(output_, {}); }

std::size_t ClientUpgrade::on_bytes(ByteSpan input) {
  std::size_t taken = 0;
  while (phase_ == Phase::waiting && taken < input.size()) {
    taken += head_.on_bytes(input.subspan(taken));
    if (head_.state() == HttpHead::State::incomplete) break;
    on_head();
  }
  return taken;
}

void ClientUpgrade::on_head() {
  if (head_.state() == HttpHead::State::flawed || !read_status_line()) {
    return fail(AnswerFlaw::head);
  }
  if (status_ == kSwitching) {
    const AnswerFlaw flaw = flaw_of_switch();
    if (flaw != AnswerFlaw::none) return fail(flaw);
    phase_ = Phase::open;
  } else if (status_ >= 200) {
    phase_ = Phase::refused;
  } else if (++interim_answers_ > kInterimAnswersMax) {
    fail(AnswerFlaw::interim);
  } else {
    head_ = HttpHead(limits_);
  }
}

/// RFC 9112, section 4: version, status, and perhaps a phrase behind another space. Some servers
/// leave that space out with the phrase, as clients are told to forgive.
bool ClientUpgrade::read_status_line() {
  const std::string_view line = head_.start_line();
  constexpr std::string_view kName = "HTTP/1.";
  constexpr std::size_t kStatusBegins = kName.size() + 2;
  constexpr std::size_t kStatusEnds = kStatusBegins + 3;
  if (line.size() < kStatusEnds || !line.starts_with(kName)) return false;
  const char minor = line[kName.size()];
  if ((minor != '0' && minor != '1') || line[kName.size() + 1] != ' ') return false;
  if (line.size() > kStatusEnds && line[kStatusEnds] != ' ') return false;
  unsigned status = 0;
  for (const char letter : line.substr(kStatusBegins, 3)) {
    if (letter < '0' || letter > '9') return false;
    status = 10 * status + static_cast<unsigned>(letter - '0');
  }
  if (status < 100 || status > 599) return false;
  is_http_1_1_ = minor == '1';
  status_ = status;
  return true;
}

/// Section 4.1, what a client must look at in a 101.
AnswerFlaw ClientUpgrade::flaw_of_switch() const {
  if (!is_http_1_1_) return AnswerFlaw::version;
  if (head_.count("upgrade") != 1 || !equals_ignoring_case(*head_.value("upgrade"), "websocket")) {
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
