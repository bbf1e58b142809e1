#include "trestle/host/name_resolver.hpp"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

/// A name server on loopback that knows IPv4 addresses only, and counts what it is asked.
class NameServer {
 public:
  struct Answer {
    std::vector<std::string> addresses;
    std::uint32_t ttl_seconds = 60;
  };

  explicit NameServer(host::EventLoop& loop)
      : loop_(loop), socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t bytes = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &bytes);
    port_ = ntohs(address.sin_port);
    ev_io_init(
        &watcher_,
        [](struct ev_loop*, ev_io* watcher, int) {
          static_cast<NameServer*>(watcher->data)->answer();
        },
        socket_, EV_READ);
    watcher_.data = this;
    ev_io_start(loop_.loop(), &watcher_);
  }
  ~NameServer() {
    ev_io_stop(loop_.loop(), &watcher_);
    ::close(socket_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::map<std::string, Answer> known;
  int asked = 0;

 private:
  /// The question's name in plain text, and where its type stands.
  static std::string name_of(const std::string& message, std::size_t& at) {
    std::string name;
    for (at = 12; at < message.size() && message[at] != 0;) {
      const auto length = static_cast<unsigned char>(message[at]);
      name += (name.empty() ? "" : ".") + message.substr(at + 1, length);
      at += length + std::size_t{1};
    }
    ++at;
    return name;
  }

  void answer() {
    char buffer[512];
    sockaddr_in from{};
    socklen_t bytes = sizeof from;
    const ssize_t size = ::recvfrom(socket_, buffer, sizeof buffer, MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &bytes);
    if (size < 16) return;
    const std::string question(buffer, static_cast<std::size_t>(size));
    std::size_t type_at = 0;
    const std::string name = name_of(question, type_at);
    const bool wants_v4 = question[type_at + 1] == 1;
    if (wants_v4) ++asked;
    const auto place = known.find(name);
    const Answer none;
    const Answer& answer = place == known.end() || !wants_v4 ? none : place->second;
    std::string reply = question.substr(0, type_at + 4);
    reply[2] = static_cast<char>(0x81);
    reply[3] = static_cast<char>(place == known.end() ? 0x83 : 0x80);
    reply[7] = static_cast<char>(answer.addresses.size());
    reply[8] = reply[9] = reply[10] = reply[11] = 0;
    for (const std::string& each : answer.addresses) {
      const std::uint32_t ttl = htonl(answer.ttl_seconds);
      in_addr address{};
      ::inet_pton(AF_INET, each.c_str(), &address);
      reply += std::string("\xc0\x0c\x00\x01\x00\x01", 6);
      reply.append(reinterpret_cast<const char*>(&ttl), 4);
      reply += std::string("\x00\x04", 2);
      reply.append(reinterpret_cast<const char*>(&address), 4);
    }
    ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), bytes);
  }

  host::EventLoop& loop_;
  int socket_;
  std::uint16_t port_ = 0;
  ev_io watcher_{};
};

struct Resolving {
  explicit Resolving(host::NameResolverOptions options = {})
      : loop(std::move(*host::EventLoop::create({}))), server(*loop) {
    options.servers = server.address();
    resolver.emplace(loop->loop(), options);
  }
  host::Resolution ask(const std::string& name) {
    std::optional<host::Resolution> answer;
    resolver->resolve(name, [&](const host::Resolution& found) { answer = found; });
    CHECK_FALSE(answer);
    const Instant end = host::steady_now() + std::chrono::seconds(5);
    while (!answer && host::steady_now() < end) {
      loop->turn();
      ::usleep(200);
    }
    REQUIRE(answer);
    return *answer;
  }

  std::unique_ptr<host::EventLoop> loop;
  NameServer server;
  std::optional<host::NameResolver> resolver;
};

}  // namespace

TEST_CASE("all addresses of a name are found, and asked for again only when their time is over") {
  Resolving world;
  world.server.known["many.example"] = {{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, 1};
  auto found = world.ask("many.example").addresses;
  std::sort(found.begin(), found.end());
  CHECK(found == std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  CHECK(world.server.asked == 1);
  CHECK(world.ask("many.example").addresses.size() == 3);
  CHECK(world.server.asked == 1);
  ::usleep(1'100'000);
  world.server.known["many.example"] = {{"10.0.0.4"}, 1};
  CHECK(world.ask("many.example").addresses == std::vector<std::string>{"10.0.0.4"});
  CHECK(world.server.asked == 2);
}

TEST_CASE(
    "an answer that holds for no time is not remembered, and no answer longer than the bound") {
  host::NameResolverOptions options;
  options.ttl_max = std::chrono::milliseconds(50);
  Resolving world(options);
  world.server.known["now.example"] = {{"10.0.0.1"}, 0};
  world.server.known["long.example"] = {{"10.0.0.2"}, 86'400};
  world.ask("now.example");
  CHECK(world.resolver->remembered() == 0);
  world.ask("long.example");
  world.ask("long.example");
  CHECK(world.server.asked == 2);
  ::usleep(60'000);
  world.ask("long.example");
  CHECK(world.server.asked == 3);
}

TEST_CASE("names are remembered up to a bound; what ends soonest makes room") {
  host::NameResolverOptions options;
  options.names_max = 2;
  options.addresses_max = 1;
  Resolving world(options);
  world.server.known["long.example"] = {{"10.0.0.1", "10.0.0.2"}, 1000};
  world.server.known["short.example"] = {{"10.0.0.3"}, 10};
  world.server.known["new.example"] = {{"10.0.0.4"}, 100};
  CHECK(world.ask("long.example").addresses.size() == 1);
  world.ask("short.example");
  world.ask("new.example");
  CHECK(world.resolver->remembered() == 2);
  world.ask("long.example");
  world.ask("new.example");
  CHECK(world.server.asked == 3);
  world.ask("short.example");
  CHECK(world.server.asked == 4);
}

TEST_CASE("a name that does not exist is an answer, and is not remembered") {
  Resolving world;
  const auto answer = world.ask("absent.example");
  CHECK(answer.code == ErrorCode::unreachable);
  CHECK(answer.addresses.empty());
  CHECK(world.resolver->remembered() == 0);
}

TEST_CASE("the addresses of a name are tried in turn, each with its share of the time") {
  host::RunnerOptions options;
  Host acceptor;
  std::unique_ptr<host::EventLoop> side = std::move(*host::EventLoop::create({}));
  NameServer server(*side);
  options.transport.names.servers = server.address();
  Host dialler(options);
  const auto run = [&](const std::function<bool()>& condition) {
    return run_until({&dialler, &acceptor}, [&] {
      side->turn();
      return condition();
    });
  };
  SECTION("the first two refuse, or are silent") {
    // Nothing listens on that port of 127.0.0.9; a full backlog of 127.0.0.8 answers nobody.
    server.known["several.example"] = {{"127.0.0.9", "127.0.0.8", "127.0.0.1"}, 60};
    auto silent = host::ListeningSocket::open({"127.0.0.8", acceptor.port});
    REQUIRE(silent);
    const auto id = dialler.node.dial("ws://several.example:" + std::to_string(acceptor.port),
                                      std::chrono::milliseconds(1500));
    REQUIRE(run([&] { return dialler.node.dialled.size() == 1; }));
    CHECK(dialler.node.dialled.front() == id);
    CHECK(dialler.node.failures.empty());
  }
  SECTION("nobody answers") {
    server.known["nobody.example"] = {{"127.0.0.9", "127.0.0.7"}, 60};
    const auto id = dialler.node.dial("ws://nobody.example:" + std::to_string(acceptor.port));
    REQUIRE(run([&] { return dialler.node.failures.contains(id); }));
    CHECK(dialler.node.failures[id].code == ErrorCode::refused);
    CHECK(dialler.runner->transport_stats().dial_failures_total == 1);
  }
}
