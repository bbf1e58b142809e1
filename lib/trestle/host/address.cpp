#include "trestle/host/address.hpp"

#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace trestle::host {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

/// `127.0.0.1:9` -> `127.0.0.1`, `[::1]:9` -> `::1`; nothing if what follows the name is no port.
/// Not `split_host_port`: an empty port is one here (RFC 3986), and so is every number.
std::string_view without_port(std::string_view host) {
  std::size_t end = host.find(':');
  std::string_view name = host.substr(0, end);
  if (host.starts_with('[')) {
    const std::size_t bracket = host.find(']');
    if (bracket == std::string_view::npos) return {};
    name = host.substr(1, bracket - 1);
    // Brackets are for IPv6 alone.
    if (name.find(':') == std::string_view::npos) return {};
    end = bracket + 1 < host.size() ? bracket + 1 : std::string_view::npos;
  }
  if (end == std::string_view::npos) return name;
  if (host[end] != ':') return {};
  constexpr std::size_t kPortDigitsMax = 5;
  const std::string_view port = host.substr(end + 1);
  const bool is_port = port.size() <= kPortDigitsMax &&
                       port.find_first_not_of("0123456789") == std::string_view::npos;
  return is_port ? name : std::string_view{};
}

}  // namespace

std::optional<HostPort> split_host_port(std::string_view text,
                                        std::optional<std::uint16_t> default_port) {
  std::string_view host = text;
  std::optional<std::uint16_t> port = default_port;
  std::size_t colon = text.rfind(':');
  if (!text.empty() && text.front() == '[') {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    host = text.substr(1, bracket - 1);
    colon = bracket + 1 < text.size() ? bracket + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && text[colon] != ':') return std::nullopt;
  } else if (colon != std::string_view::npos) {
    host = text.substr(0, colon);
    if (host.find(':') != std::string_view::npos) return std::nullopt;
  }
  if (colon != std::string_view::npos) port = parse_port(text.substr(colon + 1));
  if (host.empty() || !port) return std::nullopt;
  return HostPort{std::string(host), *port};
}

bool is_plain_text(std::string_view text) {
  for (const char letter : text) {
    if (letter <= ' ' || letter >= 0x7f) return false;
  }
  return true;
}

Result<HostPort, std::string> parse_host_port(std::string_view text) {
  const std::optional<HostPort> parts = split_host_port(text, std::nullopt);
  if (!parts || !is_plain_text(text)) {
    return refuse("'" + std::string(text) + "' is not HOST:PORT, for example 127.0.0.1:8080");
  }
  if (parts->host != "localhost" && !is_literal_address(parts->host)) {
    return refuse("'" + parts->host + "' is not an IP address of this machine (or localhost)");
  }
  return *parts;
}

std::string to_text(const HostPort& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + address.host + "]" : address.host;
  return host + ":" + std::to_string(address.port);
}

Result<AdminAddress, std::string> parse_admin_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string path(text.substr(kUnix.size()));
    if (path.empty()) return refuse(std::string("'unix:' needs a path behind it"));
    return AdminAddress{path, {}};
  }
  const auto tcp = parse_host_port(text);
  if (!tcp) return refuse("'" + std::string(text) + "' is neither unix:PATH nor HOST:PORT");
  return AdminAddress{{}, *tcp};
}

std::string to_text(const AdminAddress& address) {
  return address.unix_path.empty() ? to_text(address.tcp) : "unix:" + address.unix_path;
}

Result<WebSocketUrl, std::string> parse_web_socket_url(std::string_view text) {
  const auto malformed = [&] {
    return refuse("'" + std::string(text) +
                  "' is not a WebSocket URL, for example ws://10.0.0.1:8080");
  };
  WebSocketUrl url;
  std::string_view rest = text;
  if (rest.starts_with("ws://")) {
    rest.remove_prefix(5);
  } else if (rest.starts_with("wss://")) {
    url.is_secure = true;
    rest.remove_prefix(6);
  } else {
    return malformed();
  }
  if (!is_plain_text(rest) || rest.find('@') != std::string_view::npos) return malformed();
  const std::size_t path = rest.find_first_of("/?#");
  const auto host = split_host_port(rest.substr(0, path), url.is_secure ? kHttpsPort : kHttpPort);
  if (!host || host->port == 0) return malformed();
  url.host = host->host;
  url.port = host->port;
  url.path = path == std::string_view::npos ? "/" : std::string(rest.substr(path));
  if (url.path.front() != '/') url.path.insert(0, "/");
  if (const std::size_t fragment = url.path.find('#'); fragment != std::string::npos) {
    url.path.resize(fragment);
  }
  return url;
}

bool is_literal_address(const std::string& host) {
  if (host.find('\0') != std::string::npos) return false;  // inet_pton would stop there.
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && is_literal_address(std::string(host)));
}

bool names_this_machine(std::string_view host_header) {
  return is_loopback_host(without_port(host_header));
}

}  // namespace trestle::host
