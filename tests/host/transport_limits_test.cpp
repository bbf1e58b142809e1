// What a caller may take of the transport: places, bytes, time, and traffic that no message shows.

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;

namespace {

/// Loopback counts as any address does.
host::RunnerOptions strict() {
  host::RunnerOptions options;
  options.transport.exempts_loopback = false;
  return options;
}

bool ends_within(Host& host, RawClient& client, std::chrono::milliseconds limit) {
  return run_until(
      {&host},
      [&] {
        client.receive();
        return !client.is_open();
      },
      limit);
}

}  // namespace

TEST_CASE("T19: before it can have shown who it is a caller sends 4 KiB and 16 fragments") {
  const EachTransport transport;
  Host host;
  RawClient large(host.port);
  REQUIRE(upgrade(large, host));
  large.frame(0x82, std::string(4097, 'x'));
  REQUIRE(run_until({&host}, [&] { return host.node.closures.size() == 1; }));
  CHECK(host.node.closures.begin()->second.status == 1009);
  RawClient scattered(host.port);
  REQUIRE(upgrade(scattered, host));
  scattered.frame(0x02, "x");
  for (int count = 0; count < 20; ++count) scattered.frame(0x00, "x");
  REQUIRE(run_until({&host}, [&] { return host.node.closures.size() == 2; }));
  CHECK(host.node.closures.rbegin()->second.status == 1002);
}

TEST_CASE("a native peer sends more with its third message, an old one with its second") {
  const EachTransport transport;
  Host host;
  RawClient native(host.port);
  RawClient old(host.port);
  REQUIRE(upgrade(native, host));
  REQUIRE(upgrade(old, host));
  native.frame(0x82, "hello");
  native.frame(0x82, "prove");
  native.frame(0x82, std::string(9000, 'x'));
  old.frame(0x81, "hello");
  old.frame(0x81, std::string(9000, 'x'));
  CHECK(run_until({&host}, [&] { return host.node.frames.size() == 5; }));
  CHECK(host.node.closures.empty());
}

TEST_CASE("T18: a message that trickles in is cut, one that comes at a fair rate is not") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.message_grace = 300ms;
  options.transport.message_bytes_per_second_min = 3000;
  options.transport.look_every = 50ms;
  options.transport.frame_bytes_max_before_identity = 256 * 1024;
  Host host(options);
  RawClient slow(host.port);
  RawClient fair(host.port);
  REQUIRE(upgrade(slow, host));
  REQUIRE(upgrade(fair, host));
  slow.frame(0x02, "one byte, and the rest some time");
  fair.frame(0x02, std::string(9000, 'x'));
  CHECK(run_until({&host}, [&] { return host.node.closures.size() == 1; }, 3000ms));
  CHECK(host.node.closures.begin()->second.status == 4002);
  CHECK(ends_within(host, slow, 1000ms));
  CHECK(host.runner->transport_stats().slow_messages_total == 1);
  fair.frame(0x80, "the end");
  CHECK(run_until({&host}, [&] { return host.node.frames.size() == 1; }));
}

TEST_CASE("C16: a flood of pings is cut though no message shows it, a few pings are not") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.look_every = 50ms;
  options.transport.side_looks = 2;
  Host host(options);
  RawClient flood(host.port);
  RawClient calm(host.port);
  REQUIRE(upgrade(flood, host));
  REQUIRE(upgrade(calm, host));
  run_for({&host}, 200ms);
  std::string pings;
  for (int count = 0; count < 2000; ++count) {
    pings += std::string("\x89\x80\x00\x00\x00\x00", 6);
  }
  const Instant end = host::steady_now() + 5s;
  while (host.node.closures.empty() && host::steady_now() < end) {
    flood.send(pings);
    flood.receive();
    calm.frame(0x89, "ping");
    run_for({&host}, 5ms);
  }
  REQUIRE(host.node.closures.size() == 1);
  CHECK(host.node.closures.begin()->second.status == 4002);
  CHECK(host.runner->transport_stats().side_floods_total == 1);
  CHECK(host.runner->transport_stats().connections == 1);
}

TEST_CASE("T17: callers that come faster than they may are closed before they are heard") {
  const EachTransport transport;
  host::RunnerOptions options = strict();
  options.transport.arrivals = {.per_second = 5, .per_address_per_second = 3};
  options.transport.pending_per_address_max = 100;
  Host host(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int count = 0; count < 10; ++count) {
    clients.push_back(std::make_unique<RawClient>(host.port, "127.0.0.2"));
  }
  const auto stats = [&] { return host.runner->transport_stats(); };
  REQUIRE(run_until({&host}, [&] { return stats().pending + stats().refused_total == 10; }));
  CHECK(stats().pending == 6);
  CHECK(stats().refused_arrivals_total == 4);
  INFO("whoever is refused takes nothing from others, who have what is left of all");
  for (int count = 0; count < 10; ++count) {
    clients.push_back(std::make_unique<RawClient>(host.port, "127.0.0.3"));
  }
  REQUIRE(run_until({&host}, [&] { return stats().pending + stats().refused_total == 20; }));
  CHECK(stats().pending >= 10);
  CHECK(stats().pending <= 11);
}

TEST_CASE("connections over the bound of one network get 503") {
  const EachTransport transport;
  host::RunnerOptions options = strict();
  options.transport.connections_per_network_max = 2;
  Host host(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const char* from : {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.1.1"}) {
    clients.push_back(std::make_unique<RawClient>(host.port, from));
    REQUIRE(upgrade(*clients.back(), host));
  }
  CHECK(clients[1]->received.starts_with("HTTP/1.1 101"));
  CHECK(clients[2]->received.starts_with("HTTP/1.1 503"));
  CHECK(clients[3]->received.starts_with("HTTP/1.1 101"));
}

TEST_CASE("C17: sockets of peers never take the last descriptors") {
  const EachTransport transport;
  host::RunnerOptions options;
  options.transport.sockets_max = 5;
  Host host(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int count = 0; count < 8; ++count) {
    clients.push_back(std::make_unique<RawClient>(host.port));
  }
  const auto stats = [&] { return host.runner->transport_stats(); };
  REQUIRE(run_until({&host}, [&] { return stats().refused_descriptors_total == 3; }));
  CHECK(stats().pending == 5);
  clients.erase(clients.begin(), clients.begin() + 3);
  REQUIRE(run_until({&host}, [&] { return stats().pending == 2; }));
  clients.push_back(std::make_unique<RawClient>(host.port));
  INFO("when load falls there is room again");
  CHECK(run_until({&host}, [&] { return stats().pending == 3; }));
}
