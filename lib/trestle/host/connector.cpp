#include "trestle/host/connector.hpp"

#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trestle/host/socket_address.hpp"

namespace trestle::host {

Connector::Connector(struct ev_loop* loop, OnEnd on_end) : loop_(loop), on_end_(std::move(on_end)) {
  ev_init(&watcher_, [](struct ev_loop*, ev_io* watcher, int) {
    static_cast<Connector*>(watcher->data)->on_ready();
  });
  watcher_.data = this;
}

Connector::~Connector() {
  const int descriptor = take_descriptor();
  if (descriptor >= 0) ::close(descriptor);
}

int Connector::start(const HostPort& address) {
  const SocketAddress wanted = socket_address(address);
  if (wanted.bytes == 0) return EAFNOSUPPORT;
  descriptor_ = ::socket(wanted.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return errno;
  // Batches leave at the end of a turn already, as those of accepted sockets do.
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&wanted.storage), wanted.bytes) !=
          0 &&
      errno != EINPROGRESS) {
    return errno;
  }
  ev_io_set(&watcher_, descriptor_, EV_WRITE);
  ev_io_start(loop_, &watcher_);
  return 0;
}

int Connector::take_descriptor() {
  ev_io_stop(loop_, &watcher_);
  return std::exchange(descriptor_, -1);
}

void Connector::on_ready() {
  int error = 0;
  socklen_t bytes = sizeof error;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &bytes);
  const int descriptor = take_descriptor();
  if (error != 0) ::close(descriptor);
  const OnEnd on_end = std::move(on_end_);
  on_end(error == 0 ? descriptor : -1, error);
}

}  // namespace trestle::host
