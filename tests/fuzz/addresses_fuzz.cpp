// F18: any text as an address, a URL, a Host, an Origin or an X-Forwarded-For header. What is
// accepted has one spelling that is accepted again, and no spelling gets around a gate.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"
#include "trestle/dht/peer_group.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/admin_gate.hpp"
#include "trestle/host/page_gate.hpp"
#include "trestle/host/trusted_proxies.hpp"
#include "trestle/link/ip_address.hpp"
#include "trestle/link/remote_address.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

void check_url(std::string_view text) {
  const auto url = parse_web_socket_url(text);
  if (!url) return;
  MUST_HOLD(!url->host.empty() && url->port != 0);
  MUST_HOLD(url->path.front() == '/' && url->path.find('#') == std::string::npos);
  // Nothing of it may become a header line, or credentials.
  MUST_HOLD(is_plain_text(url->host) && is_plain_text(url->path));
  MUST_HOLD(text.find('@') == std::string_view::npos);
  const std::string again =
      (url->is_secure ? "wss://" : "ws://") + to_text(HostPort{url->host, url->port}) + url->path;
  const auto second = parse_web_socket_url(again);
  MUST_HOLD(second.has_value() && *second == *url);
  dht::group_of_url(text);
}

void check_listeners(std::string_view text) {
  if (const auto parsed = parse_host_port(text)) {
    MUST_HOLD(parsed->host == "localhost" || is_literal_address(parsed->host));
    const auto again = parse_host_port(to_text(*parsed));
    MUST_HOLD(again.has_value() && *again == *parsed);
  }
  if (const auto parsed = parse_admin_address(text)) {
    const auto again = parse_admin_address(to_text(*parsed));
    MUST_HOLD(again.has_value() && *again == *parsed);
  }
  if (const auto block = parse_address_block(text)) {
    const auto again = parse_address_block(to_text(*block));
    MUST_HOLD(again.has_value() && *again == *block);
    MUST_HOLD(block->bits <= AddressBlock::kBits);
  }
}

/// The reader below the line and the system's agree on what an address is.
void check_address(std::string_view text) {
  const auto address = link::parse_ip_address(text);
  MUST_HOLD(address.has_value() == is_literal_address(std::string(text)));
  if (!address) return;
  const std::string key = link::address_key(text);
  MUST_HOLD(!key.empty());
  MUST_HOLD(link::address_key(text) == key);
  dht::group_of_address(text);
}

/// `localhost`, 127.0.0.0/8 or [::1], and a port if there is a colon: nothing else is this machine.
bool is_own_host(std::string_view host) {
  std::string_view name = host;
  std::string_view rest;
  if (host.starts_with("[::1]")) {
    name = host.substr(0, 5);
    rest = host.substr(5);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  if (!rest.empty()) {
    if (rest.front() != ':' || rest.size() > 6) return false;
    rest.remove_prefix(1);
    if (!std::ranges::all_of(rest, [](char digit) { return digit >= '0' && digit <= '9'; })) {
      return false;
    }
  }
  if (name == "localhost" || name == "[::1]") return true;
  const auto address = link::parse_ip_address(name);
  return address && name.find(':') == std::string_view::npos && address->bytes[0] == 127;
}

void check_gates(std::string_view text) {
  HttpRequest request;
  request.host = std::string(text);
  MUST_HOLD(!AdminGate().turn_away(request).has_value() == is_own_host(text));

  const AdminGate guarded(to_bytes(as_bytes("0123456789abcdef")));
  request.host = "127.0.0.1";
  request.authorization = std::string(text);
  // The secret is not in the dictionary: whatever passes must end with it.
  if (!guarded.turn_away(request)) MUST_HOLD(text.starts_with("B"));
}

/// A browser writes an origin in one way (RFC 6454), and a gate takes what it writes letter by
/// letter. Whatever an operator writes becomes that spelling, or is refused.
void check_pages(std::string_view text) {
  static const PageGate one({"https://app.example"});
  MUST_HOLD(one.admits(text) == (text == "https://app.example"));
  MUST_HOLD(!PageGate().admits(text));
  const auto origin = parse_web_origin(text);
  if (!origin) {
    MUST_HOLD(!origin.error().empty());
    return;
  }
  MUST_HOLD(parse_web_origin(*origin) == origin);
  if (*origin == "*") return;
  MUST_HOLD(*origin != "null" && is_plain_text(*origin));
  MUST_HOLD(std::ranges::none_of(
      *origin, [](char one_letter) { return one_letter >= 'A' && one_letter <= 'Z'; }));
  // Scheme and host, no path, no question, no name and password; without the scheme's own port.
  const std::size_t scheme = origin->starts_with("https://") ? 8 : 7;
  MUST_HOLD(origin->starts_with(scheme == 8 ? "https://" : "http://"));
  const std::string_view host = std::string_view(*origin).substr(scheme);
  MUST_HOLD(!host.empty() && host.find_first_of("/?#@\\ ") == std::string_view::npos);
  MUST_HOLD(!host.ends_with(scheme == 8 ? ":443" : ":80"));
  const PageGate gate({*origin});
  MUST_HOLD(gate.admits(*origin) && !gate.admits(std::string(*origin) + "."));
  MUST_HOLD(gate.admits(text) == (text == *origin));
}

/// An IPv4 address in the clothes of IPv6: after its prefix come two groups, no more.
bool is_mapped(std::string_view text) {
  constexpr std::string_view kPrefix = "::ffff:";
  return text.starts_with(kPrefix) && std::ranges::count(text.substr(kPrefix.size()), ':') <= 1;
}

void check_callers(std::string_view header) {
  const TrustedProxies proxies({*parse_address_block("10.0.0.0/8"), *parse_address_block("::1")});
  // Whom nobody vouches for is who connected.
  MUST_HOLD(proxies.caller("203.0.113.7", header) == "203.0.113.7");
  // What the caller wrote stands left of what the proxy adds, and decides nothing.
  const std::string added = std::string(header) + ", 198.51.100.9";
  MUST_HOLD(proxies.caller("10.1.2.3", added) == "198.51.100.9");
  MUST_HOLD(proxies.caller("10.1.2.3", added + ", 10.9.9.9") == "198.51.100.9");
  // Whatever comes of it is an address in its one spelling.
  const std::string caller = proxies.caller("10.1.2.3", header);
  MUST_HOLD(link::parse_ip_address(caller).has_value());
  MUST_HOLD(!is_mapped(caller));
}

}  // namespace

TRESTLE_FUZZ_TARGET(addresses) {
  const std::string_view text = as_text(input.first(std::min<std::size_t>(input.size(), 4096)));
  check_url(text);
  check_url("ws://" + std::string(text));
  check_listeners(text);
  check_address(text);
  check_gates(text);
  check_pages(text);
  check_callers(text);
}

}  // namespace trestle::fuzz
