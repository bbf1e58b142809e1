#pragma once

#include <sys/socket.h>

#include "trestle/host/address.hpp"

namespace trestle::host {

/// An address in the system's own form.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

/// Of a literal address or `localhost`; no bytes if it is neither.
SocketAddress socket_address(const HostPort& address);

}  // namespace trestle::host
