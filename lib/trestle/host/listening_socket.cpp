#include "trestle/host/listening_socket.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "trestle/host/socket_address.hpp"

namespace trestle::host {
namespace {

/// Connections the kernel completes before we accept them: a burst of joiners arrives faster than
/// one turn of the loop.
constexpr int kBacklog = 1024;

std::string reason(const std::string& what) { return what + ": " + std::strerror(errno); }

}  // namespace

ListeningSocket::ListeningSocket(int descriptor, HostPort address, std::string unix_path)
    : descriptor_(descriptor), address_(std::move(address)), unix_path_(std::move(unix_path)) {}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      address_(std::move(other.address_)),
      unix_path_(std::exchange(other.unix_path_, {})) {}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<ListeningSocket, std::string> ListeningSocket::open(const HostPort& address) {
  const SocketAddress wanted = socket_address(address);
  if (wanted.bytes == 0) return refuse("'" + address.host + "' is not an IP address");
  const int descriptor =
      ::socket(wanted.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return refuse(reason("cannot open a socket"));
  ListeningSocket socket(descriptor, address, {});
  // A restart must not wait for the old connections' TIME_WAIT.
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&wanted.storage), wanted.bytes) != 0 ||
      ::listen(descriptor, kBacklog) != 0) {
    return refuse(reason("cannot listen on " + to_text(address)));
  }
  SocketAddress real;
  real.bytes = sizeof real.storage;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&real.storage), &real.bytes);
  socket.address_.port = ntohs(real.storage.ss_family == AF_INET
                                   ? reinterpret_cast<sockaddr_in*>(&real.storage)->sin_port
                                   : reinterpret_cast<sockaddr_in6*>(&real.storage)->sin6_port);
  return socket;
}

Result<ListeningSocket, std::string> ListeningSocket::open_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return refuse("the path of the admin socket is longer than " +
                  std::to_string(sizeof address.sun_path - 1) + " bytes: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return refuse(reason("cannot open a socket"));
  ListeningSocket socket(descriptor, {}, {});
  ::unlink(path.c_str());
  // The mask, not a later chmod: between bind and chmod somebody else could connect.
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_error = errno;
  ::umask(mask);
  errno = bind_error;
  if (bound != 0 || ::listen(descriptor, kBacklog) != 0) {
    return refuse(reason("cannot listen on unix:" + path));
  }
  socket.unix_path_ = path;
  return socket;
}

}  // namespace trestle::host
