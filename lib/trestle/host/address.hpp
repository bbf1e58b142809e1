#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/result.hpp"

namespace trestle::host {

/// `HOST:PORT` of a listener. The host is an IP address or `localhost`; IPv6 stands in brackets.
struct HostPort {
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Error: a sentence for the operator.
Result<HostPort, std::string> parse_host_port(std::string_view text);
/// The inverse, with brackets where they are needed.
std::string to_text(const HostPort& address);

/// Where an admin listener stands: `unix:PATH`, or `HOST:PORT`.
struct AdminAddress {
  std::string unix_path;  ///< Empty: `tcp` counts.
  HostPort tcp;
  friend bool operator==(const AdminAddress&, const AdminAddress&) = default;
};

Result<AdminAddress, std::string> parse_admin_address(std::string_view text);
std::string to_text(const AdminAddress& address);

/// A WebSocket URL taken apart: `ws://host[:port][/path]`.
struct WebSocketUrl {
  bool is_secure = false;
  std::string host;  ///< A name or an address, without brackets.
  std::uint16_t port = 0;
  std::string path;  ///< Begins with `/`; query included.
  friend bool operator==(const WebSocketUrl&, const WebSocketUrl&) = default;
};

Result<WebSocketUrl, std::string> parse_web_socket_url(std::string_view text);

/// Splits `host`, `host:port` or `[v6]:port`; nothing when the brackets or the port make no sense.
std::optional<HostPort> split_host_port(std::string_view text,
                                        std::optional<std::uint16_t> default_port);

/// Printable ASCII without spaces. Anything else in a host name would let a URL smuggle header
/// lines into the upgrade request, and in a path into its answer.
bool is_plain_text(std::string_view text);

/// Whether the text is a literal IPv4 or IPv6 address, so that nothing needs to be resolved.
bool is_literal_address(const std::string& host);

/// Whether only this machine can reach a listener on that address.
bool is_loopback_host(std::string_view host);

/// Whether a request's `Host` header asks for a listener of this machine by such a name, with or
/// without a port. Another name was rebound to us: the page behind it believes that it talks to its
/// own server.
bool names_this_machine(std::string_view host_header);

}  // namespace trestle::host
