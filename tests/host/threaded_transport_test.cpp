#include "trestle/host/threaded_transport.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "certificates.hpp"
#include "host_world.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"

using namespace trestle;
using namespace trestle::test;
using link::CloseStatus;
using link::FrameKind;

namespace {

host::RunnerOptions on_threads(std::size_t threads,
                               const host::TransportThreadOptions& thread = {}) {
  host::RunnerOptions options;
  options.threads = {.threads = threads, .thread = thread};
  return options;
}

host::RunnerOptions trusting() {
  host::RunnerOptions options;
  options.transport.frame_bytes_max_before_identity = options.transport.frame_bytes_max;
  return options;
}

std::vector<host::ThreadFigures> threads_of(Host& host) {
  return host.runner->overview().snapshot().threads;
}

/// A host that dials on threads, and one that it dials. Writing into a closed socket is no end of
/// this program, as it is none of ours.
struct Pair {
  explicit Pair(const host::RunnerOptions& options, host::Tls* dialling = nullptr,
                host::Tls* accepting = nullptr)
      : dialler(std::make_unique<Host>(options, dialling)),
        acceptor(std::make_unique<Host>(trusting(), accepting)) {
    std::signal(SIGPIPE, SIG_IGN);
  }
  bool run(const std::function<bool()>& condition) {
    return run_until({dialler.get(), acceptor.get()}, condition);
  }
  bool connect() {
    const std::size_t dialled = dialler->node.dialled.size();
    const std::size_t accepted = acceptor->node.accepted.size();
    connection = dialler->node.dial(acceptor->url());
    return run([&] {
      return dialler->node.dialled.size() > dialled && acceptor->node.accepted.size() > accepted;
    });
  }
  link::ConnectionId accepted() const { return acceptor->node.accepted.back().first; }

  std::unique_ptr<Host> dialler;
  std::unique_ptr<Host> acceptor;
  link::ConnectionId connection;
};

/// Turns a host on a thread of its own, while it lives.
class Turning {
 public:
  explicit Turning(Host& host)
      : thread_([this, &host] {
          while (!is_over_) {
            host.loop->turn();
            ::usleep(200);
          }
        }) {}
  ~Turning() {
    is_over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

Bytes numbered(int number, std::size_t bytes) {
  Bytes made = bytes_of(std::to_string(number) + " ");
  made.resize(bytes, 'x');
  return made;
}

bool are_numbered(const std::vector<FakeNode::Frame>& frames) {
  for (std::size_t index = 0; index < frames.size(); ++index) {
    const std::string expected = std::to_string(index) + " ";
    if (!as_text(frames[index].bytes).starts_with(expected)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("each endpoint has one thread, and two have one each") {
  const EachTransport transport;
  Pair pair(on_threads(2));
  Host other(trusting());
  const auto dial = [&](const Host& host) {
    const std::size_t before = pair.dialler->node.dialled.size();
    pair.dialler->node.dial(host.url());
    return run_until({pair.dialler.get(), pair.acceptor.get(), &other},
                     [&] { return pair.dialler->node.dialled.size() > before; });
  };
  REQUIRE(dial(*pair.acceptor));
  REQUIRE(dial(other));
  REQUIRE(dial(other));
  REQUIRE(dial(other));
  const auto threads = threads_of(*pair.dialler);
  REQUIRE(threads.size() == 2);
  CHECK(threads[0].connections == 1);
  CHECK(threads[1].connections == 3);
  CHECK(pair.dialler->runner->transport_stats().connections == 4);
  CHECK(pair.dialler->runner->transport_stats().dialled_total == 4);
}

TEST_CASE("over TLS frames pass to and from a thread, and its sessions are taken up again") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  host::Tls dialling(material(issuer.trusting()));
  host::Tls accepting(material(issuer.issue("IP:127.0.0.1")));
  Pair pair(on_threads(2), &dialling, &accepting);
  pair.acceptor->node.echoes = true;
  for (int round = 0; round < 3; ++round) {
    REQUIRE(pair.connect());
    pair.dialler->node.frames.clear();
    for (int number = 0; number < 20; ++number) {
      pair.dialler->node.send(pair.connection, FrameKind::binary,
                              numbered(number, static_cast<std::size_t>(number) * 2000 + 10));
    }
    REQUIRE(pair.run([&] { return pair.dialler->node.frames.size() == 20; }));
    CHECK(are_numbered(pair.dialler->node.frames));
  }
  CHECK(pair.dialler->runner->transport_stats().tls_handshakes_total == 3);
  CHECK(pair.dialler->runner->transport_stats().tls_resumptions_total == 2);
}

TEST_CASE("issuers that are renewed decide about the dials of every thread") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  FileIssuer other(folder, "other");
  host::Tls dialling(material(issuer.trusting()));
  host::Tls accepting(material(issuer.issue("IP:127.0.0.1")));
  Pair pair(on_threads(1), &dialling, &accepting);
  REQUIRE(pair.connect());
  REQUIRE(dialling.renew(material(other.trusting())).issuers);
  pair.dialler->runner->on_issuers_changed(dialling);
  const auto refused = pair.dialler->node.dial(pair.acceptor->url());
  REQUIRE(pair.run([&] { return pair.dialler->node.failures.contains(refused); }));
  CHECK(pair.dialler->node.failures[refused].reason.find("unknown issuer") != std::string::npos);
  CHECK(pair.dialler->node.closures.empty());
  REQUIRE(dialling.renew(material(issuer.trusting())).issuers);
  pair.dialler->runner->on_issuers_changed(dialling);
  CHECK(pair.connect());
}

TEST_CASE("a thread whose reports are not taken stops reading, and nothing is lost") {
  const EachTransport transport;
  constexpr int kFrames = 300;
  constexpr std::size_t kBytes = 10'000;
  Pair pair(on_threads(1, {.events = {8, 50'000}}));
  REQUIRE(pair.connect());
  for (int number = 0; number < kFrames; ++number) {
    pair.acceptor->node.send(pair.accepted(), FrameKind::binary, numbered(number, kBytes));
  }
  run_for({pair.acceptor.get()}, std::chrono::milliseconds(100));
  INFO("the core has not looked, so no more than the bound has been read for it");
  CHECK(pair.dialler->node.frames.empty());
  REQUIRE(pair.run([&] { return pair.dialler->node.frames.size() == kFrames; }));
  CHECK(are_numbered(pair.dialler->node.frames));
  REQUIRE(pair.run([&] { return threads_of(*pair.dialler)[0].waits > 0; }));
  CHECK(threads_of(*pair.dialler)[0].events_peak <= 8);
  CHECK(threads_of(*pair.dialler)[0].event_bytes_peak <= 50'000);
  CHECK(pair.run([&] { return pair.acceptor->node.drained[pair.accepted()] == kFrames * kBytes; }));
}

TEST_CASE("over what may wait for a thread a connection ends, with what was taken of it") {
  const EachTransport transport;
  Pair pair(on_threads(2, {.orders = {4, 1'000'000}}));
  Host other(trusting());
  REQUIRE(pair.connect());
  const auto beside = pair.dialler->node.dial(other.url());
  REQUIRE(run_until({pair.dialler.get(), &other},
                    [&] { return pair.dialler->node.dialled.size() == 2; }));
  for (int number = 0; number < 10; ++number) {
    pair.dialler->node.send(pair.connection, FrameKind::binary, numbered(number, 100));
  }
  pair.dialler->node.send(beside, FrameKind::text, bytes_of("of another thread"));
  auto& closures = pair.dialler->node.closures;
  REQUIRE(pair.run([&] { return closures.contains(pair.connection); }));
  CHECK(closures[pair.connection].status == 1006);
  CHECK(closures[pair.connection].reason ==
        "more ordered than may wait for the connection's thread");
  REQUIRE(pair.run([&] { return pair.acceptor->node.closures.contains(pair.accepted()); }));
  CHECK(pair.acceptor->node.frames.size() == 4);
  CHECK(are_numbered(pair.acceptor->node.frames));
  CHECK(pair.acceptor->node.closures[pair.accepted()].status == 1001);
  CHECK(threads_of(*pair.dialler)[0].orders_refused == 1);
  CHECK(threads_of(*pair.dialler)[1].orders_refused == 0);
  REQUIRE(run_until({pair.dialler.get(), &other}, [&] { return other.node.frames.size() == 1; }));
  INFO("and there is room again");
  CHECK(pair.connect());
}

TEST_CASE("over what may wait for a thread a dial fails BUSY, or says nothing if it is given up") {
  Pair pair(on_threads(1, {.orders = {2, 1'000'000}}));
  std::vector<link::ConnectionId> dials;
  for (int count = 0; count < 4; ++count) {
    dials.push_back(pair.dialler->node.dial(pair.acceptor->url()));
  }
  pair.dialler->node.close(dials[3], CloseStatus::normal, "");
  REQUIRE(pair.run([&] { return pair.dialler->node.dialled.size() == 2; }));
  std::ranges::sort(pair.dialler->node.dialled);
  CHECK(pair.dialler->node.dialled == std::vector{dials[0], dials[1]});
  REQUIRE(pair.dialler->node.failures.size() == 1);
  CHECK(pair.dialler->node.failures[dials[2]].code == ErrorCode::busy);
  CHECK(pair.dialler->node.closures.empty());
}

TEST_CASE("a peer that is gone is reported after its frames, by the thread that had it") {
  const EachTransport transport;
  Pair pair(on_threads(2));
  REQUIRE(pair.connect());
  for (int number = 0; number < 5; ++number) {
    pair.acceptor->node.send(pair.accepted(), FrameKind::binary, numbered(number, 1000));
  }
  REQUIRE(pair.run([&] {
    return pair.acceptor->node.drained[pair.accepted()] == 5000 &&
           pair.acceptor->runner->transport_stats().frames_sent_total == 5;
  }));
  pair.acceptor.reset();
  auto& node = pair.dialler->node;
  REQUIRE(run_until({pair.dialler.get()}, [&] { return node.closures.contains(pair.connection); }));
  CHECK(node.closures[pair.connection].status == 1006);
  CHECK(node.frames.size() == 5);
  CHECK(run_until({pair.dialler.get()},
                  [&] { return pair.dialler->runner->transport_stats().connections == 0; }));
}

TEST_CASE("a host that goes leaves nothing unsent that was ordered before a close") {
  const EachTransport transport;
  Pair pair(on_threads(2));
  REQUIRE(pair.connect());
  const auto closing = pair.connection;
  const auto peer = pair.accepted();
  REQUIRE(pair.connect());
  pair.dialler->node.dial("ws://no-such-host.invalid:1");
  for (int number = 0; number < 50; ++number) {
    pair.dialler->node.send(closing, FrameKind::binary, numbered(number, 50'000));
  }
  pair.dialler->node.close(closing, CloseStatus::refused, "because");
  pair.dialler->loop->turn();
  {
    const Turning turning(*pair.acceptor);
    pair.dialler.reset();
  }
  auto& node = pair.acceptor->node;
  REQUIRE(run_until({pair.acceptor.get()}, [&] { return node.closures.size() == 2; }));
  CHECK(node.frames.size() == 50);
  CHECK(are_numbered(node.frames));
  CHECK(node.closures[peer].status == 4000);
  CHECK(node.closures[peer].reason == "because");
  CHECK(node.closures[pair.accepted()].status == 1006);
}

TEST_CASE("a host that goes waits no longer than a close may take for peers that say nothing") {
  const EachTransport transport;
  host::RunnerOptions options = on_threads(2);
  options.transport.close_within = std::chrono::milliseconds(100);
  Pair pair(options);
  REQUIRE(pair.connect());
  pair.dialler->node.close(pair.connection, CloseStatus::normal, "");
  pair.dialler->loop->turn();
  INFO("the acceptor's loop stands still: this returns, or the test hangs");
  pair.dialler.reset();
}

TEST_CASE("a thread that waits for the core is let go when its host goes") {
  Pair pair(on_threads(1, {.events = {2, 1'000'000}}));
  REQUIRE(pair.connect());
  for (int number = 0; number < 50; ++number) {
    pair.acceptor->node.send(pair.accepted(), FrameKind::binary, numbered(number, 100));
  }
  run_for({pair.acceptor.get()}, std::chrono::milliseconds(50));
  pair.dialler.reset();
}

TEST_CASE("a shutdown ends as soon as the last connection of a thread has") {
  const EachTransport transport;
  host::RunnerOptions options = on_threads(2);
  options.transport.close_within = std::chrono::hours(1);
  options.shutdown_within = std::chrono::hours(1);
  Pair pair(options);
  REQUIRE(pair.connect());
  pair.dialler->node.close(pair.connection, CloseStatus::going_away, "bye");
  pair.dialler->runner->begin_shutdown();
  REQUIRE(pair.run([&] { return pair.dialler->runner->is_stopped(); }));
  CHECK(pair.acceptor->node.closures[pair.accepted()].reason == "bye");
}

TEST_CASE("limits that change while a program runs hold on its threads") {
  const EachTransport transport;
  host::RunnerOptions options = on_threads(1);
  options.transport.look_every = std::chrono::milliseconds(10);
  Host host(options);
  auto listener = host::ListeningSocket::open({"127.0.0.1", 0});
  const auto id = host.node.dial("ws://127.0.0.1:" + std::to_string(listener->address().port));
  int peer = -1;
  REQUIRE(run_until({&host}, [&] {
    peer = ::accept(listener->descriptor(), nullptr, nullptr);
    return peer >= 0;
  }));
  wire::websocket::ServerUpgrade upgrade;
  while (upgrade.phase() == wire::websocket::ServerUpgrade::Phase::reading) {
    std::uint8_t bytes[4096];
    const ssize_t count = ::recv(peer, bytes, sizeof bytes, 0);
    REQUIRE(count > 0);
    upgrade.on_bytes(ByteSpan(bytes, static_cast<std::size_t>(count)));
  }
  upgrade.accept(host.suite.sha1(as_bytes(upgrade.key().challenge())));
  const Bytes answer = upgrade.take_output();
  REQUIRE(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) > 0);
  REQUIRE(run_until({&host}, [&] { return host.node.dialled.size() == 1; }));
  const std::string three_fragments("\x02\x01x\x00\x01y\x80\x01z", 9);
  const auto send_them = [&] {
    return ::send(peer, three_fragments.data(), three_fragments.size(), MSG_NOSIGNAL);
  };
  send_them();
  REQUIRE(run_until({&host}, [&] { return host.node.frames.size() == 1; }));
  options.transport.fragments_max = 2;
  host.runner->limit(options.transport);
  INFO("what our own codec holds to is renewed with each look");
  REQUIRE(run_until({&host}, [&] {
    send_them();
    return host.node.closures.contains(id);
  }));
  CHECK(host.node.closures[id].status == 1002);
  ::close(peer);
}
