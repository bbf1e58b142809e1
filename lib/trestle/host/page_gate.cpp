#include "trestle/host/page_gate.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "trestle/host/address.hpp"

namespace trestle::host {
namespace {

constexpr std::string_view kAnyPage = "*";

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& one : out) {
    if (one >= 'A' && one <= 'Z') one = static_cast<char>(one - 'A' + 'a');
  }
  return out;
}

bool is_name(std::string_view host) {
  return !host.empty() && !host.starts_with('.') &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") ==
             std::string_view::npos;
}

bool is_host(std::string_view host) {
  if (!host.starts_with('[')) return is_name(host);
  const std::string inside(host.substr(1, host.size() - std::min<std::size_t>(host.size(), 2)));
  return host.ends_with(']') && inside.find(':') != std::string::npos && is_literal_address(inside);
}

/// Without a leading zero or sign, as browsers write it.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_port =
      error == std::errc() && end == text.data() + text.size() && port != 0 && text.front() != '0';
  return is_port ? std::optional(port) : std::nullopt;
}

}  // namespace

Result<std::string, std::string> parse_web_origin(std::string_view text) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  if (text == kAnyPage) return std::string(text);
  const auto refused = [&] {
    return refuse("'" + std::string(text) +
                  "' is not the origin of a page, for example https://app.example or "
                  "http://127.0.0.1:8080, without a path");
  };
  const std::string given = lower_case(text);
  const std::string_view scheme = given.starts_with(kHttps) ? kHttps : kHttp;
  if (!given.starts_with(scheme)) return refused();
  std::string_view host = std::string_view(given).substr(scheme.size());
  // The colon of a port stands behind the bracket of an IPv6 address.
  const std::size_t colon =
      host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
  std::optional<std::uint16_t> port;
  if (colon != std::string_view::npos) {
    port = parse_port(host.substr(colon + 1));
    if (!port) return refused();
    host = host.substr(0, colon);
  }
  if (!is_host(host)) return refused();
  const std::uint16_t usual = scheme == kHttps ? 443 : 80;
  std::string origin = std::string(scheme) + std::string(host);
  if (port && *port != usual) origin += ":" + std::to_string(*port);
  return origin;
}

bool PageGate::admits(std::string_view origin) const {
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& one) { return one == kAnyPage || one == origin; });
}

bool names_this_machine(std::string_view host_header) {
  return is_loopback_host(without_port(host_header));
}

}  // namespace trestle::host
