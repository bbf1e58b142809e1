#include "trestle/host/runner.hpp"

#include <string>

#include "catch.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;
using link::FrameKind;

TEST_CASE("the node is started and told the calendar") {
  Host host;
  CHECK(host.node.started);
  CHECK(host.node.wall_clock_reports == 1);
}

TEST_CASE("a deadline is met when it is due, not before, and only once") {
  Host host;
  const Instant due = host::steady_now() + std::chrono::milliseconds(50);
  host.node.deadline = due;
  REQUIRE(run_until({&host}, [&] { return !host.node.deadlines_met.empty(); }));
  CHECK(host.node.deadlines_met.front() >= due);
  CHECK(host.node.deadlines_met.front() < due + std::chrono::seconds(1));
  run_for({&host}, std::chrono::milliseconds(50));
  CHECK(host.node.deadlines_met.size() == 1);
}

TEST_CASE("signing and verifying are answered by ticket") {
  Host host;
  const link::ConnectionId id = host.node.ids.next();
  const Bytes message = bytes_of("message");
  host.node.outbox.push(link::Sign{id, {7}, message});
  REQUIRE(run_until({&host}, [&] { return host.node.signatures.size() == 1; }));
  CHECK(host.node.signatures.front() == link::Ticket{7});
  const wire::Signature signature = host.node.last_signature;
  host.node.outbox.push(link::Verify{id, {8}, host.keys.key, message, signature});
  host.node.outbox.push(link::Verify{id, {9}, host.keys.key, bytes_of("another"), signature});
  REQUIRE(run_until({&host}, [&] { return host.node.verdicts.size() == 2; }));
  CHECK(host.node.verdicts[8]);
  CHECK_FALSE(host.node.verdicts[9]);
}

TEST_CASE("what many inputs of one turn caused leaves together") {
  Host host;
  host.node.echoes = true;
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  std::string burst;
  for (int index = 0; index < 50; ++index) burst += std::string("\x82\x81\0\0\0\0x", 7);
  client.send(burst);
  REQUIRE(run_until({&host}, [&] { return host.node.frames.size() == 50; }));
  INFO("all arrived in one read, so nothing may have been sent before the turn's end");
  REQUIRE(
      run_until({&host}, [&] { return host.runner->transport_stats().frames_sent_total == 50; }));
}

TEST_CASE("a shutdown says goodbye to the peers, then ends the loop") {
  Host acceptor;
  Host dialler;
  const auto connection = dialler.node.dial(acceptor.url());
  REQUIRE(run_until({&acceptor, &dialler}, [&] { return dialler.node.dialled.size() == 1; }));
  REQUIRE(run_until({&acceptor, &dialler}, [&] { return acceptor.node.accepted.size() == 1; }));
  acceptor.runner->begin_shutdown();
  REQUIRE(run_until({&acceptor, &dialler}, [&] { return acceptor.runner->is_stopped(); }));
  CHECK(acceptor.node.shutting_down);
  REQUIRE(run_until({&dialler}, [&] { return dialler.node.closures.contains(connection); }));
  CHECK(dialler.node.closures[connection].status == 1001);
  CHECK(dialler.node.closures[connection].reason == "bye");
  const auto late = dialler.node.dial(acceptor.url());
  REQUIRE(run_until({&dialler}, [&] { return dialler.node.failures.contains(late); }));
}

TEST_CASE("a shutdown does not wait for a peer that never answers") {
  host::RunnerOptions options;
  options.transport.close_within = std::chrono::milliseconds(100);
  options.shutdown_within = std::chrono::milliseconds(500);
  Host host(options);
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  host.runner->begin_shutdown();
  CHECK(run_until(
      {&host}, [&] { return host.runner->is_stopped(); }, std::chrono::milliseconds(1000)));
}
