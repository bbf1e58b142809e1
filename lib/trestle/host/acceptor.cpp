#include "trestle/host/acceptor.hpp"

#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trestle::host {
namespace {

std::string textual(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      constexpr std::size_t kMappedPrefixBytes = 12;
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[kMappedPrefixBytes], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
  }
  return text;
}

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

/// Best effort: a connection without an option still works.
void prepare(int descriptor, const AcceptorOptions& options) {
  // Batches leave at the end of a turn already; waiting for more in the kernel would only add
  // delay.
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.probe_after.count()));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL,
             static_cast<int>(options.probe_interval.count()));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, options.probes_max);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Acceptor::Acceptor(EventLoop& loop, ListeningSocket socket, OnSocket on_socket,
                   const AcceptorOptions& options)
    : loop_(loop),
      socket_(std::move(socket)),
      on_socket_(std::move(on_socket)),
      options_(options),
      resume_(loop.loop(), [this] { ev_io_start(loop_.loop(), &watcher_); }),
      spare_(open_spare()) {
  ev_io_init(
      &watcher_,
      [](struct ev_loop*, ev_io* watcher, int) {
        static_cast<Acceptor*>(watcher->data)->on_ready();
      },
      socket_.descriptor(), EV_READ);
  watcher_.data = this;
  ev_io_start(loop_.loop(), &watcher_);
}

Acceptor::~Acceptor() {
  ev_io_stop(loop_.loop(), &watcher_);
  if (spare_ >= 0) ::close(spare_);
}

bool Acceptor::turn_one_away() {
  if (spare_ >= 0) ::close(spare_);
  const int descriptor = ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor >= 0) {
    ::close(descriptor);
    ++turned_away_;
  }
  spare_ = open_spare();
  return descriptor >= 0;
}

void Acceptor::on_ready() {
  for (unsigned taken = 0; taken < options_.accepts_per_turn_max; ++taken) {
    sockaddr_storage address{};
    socklen_t bytes = sizeof address;
    const int descriptor = ::accept4(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address),
                                     &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if ((errno == EMFILE || errno == ENFILE) && turn_one_away()) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        ev_io_stop(loop_.loop(), &watcher_);
        resume_.start(options_.pause);
      }
      return;
    }
    if (address.ss_family != AF_UNIX) prepare(descriptor, options_);
    on_socket_(descriptor, textual(address));
  }
}

}  // namespace trestle::host
