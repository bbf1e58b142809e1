#include "trestle/wire/websocket/server_upgrade.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::wire::websocket {
namespace {

constexpr std::string_view kVersion = "13";

bool is_version_of_http(std::string_view text) {
  constexpr std::string_view kName = "HTTP/";
  constexpr auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  return text.size() == kName.size() + 3 && text.starts_with(kName) && is_digit(text[5]) &&
         text[6] == '.' && is_digit(text[7]);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// How much of a URL stands in front of its host; 0 if it is none of a scheme that we serve.
std::size_t scheme_bytes(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (http::equals_ignoring_case(url.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

}  // namespace

std::size_t ServerUpgrade::on_bytes(ByteSpan input) {
  if (phase_ != Phase::reading) return 0;
  const std::size_t taken = head_.on_bytes(input);
  if (head_.state() == http::Head::State::incomplete) return taken;
  if (head_.state() == http::Head::State::flawed) {
    const bool is_too_much = head_.flaw() == http::HeadFlaw::too_large ||
                             head_.flaw() == http::HeadFlaw::too_many_fields;
    refuse_request({RequestFlaw::head, is_too_much ? 431u : 400u});
  } else if (const auto refusal = read_request()) {
    refuse_request(*refusal);
  } else {
    phase_ = Phase::asked;
  }
  return taken;
}

void ServerUpgrade::refuse_request(Refusal refusal) {
  flaw_ = refusal.flaw;
  phase_ = Phase::answered;
  http::Answer answer{.status = refusal.status, .content_type = {}, .body = {}, .fields = {}};
  if (refusal.status == 405) answer.fields.push_back({"Allow", "GET, HEAD"});
  if (refusal.status == 426) {
    // RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
    answer.fields.push_back({"Connection", "Upgrade"});
    answer.fields.push_back({"Upgrade", "websocket"});
    answer.fields.push_back({"Sec-WebSocket-Version", std::string(kVersion)});
  }
  http::append_answer(output_, answer, http::BodyPart::sent);
}

std::optional<ServerUpgrade::Refusal> ServerUpgrade::read_request() {
  if (const auto refusal = read_request_line()) return refusal;
  if (const auto refusal = check_framing()) return refusal;
  if (const auto refusal = check_host()) return refusal;
  for (const std::string_view name : {"origin", "sec-websocket-key", "sec-websocket-version"}) {
    if (head_.count(name) > 1) return Refusal{RequestFlaw::repeated, 400};
  }
  // RFC 9110, section 7.8: HTTP/1.0 knows no upgrade, and `Upgrade` without `Connection` is meant
  // for the hop before us.
  const bool wants_upgrade = !is_http_1_0_ && kind_ == RequestKind::get &&
                             head_.lists("upgrade", "websocket") &&
                             head_.lists("connection", "upgrade");
  if (wants_upgrade) return read_upgrade();
  if (head_.count("sec-websocket-key") > 0 || head_.count("sec-websocket-version") > 0) {
    return Refusal{RequestFlaw::no_upgrade, 426};
  }
  return std::nullopt;
}

/// RFC 9112, section 3: method, target and version, one space between them.
std::optional<ServerUpgrade::Refusal> ServerUpgrade::read_request_line() {
  const std::string_view line = head_.start_line();
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Refusal{RequestFlaw::head, 400};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!http::is_token(method) || !is_version_of_http(version))
    return Refusal{RequestFlaw::head, 400};
  is_http_1_0_ = version == "HTTP/1.0";
  if (version != "HTTP/1.1" && !is_http_1_0_) return Refusal{RequestFlaw::version, 505};
  if (method != "GET" && method != "HEAD") return Refusal{RequestFlaw::method, 405};
  kind_ = method == "GET" ? RequestKind::get : RequestKind::head;
  target_begins_ = first + 1;
  return read_target(target);
}

/// A path, or a URL of one as it is written to proxies, which servers take as well (RFC 9112,
/// section 3.2.2).
std::optional<ServerUpgrade::Refusal> ServerUpgrade::read_target(std::string_view target) {
  if (!target.starts_with('/')) {
    const std::size_t scheme = scheme_bytes(target);
    if (scheme == 0) return Refusal{RequestFlaw::target, 400};
    authority_begins_ = target_begins_ + scheme;
    target.remove_prefix(scheme);
    authority_bytes_ = std::min(target.find_first_of("/?"), target.size());
    if (!http::is_host(target.substr(0, authority_bytes_)))
      return Refusal{RequestFlaw::target, 400};
    target_begins_ = authority_begins_ + authority_bytes_;
    target.remove_prefix(authority_bytes_);
  }
  target_bytes_ = target.size();
  // Behind a host the path may be empty.
  const bool is_sound =
      target.empty() || target.front() == '?'
          ? authority_bytes_ > 0 && http::is_origin_form("/" + std::string(target))
          : http::is_origin_form(target);
  if (!is_sound) return Refusal{RequestFlaw::target, 400};
  return std::nullopt;
}

/// No request here has a body, and none may be understood as having one (RFC 9112, section 6.3).
std::optional<ServerUpgrade::Refusal> ServerUpgrade::check_framing() const {
  const std::size_t lengths = head_.count("content-length");
  if (head_.count("transfer-encoding") > 0 || lengths > 1) {
    return Refusal{RequestFlaw::framing, 400};
  }
  if (lengths == 0) return std::nullopt;
  const std::string_view length = *head_.value("content-length");
  if (!is_number(length)) return Refusal{RequestFlaw::framing, 400};
  if (length.find_first_not_of('0') != std::string_view::npos) {
    return Refusal{RequestFlaw::body, 413};
  }
  return std::nullopt;
}

/// RFC 9112, section 3.2.
std::optional<ServerUpgrade::Refusal> ServerUpgrade::check_host() const {
  constexpr Refusal kRefused{RequestFlaw::host, 400};
  const std::size_t lines = head_.count("host");
  if (lines > 1 || (lines == 0 && !is_http_1_0_)) return kRefused;
  if (lines == 0) return std::nullopt;
  const std::string_view named = *head_.value("host");
  if (!http::is_host(named)) return kRefused;
  // A client that writes a URL names the same host twice; where the two differ, somebody between us
  // has read another one than we would.
  if (authority_bytes_ > 0 && !http::equals_ignoring_case(named, host())) return kRefused;
  return std::nullopt;
}

/// RFC 6455, section 4.2.1.
std::optional<ServerUpgrade::Refusal> ServerUpgrade::read_upgrade() {
  if (head_.value("sec-websocket-version") != kVersion) {
    return Refusal{RequestFlaw::other_protocol_version, 426};
  }
  key_ = HandshakeKey::parse(head_.value("sec-websocket-key").value_or(std::string_view{}));
  if (!key_) return Refusal{RequestFlaw::key, 400};
  if (!has_sound_subprotocols()) return Refusal{RequestFlaw::subprotocols, 400};
  kind_ = RequestKind::upgrade;
  return std::nullopt;
}

bool ServerUpgrade::has_sound_subprotocols() const {
  const std::string names = head_.joined("sec-websocket-protocol");
  std::vector<std::string_view> seen;
  http::MemberList members(names);
  for (auto name = members.next(); !name.empty(); name = members.next()) {
    if (!http::is_token(name) || std::find(seen.begin(), seen.end(), name) != seen.end())
      return false;
    seen.push_back(name);
  }
  return !seen.empty() || head_.count("sec-websocket-protocol") == 0;
}

std::string_view ServerUpgrade::path() const {
  const std::string_view target = head_.start_line().substr(target_begins_, target_bytes_);
  const std::string_view path = target.substr(0, target.find('?'));
  return path.empty() ? std::string_view("/") : path;
}

std::string_view ServerUpgrade::query() const {
  const std::string_view target = head_.start_line().substr(target_begins_, target_bytes_);
  const std::size_t question = target.find('?');
  return question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
}

std::string_view ServerUpgrade::host() const {
  if (authority_bytes_ > 0) return head_.start_line().substr(authority_begins_, authority_bytes_);
  return head_.value("host").value_or(std::string_view{});
}

bool ServerUpgrade::offers_subprotocol(std::string_view name) const {
  const std::string names = head_.joined("sec-websocket-protocol");
  http::MemberList members(names);
  for (auto one = members.next(); !one.empty(); one = members.next()) {
    if (one == name) return true;
  }
  return false;
}

void ServerUpgrade::accept(const HandshakeDigest& digest, std::string_view subprotocol,
                           std::span<const http::Field> fields) {
  TRESTLE_ASSERT(phase_ == Phase::asked && kind_ == RequestKind::upgrade);
  TRESTLE_ASSERT(subprotocol.empty() || offers_subprotocol(subprotocol));
  append(output_, as_bytes("HTTP/1.1 101 Switching Protocols\r\n"));
  http::append_field(output_, "Upgrade", "websocket");
  http::append_field(output_, "Connection", "Upgrade");
  http::append_field(output_, "Sec-WebSocket-Accept", accept_text(digest));
  if (!subprotocol.empty()) http::append_field(output_, "Sec-WebSocket-Protocol", subprotocol);
  http::append_fields(output_, fields);
  append(output_, as_bytes("\r\n"));
  phase_ = Phase::accepted;
}

void ServerUpgrade::answer(const http::Answer& answer) {
  TRESTLE_ASSERT(phase_ == Phase::asked);
  http::append_answer(output_, answer,
                      kind_ == RequestKind::head ? http::BodyPart::left_out : http::BodyPart::sent);
  phase_ = Phase::answered;
}

Bytes ServerUpgrade::take_output() { return std::exchange(output_, {}); }

}  // namespace trestle::wire::websocket
