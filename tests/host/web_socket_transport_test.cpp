#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ifaddrs.h>
#include <net/if.h>

#include "catch.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;
using link::CloseStatus;
using link::FrameKind;

namespace {

/// Of nobody these tests' nodes know anything: callers may send at once what those may who have
/// shown who they are.
host::RunnerOptions trusting(host::RunnerOptions options = {}) {
  options.transport.frame_bytes_max_before_identity = options.transport.frame_bytes_max;
  options.transport.fragments_max_before_identity = options.transport.fragments_max;
  return options;
}

host::RunnerOptions over_raw() {
  host::RunnerOptions options;
  options.transport.kind = host::TransportKind::raw;
  return options;
}

struct Pair {
  explicit Pair(const host::RunnerOptions& acceptor_options = {})
      : acceptor(trusting(acceptor_options)) {}
  bool connect() {
    connection = dialler.node.dial(acceptor.url());
    return run(
        [&] { return dialler.node.dialled.size() == 1 && acceptor.node.accepted.size() == 1; });
  }
  bool run(const std::function<bool()>& condition) {
    return run_until({&dialler, &acceptor}, condition);
  }
  link::ConnectionId accepted() const { return acceptor.node.accepted.front().first; }

  Host dialler;
  Host acceptor;
  link::ConnectionId connection;
};

/// An address of this machine that is not loopback; empty if it has none.
std::string outward_address() {
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return {};
  std::string found;
  for (const ifaddrs* each = interfaces; each != nullptr && found.empty(); each = each->ifa_next) {
    const bool is_usable = (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_usable || each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, text,
                sizeof text);
    found = text;
  }
  ::freeifaddrs(interfaces);
  return found;
}

std::string pattern(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t index = 0; index < bytes; ++index)
    text[index] = static_cast<char>('a' + index % 23);
  return text;
}

}  // namespace

TEST_CASE("a dialled connection is reported on both sides, with the peer's address") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  CHECK(pair.dialler.node.dialled.front() == pair.connection);
  CHECK(pair.acceptor.node.accepted.front().second == "127.0.0.1");
  CHECK(pair.acceptor.runner->transport_stats().connections == 1);
}

TEST_CASE("frames of both kinds arrive whole and in order, in both directions") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  pair.acceptor.node.echoes = true;
  constexpr int kFrames = 100;
  std::size_t bytes = 0;
  for (int index = 0; index < kFrames; ++index) {
    const std::string text = std::to_string(index) + pattern(static_cast<std::size_t>(index) * 37);
    bytes += text.size();
    pair.dialler.node.send(pair.connection, index % 2 == 0 ? FrameKind::text : FrameKind::binary,
                           bytes_of(text));
  }
  auto& back = pair.dialler.node.frames;
  REQUIRE(pair.run([&] { return back.size() == kFrames; }));
  for (int index = 0; index < kFrames; ++index) {
    const auto& frame = back[static_cast<std::size_t>(index)];
    CHECK(frame.kind == (index % 2 == 0 ? FrameKind::text : FrameKind::binary));
    CHECK(as_text(frame.bytes) ==
          std::to_string(index) + pattern(static_cast<std::size_t>(index) * 37));
  }
  CHECK(pair.run([&] { return pair.dialler.node.drained[pair.connection] == bytes; }));
  CHECK(pair.run([&] { return pair.acceptor.node.drained[pair.accepted()] == bytes; }));
}

TEST_CASE("a frame of 200 KiB passes both ways and is reported as drained") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  pair.acceptor.node.echoes = true;
  const std::string large = pattern(200 * 1024);
  pair.dialler.node.send(pair.connection, FrameKind::binary, bytes_of(large));
  REQUIRE(pair.run([&] { return !pair.dialler.node.frames.empty(); }));
  const std::string_view back = as_text(pair.dialler.node.frames.front().bytes);
  CHECK(back.size() == large.size());
  const auto difference = std::mismatch(back.begin(), back.end(), large.begin(), large.end());
  CHECK(difference.second - large.begin() == static_cast<std::ptrdiff_t>(large.size()));
  CHECK(pair.run([&] { return pair.dialler.node.drained[pair.connection] == large.size(); }));
}

TEST_CASE("an empty frame arrives as one") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  pair.dialler.node.send(pair.connection, FrameKind::binary, {});
  pair.dialler.node.send(pair.connection, FrameKind::text, bytes_of("next"));
  REQUIRE(pair.run([&] { return pair.acceptor.node.frames.size() == 2; }));
  CHECK(pair.acceptor.node.frames.front().bytes.empty());
}

TEST_CASE("a frame over the limit ends the connection with 1009 and is not delivered") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  pair.dialler.node.send(pair.connection, FrameKind::binary, bytes_of(pattern(256 * 1024 + 1)));
  REQUIRE(pair.run([&] { return pair.dialler.node.closures.contains(pair.connection); }));
  CHECK(pair.dialler.node.closures[pair.connection].status == 1009);
  CHECK(pair.acceptor.node.closures[pair.accepted()].status == 1009);
  CHECK(pair.acceptor.node.frames.empty());
}

TEST_CASE("close status and reason reach the other side, after the frames ordered before") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  for (int index = 0; index < 50; ++index) {
    pair.dialler.node.send(pair.connection, FrameKind::binary, bytes_of(pattern(5000)));
  }
  pair.dialler.node.close(pair.connection, CloseStatus::refused, "because");
  REQUIRE(pair.run([&] { return pair.acceptor.node.closures.contains(pair.accepted()); }));
  CHECK(pair.acceptor.node.closures[pair.accepted()].status == 4000);
  CHECK(pair.acceptor.node.closures[pair.accepted()].reason == "because");
  CHECK(pair.acceptor.node.frames.size() == 50);
  CHECK(pair.run([&] { return pair.dialler.runner->transport_stats().connections == 0; }));
  CHECK(pair.run([&] { return pair.acceptor.runner->transport_stats().connections == 0; }));
  INFO("who ordered the close hears nothing more of it");
  CHECK(pair.dialler.node.closures.empty());
}

TEST_CASE("a long close reason is cut to what a close frame holds") {
  const EachDialler transport;
  Pair pair;
  REQUIRE(pair.connect());
  std::string reason = std::string(122, 'x') + "\xc3\xa4";
  pair.acceptor.node.close(pair.accepted(), CloseStatus::refused, reason);
  REQUIRE(pair.run([&] { return pair.dialler.node.closures.contains(pair.connection); }));
  CHECK(pair.dialler.node.closures[pair.connection].reason == std::string(122, 'x'));
}

TEST_CASE("a listener that has closed hangs up as soon as its peer has answered") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.close_within = std::chrono::hours(1);
  Host host(options);
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  host.node.close(host.node.accepted.front().first, CloseStatus::refused, "");
  const auto has_received = [&](std::string_view end) {
    client.receive();
    return client.received.ends_with(end);
  };
  REQUIRE(run_until({&host}, [&] { return has_received("\x88\x02\x0f\xa0"); }));
  client.frame(0x88, "\x0f\xa0");
  CHECK(run_until({&host}, [&] {
    client.receive();
    return !client.is_open();
  }));
}

TEST_CASE("whoever has had an answer and no WebSocket holds no caller's place") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.request_within = std::chrono::hours(1);
  Host host(options);
  RawClient caller(host.port);
  caller.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(run_until({&host}, [&] {
    caller.receive();
    return caller.received.starts_with("HTTP/1.1 ");
  }));
  CHECK(run_until({&host}, [&] { return host.runner->transport_stats().pending == 0; }));
}

TEST_CASE("over raw, what arrived before a connection broke is heard though writing fails first") {
  Host host(over_raw());
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  const auto id = host.node.accepted.front().first;
  client.frame(0x82, "a message");
  client.frame(0x88, "\x0f\xa0");
  client.reset();
  // Leaves at the end of the coming turn, before its socket is looked at.
  host.node.send(id, FrameKind::binary, bytes_of("nobody reads this"));
  REQUIRE(run_until({&host}, [&] { return host.node.closures.contains(id); }));
  REQUIRE(host.node.frames.size() == 1);
  CHECK(as_text(host.node.frames.front().bytes) == "a message");
  CHECK(host.node.closures[id].status == 4000);
}

TEST_CASE("over raw, what a turn has queued has left when the turn is over, in one write") {
  Host host(over_raw());
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  client.received.clear();
  const auto id = host.node.accepted.front().first;
  for (int count = 0; count < 3; ++count) {
    host.node.send(id, FrameKind::binary, bytes_of("abc"));
  }
  host.loop->turn();
  client.receive();
  CHECK(client.received ==
        "\x82\x03"
        "abc"
        "\x82\x03"
        "abc"
        "\x82\x03"
        "abc");
}

TEST_CASE("a peer that vanishes is reported as 1006") {
  const EachTransport transport;
  Host host;
  {
    RawClient client(host.port);
    REQUIRE(upgrade(client, host));
  }
  const auto id = host.node.accepted.front().first;
  REQUIRE(run_until({&host}, [&] { return host.node.closures.contains(id); }));
  CHECK(host.node.closures[id].status == 1006);
}

TEST_CASE("a dial to a closed port fails with REFUSED") {
  const EachDialler transport;
  Host host;
  std::uint16_t closed_port = 0;
  {
    auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
    closed_port = socket->address().port;
  }
  const auto id = host.node.dial("ws://127.0.0.1:" + std::to_string(closed_port));
  REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
  CHECK(host.node.failures[id].code == ErrorCode::refused);
}

TEST_CASE("a dial to a listener that never answers fails with TIMEOUT when its time is over") {
  const EachDialler transport;
  Host host;
  auto silent = host::ListeningSocket::open({"127.0.0.1", 0});
  const Instant begin = host::steady_now();
  const auto id = host.node.dial("ws://127.0.0.1:" + std::to_string(silent->address().port),
                                 std::chrono::milliseconds(300));
  REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
  CHECK(host.node.failures[id].code == ErrorCode::timeout);
  CHECK(host::steady_now() - begin >= std::chrono::milliseconds(290));
}

TEST_CASE("a dial to a server that does not speak WebSocket fails") {
  const EachDialler transport;
  Host host;
  auto server = host::ListeningSocket::open({"127.0.0.1", 0});
  const auto id = host.node.dial("ws://127.0.0.1:" + std::to_string(server->address().port));
  int accepted = -1;
  REQUIRE(run_until({&host}, [&] {
    accepted = ::accept(server->descriptor(), nullptr, nullptr);
    return accepted >= 0;
  }));
  SECTION("it answers with a refusal") {
    const std::string reply = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    REQUIRE(::send(accepted, reply.data(), reply.size(), MSG_NOSIGNAL) > 0);
    REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
    CHECK(host.node.failures[id].code == ErrorCode::busy);
  }
  SECTION("it answers as if it were a page, and the reason says what that means") {
    const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    REQUIRE(::send(accepted, reply.data(), reply.size(), MSG_NOSIGNAL) > 0);
    REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
    CHECK(host.node.failures[id].code == ErrorCode::refused);
    CHECK(host.node.failures[id].reason.starts_with("answered HTTP 200 where the switch"));
  }
  SECTION("it redirects, and we do not follow") {
    const std::string reply =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:" + std::to_string(host.port) +
        "/\r\nContent-Length: 0\r\n\r\n";
    REQUIRE(::send(accepted, reply.data(), reply.size(), MSG_NOSIGNAL) > 0);
    REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
    CHECK(host.node.accepted.empty());
  }
  SECTION("it hangs up") {
    ::close(std::exchange(accepted, -1));
    REQUIRE(run_until({&host}, [&] { return host.node.failures.contains(id); }));
  }
  if (accepted >= 0) ::close(accepted);
  CHECK(host.node.dialled.empty());
}

TEST_CASE("URLs that cannot be dialled fail with a sentence") {
  const EachDialler transport;
  Host host;
  INFO("the host was given no TLS");
  const auto secure = host.node.dial("wss://127.0.0.1:1");
  const auto nonsense = host.node.dial("http://127.0.0.1:1");
  REQUIRE(run_until({&host}, [&] { return host.node.failures.size() == 2; }));
  CHECK(host.node.failures[secure].code == ErrorCode::unsupported);
  CHECK(host.node.failures[nonsense].code == ErrorCode::invalid_request);
  CHECK_FALSE(host.node.failures[secure].reason.empty());
}

TEST_CASE("localhost is dialled without asking a name server, an unknown name fails with a code") {
  const EachDialler transport;
  Pair pair;
  const auto known = pair.dialler.node.dial("ws://localhost:" + std::to_string(pair.acceptor.port) +
                                            "/a/path?b=c");
  const auto unknown =
      pair.dialler.node.dial("ws://no-such-host.invalid:1", std::chrono::seconds(2));
  REQUIRE(pair.run([&] {
    return pair.dialler.node.dialled.size() == 1 && pair.dialler.node.failures.contains(unknown);
  }));
  CHECK(pair.dialler.node.dialled.front() == known);
  const ErrorCode code = pair.dialler.node.failures[unknown].code;
  CHECK((code == ErrorCode::unreachable || code == ErrorCode::timeout));
}

TEST_CASE("an abandoned dial is never heard of again") {
  const EachDialler transport;
  Pair pair;
  const auto id = pair.dialler.node.dial(pair.acceptor.url());
  pair.dialler.node.close(id, CloseStatus::normal, "");
  const auto unresolved = pair.dialler.node.dial("ws://no-such-host.invalid:1");
  pair.dialler.node.close(unresolved, CloseStatus::normal, "");
  run_for({&pair.dialler, &pair.acceptor}, std::chrono::milliseconds(200));
  CHECK(pair.dialler.node.dialled.empty());
  CHECK(pair.dialler.node.failures.empty());
  CHECK(pair.dialler.node.closures.empty());
}

TEST_CASE("fragments are joined, whatever their sizes") {
  const EachTransport transport;
  Host host(trusting());
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  client.frame(0x01, "one ");  // text, more follows
  client.frame(0x00, "");      // continuation, empty
  client.frame(0x89, "ping");  // a control frame in between
  client.frame(0x80, pattern(9000));
  client.frame(0x82, "whole");  // binary, in one
  REQUIRE(run_until({&host}, [&] { return host.node.frames.size() == 2; }));
  CHECK(host.node.frames[0].kind == FrameKind::text);
  CHECK(as_text(host.node.frames[0].bytes) == "one " + pattern(9000));
  CHECK(host.node.frames[1].kind == FrameKind::binary);
  CHECK(as_text(host.node.frames[1].bytes) == "whole");
  CHECK(run_until({&host}, [&] {
    client.receive();
    return client.received.find("ping") != std::string::npos;
  }));
}

TEST_CASE("an announced size over the limit is refused before its bytes are taken") {
  const EachTransport transport;
  Host host;
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  const std::string head("\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff", 10);
  client.send(head + std::string(4, '\0') + "only the beginning");
  REQUIRE(run_until({&host}, [&] { return host.node.closures.size() == 1; }));
  CHECK(host.node.closures.begin()->second.status == 1009);
}

TEST_CASE("whom we dialled is refused what is too large or no UTF-8, however much of it follows") {
  const EachTransport transport;
  Host acceptor;
  host::RunnerOptions options;
  options.transport.frame_bytes_max = options.transport.frame_bytes_max_before_identity =
      GENERATE(std::size_t{20'000}, std::size_t{256} * 1024);
  Host dialler(options);
  const link::ConnectionId connection = dialler.node.dial(acceptor.url());
  REQUIRE(run_until({&dialler, &acceptor}, [&] { return acceptor.node.accepted.size() == 1; }));
  const bool is_too_large = options.transport.frame_bytes_max < 200'000;
  const std::string text = (is_too_large ? "" : "\xff") + pattern(200'000);
  acceptor.node.send(acceptor.node.accepted.front().first, FrameKind::text, bytes_of(text));
  auto& closures = dialler.node.closures;
  REQUIRE(run_until({&dialler, &acceptor}, [&] {
    return closures.contains(connection) && acceptor.node.closures.size() == 1;
  }));
  const std::uint16_t status = is_too_large ? 1009 : 1007;
  CHECK(closures[connection].status == status);
  CHECK(acceptor.node.closures.begin()->second.status == status);
  CHECK(dialler.node.frames.empty());
}

TEST_CASE("a message of too many fragments ends the connection") {
  const EachTransport transport;
  Host host(trusting());
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  client.frame(0x01, "x");
  for (int index = 0; index < 100; ++index) client.frame(0x00, "x");
  REQUIRE(run_until({&host}, [&] { return host.node.closures.size() == 1; }));
  CHECK(host.node.closures.begin()->second.status == 1002);
}

TEST_CASE("text that is not UTF-8 ends the connection and is not delivered") {
  const EachTransport transport;
  Host host;
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  client.frame(0x81, "\xff\xfe");
  REQUIRE(run_until({&host}, [&] {
    client.receive();
    return client.received.find("\x03\xef") != std::string::npos;  // 1007
  }));
  client.frame(0x88, "\x03\xef");
  REQUIRE(run_until({&host}, [&] { return host.node.closures.size() == 1; }));
  CHECK(host.node.frames.empty());
}

TEST_CASE("behind the close frame that a peer's flaw has caused nothing is sent") {
  const EachTransport transport;
  Host host;
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  REQUIRE(run_until({&host}, [&] { return host.node.accepted.size() == 1; }));
  const std::size_t begin = client.received.find("\r\n\r\n") + 4;
  client.frame(0x81, "\xff");
  REQUIRE(run_until({&host}, [&] {
    client.receive();
    return client.received.size() > begin;
  }));
  // The peer has not answered yet, and the owner has something to say meanwhile.
  host.node.send(host.node.accepted.front().first, FrameKind::text, bytes_of("late"));
  host.node.send(host.node.accepted.front().first, FrameKind::binary, bytes_of("later"));
  run_for({&host}, std::chrono::milliseconds(50));
  client.receive();
  const std::string said = client.received.substr(begin);
  REQUIRE(said.size() >= 4);
  CHECK(said.substr(0, 1) == "\x88");
  CHECK(said.substr(2, 2) == "\x03\xef");
  CHECK(said.size() == 2 + static_cast<std::size_t>(said[1]));
}

TEST_CASE("connections over the bound get 503 and those below it stay") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.connections_max = 1;
  Pair pair(options);
  REQUIRE(pair.connect());
  RawClient late(pair.acceptor.port);
  late.upgrade();
  REQUIRE(pair.run([&] {
    late.receive();
    return !late.is_open();
  }));
  CHECK(late.received.starts_with("HTTP/1.1 503"));
  CHECK(pair.acceptor.node.accepted.size() == 1);
  CHECK(pair.acceptor.node.closures.empty());
  CHECK(pair.acceptor.runner->transport_stats().refused_total == 1);
  const auto refused = pair.dialler.node.dial(pair.acceptor.url());
  REQUIRE(pair.run([&] { return pair.dialler.node.failures.contains(refused); }));
  CHECK(pair.dialler.node.failures[refused].code == ErrorCode::busy);
}

TEST_CASE("a caller that sends no request is put out") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.request_within = std::chrono::milliseconds(100);
  Host host(options);
  RawClient client(host.port);
  client.send("GET /");
  REQUIRE(run_until({&host}, [&] { return host.runner->transport_stats().pending == 1; }));
  REQUIRE(run_until({&host}, [&] {
    client.receive();
    return !client.is_open();
  }));
  CHECK(host.runner->transport_stats().pending == 0);
}

TEST_CASE("a peer that stops reading delays a close only for its bound") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.close_within = std::chrono::milliseconds(200);
  Host host(options);
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  REQUIRE(run_until({&host}, [&] { return host.node.accepted.size() == 1; }));
  const auto id = host.node.accepted.front().first;
  for (int index = 0; index < 15; ++index) {
    host.node.send(id, FrameKind::binary, bytes_of(pattern(256 * 1024)));
  }
  host.node.close(id, CloseStatus::normal, "");
  run_for({&host}, std::chrono::milliseconds(50));
  CHECK(host.runner->transport_stats().connections == 1);
  CHECK(run_until(
      {&host}, [&] { return host.runner->transport_stats().connections == 0; },
      std::chrono::milliseconds(2000)));
}

TEST_CASE("connections over the bound of one address get 503, loopback is not counted") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.connections_per_address_max = 1;
  Host host(options, nullptr, "0.0.0.0");
  const auto upgraded = [&](RawClient& client) {
    client.upgrade();
    run_until({&host}, [&] {
      client.receive();
      return client.received.find("\r\n\r\n") != std::string::npos;
    });
    return client.received.starts_with("HTTP/1.1 101");
  };
  for (const char* loopback : {"127.0.0.1", "127.0.0.2"}) {
    RawClient first(host.port, loopback);
    RawClient second(host.port, loopback);
    CHECK(upgraded(first));
    CHECK(upgraded(second));
  }
  const std::string outward = outward_address();
  if (outward.empty()) return;  // A machine without a network.
  RawClient first(host.port, outward.c_str(), outward.c_str());
  RawClient second(host.port, outward.c_str(), outward.c_str());
  CHECK(upgraded(first));
  CHECK_FALSE(upgraded(second));
  CHECK(second.received.starts_with("HTTP/1.1 503"));
  host.runner->limit_accepted(100, 2);
  RawClient third(host.port, outward.c_str(), outward.c_str());
  CHECK(upgraded(third));
}

TEST_CASE("one address holds few sockets without a request, loopback as many as all together") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.pending_max = 6;
  options.transport.pending_per_address_max = 2;
  Host host(options, nullptr, "0.0.0.0");
  const auto call = [&](const std::string& from, std::size_t callers) {
    std::vector<std::unique_ptr<RawClient>> clients;
    while (clients.size() < callers) {
      clients.push_back(std::make_unique<RawClient>(host.port, from.c_str(), from.c_str()));
    }
    return clients;
  };
  const auto pending = [&] { return host.runner->transport_stats().pending; };
  const auto refused = [&] { return host.runner->transport_stats().refused_total; };
  std::size_t expected = 0;
  std::vector<std::unique_ptr<RawClient>> strangers;
  if (const std::string outward = outward_address(); !outward.empty()) {
    strangers = call(outward, 3);
    REQUIRE(run_until({&host}, [&] { return refused() == 1; }));
    CHECK(pending() == 2);
    INFO("a place is free again when a request is whole, or its socket gone");
    REQUIRE(upgrade(*strangers[0], host));
    strangers[1].reset();
    REQUIRE(run_until({&host}, [&] { return pending() == 0; }));
    strangers = call(outward, 2);
    REQUIRE(run_until({&host}, [&] { return pending() == 2; }));
    expected = 2;
  }
  const std::uint64_t refused_before = refused();
  const auto neighbours = call("127.0.0.1", 6 - expected + 1);
  REQUIRE(run_until({&host}, [&] { return refused() == refused_before + 1; }));
  CHECK(pending() == 6);
}

TEST_CASE("/health says whether the node can do its job, other paths are 404") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.overview.serves_legacy = false;
  Host host(options);
  const auto ask = [&](const std::string& path) {
    RawClient client(host.port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: admin\r\n\r\n");
    run_until({&host}, [&] {
      client.receive();
      return !client.is_open();
    });
    return client.received;
  };
  const std::string well = ask("/health");
  CHECK(well.starts_with("HTTP/1.1 200"));
  CHECK(well.find("{\"status\":\"ok\"}") != std::string::npos);
  host.node.healthy = false;
  const std::string ill = ask("/health");
  CHECK(ill.starts_with("HTTP/1.1 503"));
  CHECK(ill.find("{\"status\":\"unavailable\"}") != std::string::npos);
  CHECK(ask("/status").starts_with("HTTP/1.1 404"));
  CHECK(ask("/").starts_with("HTTP/1.1 404"));
}
