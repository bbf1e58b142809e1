#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"
#include "fake_node.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::test {

/// For as long as it lives, hosts speak with each of the transports in turn: a test that begins
/// with one runs once for each.
class EachTransport {
 public:
  EachTransport() : EachTransport(0) {}
  ~EachTransport() {
    spoken() = kUsual;
    threads() = 0;
  }
  EachTransport(const EachTransport&) = delete;
  EachTransport& operator=(const EachTransport&) = delete;

  static host::TransportKind& spoken() {
    static host::TransportKind kind = kUsual;
    return kind;
  }
  static bool is_raw() { return spoken() == host::TransportKind::raw; }
  /// Beside the core's, for what a host dials.
  static std::size_t& threads() {
    static std::size_t number = 0;
    return number;
  }
  /// The options of a host that speaks with it, unless they say otherwise themselves.
  static host::RunnerOptions options(host::RunnerOptions given) {
    if (spoken() != kUsual) given.transport.kind = spoken();
    if (given.threads.threads == 0) given.threads.threads = threads();
    return given;
  }

 protected:
  explicit EachTransport(std::size_t dialling_threads) {
    spoken() = GENERATE(host::TransportKind::library, host::TransportKind::raw);
    threads() = dialling_threads;
    UNSCOPED_INFO((spoken() == host::TransportKind::raw ? "the raw transport" : "the library's")
                  << ", threads: " << dialling_threads);
  }

 private:
  static constexpr host::TransportKind kUsual = host::TransportOptions{}.kind;
};

/// The same for tests that dial: on the core's thread, and on two others.
class EachDialler : public EachTransport {
 public:
  EachDialler() : EachTransport(GENERATE(std::size_t{0}, std::size_t{2})) {}
};

/// One host: a loop, a runner and a fake node that listens on a free port of the loopback
/// interface or another address, with TLS if it was given a certificate.
struct Host {
  explicit Host(const host::RunnerOptions& options = {}, host::Tls* with_tls = nullptr,
                const std::string& address = "127.0.0.1")
      : tls(with_tls),
        loop(std::move(*host::EventLoop::create({.tls = with_tls}))),
        keys(suite.generate()),
        log({.level = LogLevel::error}),
        runner(std::make_unique<host::Runner>(*loop, node, suite, keys, log,
                                              EachTransport::options(options))) {
    REQUIRE(runner->start_threads());
    auto socket = host::ListeningSocket::open({address, 0});
    port = socket->address().port;
    runner->listen(std::move(*socket), has_tls() ? host::Security::tls : host::Security::plain);
    runner->start();
  }

  bool has_tls() const { return tls != nullptr && tls->accepts(); }
  std::string url(const std::string& path = "/", const std::string& name = "127.0.0.1") const {
    return (has_tls() ? "wss://" : "ws://") + name + ":" + std::to_string(port) + path;
  }

  host::Tls* tls;
  std::unique_ptr<host::EventLoop> loop;
  crypto::Suite suite;
  crypto::KeyPair keys;
  host::Log log;
  FakeNode node;
  std::unique_ptr<host::Runner> runner;
  std::uint16_t port = 0;
};

/// Turns all loops in this one thread until the condition holds. False after `limit`.
inline bool run_until(const std::vector<Host*>& hosts, const std::function<bool()>& condition,
                      std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  const Instant end = host::steady_now() + limit;
  while (!condition()) {
    if (host::steady_now() > end) return false;
    for (Host* host : hosts) host->loop->turn();
    ::usleep(200);
  }
  return true;
}

inline void run_for(const std::vector<Host*>& hosts, std::chrono::milliseconds time) {
  const Instant end = host::steady_now() + time;
  run_until(hosts, [&] { return host::steady_now() > end; }, time * 2);
}

/// A client at the level of bytes, for what no well-behaved library would send.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* from = "127.0.0.1",
                     const char* to = "127.0.0.1")
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, from, &address.sin_addr);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, to, &address.sin_addr);
    is_open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const int at_once = 1;  // What is sent is under way, and not held back and lost by `reset`.
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(const std::string& bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void upgrade(const std::string& path = "/any/path") {
    std::string request = "GET ";
    request.append(path).append(
        " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    send(request);
  }
  /// One frame, masked with zeros. RFC 6455 allows none before the answer to the upgrade has
  /// arrived.
  void frame(unsigned char first, const std::string& payload) {
    std::string bytes(1, static_cast<char>(first));
    if (payload.size() < 126) {
      bytes.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
      const bool is_short = payload.size() <= 0xffff;
      bytes.push_back(static_cast<char>(0x80 | (is_short ? 126 : 127)));
      for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>(payload.size() >> shift & 0xff));
      }
    }
    send(bytes + std::string(4, '\0') + payload);
  }
  /// Takes what has arrived.
  void receive() {
    char buffer[65536];
    const ssize_t bytes = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (bytes > 0) received.append(buffer, static_cast<std::size_t>(bytes));
    if (bytes == 0) is_open_ = false;
  }
  /// Ends the connection without ceremony; what was sent may still be read.
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(socket_);
    socket_ = -1;
  }
  bool is_open() const { return is_open_; }
  int descriptor() const { return socket_; }

  std::string received;

 private:
  int socket_;
  bool is_open_ = false;
};

/// Upgrades and waits for the answer.
inline bool upgrade(RawClient& client, Host& host) {
  client.upgrade();
  return run_until({&host}, [&] {
    client.receive();
    return client.received.find("\r\n\r\n") != std::string::npos;
  });
}

inline Bytes bytes_of(const std::string& text) { return to_bytes(as_bytes(text)); }

}  // namespace trestle::test
