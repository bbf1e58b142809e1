#include "trestle/host/acceptor.hpp"

#include <optional>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;

namespace {

int option(int descriptor, int level, int name) {
  int value = -1;
  socklen_t bytes = sizeof value;
  ::getsockopt(descriptor, level, name, &value, &bytes);
  return value;
}

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return descriptor;
}

}  // namespace

TEST_CASE("an accepted socket is probed by the kernel and sends without delay") {
  auto loop = EventLoop::create({});
  REQUIRE(loop);
  auto socket = ListeningSocket::open({"127.0.0.1", 0});
  REQUIRE(socket);
  std::optional<int> accepted;
  std::string remote;
  Acceptor acceptor(
      **loop, std::move(*socket),
      [&](int descriptor, const std::string& address) {
        accepted = descriptor;
        remote = address;
      },
      {.probe_after = std::chrono::seconds(7), .probe_interval = std::chrono::seconds(3)});
  const int client = connect_to(acceptor.address().port);
  for (int turn = 0; turn < 1000 && !accepted; ++turn) (*loop)->turn();
  REQUIRE(accepted);
  CHECK(remote == "127.0.0.1");
  CHECK(option(*accepted, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(*accepted, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
  CHECK(option(*accepted, IPPROTO_TCP, TCP_KEEPINTVL) == 3);
  CHECK(option(*accepted, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  CHECK(option(*accepted, IPPROTO_TCP, TCP_NODELAY) == 1);
  ::close(*accepted);
  ::close(client);
}

TEST_CASE("C17: without a descriptor left callers are told by their end, until one is free") {
  auto loop = EventLoop::create({});
  REQUIRE(loop);
  auto socket = ListeningSocket::open({"127.0.0.1", 0});
  REQUIRE(socket);
  std::vector<int> accepted;
  Acceptor acceptor(**loop, std::move(*socket),
                    [&](int descriptor, const std::string&) { accepted.push_back(descriptor); });
  const auto turn_until = [&](const auto& condition) {
    for (int turn = 0; turn < 20'000 && !condition(); ++turn) (*loop)->turn();
    return condition();
  };
  const int client = connect_to(acceptor.address().port);
  const int early = connect_to(acceptor.address().port);
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const int next = ::dup(client);
  ::close(next);
  rlimit tight = usual;
  tight.rlim_cur = static_cast<rlim_t>(next);  // the next one would be one too many
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  const bool is_turned_away = turn_until([&] { return acceptor.turned_away() == 2; });
  ::setrlimit(RLIMIT_NOFILE, &usual);
  CHECK(is_turned_away);
  CHECK(accepted.empty());
  char byte = 0;
  CHECK(::recv(client, &byte, 1, MSG_DONTWAIT) == 0);
  const int late = connect_to(acceptor.address().port);
  CHECK(turn_until([&] { return accepted.size() == 1; }));
  for (const int descriptor : {client, early, late}) ::close(descriptor);
  for (const int descriptor : accepted) ::close(descriptor);
}
