#include "trestle/host/socket_figures.hpp"

// The kernel's own header knows more of a connection than the C library's, and cannot stand beside
// it.
#include <cstddef>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace trestle::host {

std::optional<std::uint64_t> bytes_read_from(int descriptor) {
  tcp_info info{};
  socklen_t bytes = sizeof info;
  int unread = 0;
  // In this order: what arrives in between is taken for unread, never for read.
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0 ||
      bytes < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
      ::ioctl(descriptor, FIONREAD, &unread) != 0 || unread < 0) {
    return std::nullopt;
  }
  const auto waiting = static_cast<std::uint64_t>(unread);
  return info.tcpi_bytes_received > waiting ? info.tcpi_bytes_received - waiting : 0;
}

}  // namespace trestle::host
