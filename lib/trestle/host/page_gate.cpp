#include "trestle/host/page_gate.hpp"

#include <algorithm>
#include <cstdint>

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

bool is_host(const std::string& host) {
  return is_name(host) || (host.find(':') != std::string::npos && is_literal_address(host));
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
  const std::string_view rest = std::string_view(given).substr(scheme.size());
  const std::uint16_t usual = scheme == kHttps ? 443 : 80;
  const auto parts = split_host_port(rest, usual);
  if (!parts || parts->port == 0 || !is_host(parts->host)) return refused();
  const std::string whole = to_text(*parts);
  const std::string without_usual = whole.substr(0, whole.rfind(':'));
  // What a browser would not write, such as brackets around a name or a zero in front of the port.
  const bool is_canonical = rest == whole || (rest == without_usual && parts->port == usual);
  if (!is_canonical) return refused();
  return std::string(scheme) + (parts->port == usual ? without_usual : whole);
}

bool PageGate::admits(std::string_view origin) const {
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& one) { return one == kAnyPage || one == origin; });
}

}  // namespace trestle::host
