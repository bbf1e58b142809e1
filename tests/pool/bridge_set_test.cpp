#include "trestle/pool/bridge_set.hpp"

#include <algorithm>
#include <map>

#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using test::BridgeWorld;
using namespace std::chrono_literals;

TEST_CASE("every bridge is dialled at start and gets one connection") {
  BridgeWorld world(3, 1);
  world.start();
  CHECK(world.set.connected().size() == 3);
  for (const auto& slot : world.set.slots()) CHECK(slot.counters.connections_opened == 1);
}

TEST_CASE("P-BR-1: at most one active connection per bridge address") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    BridgeWorld world(3, seed);
    world.start();
    for (int step = 0; step < 60; ++step) {
      world.random_step();
      for (const auto& bridge : world.bridges) {
        CAPTURE(seed, step, bridge.endpoint.urls);
        REQUIRE(bridge.live_connections <= 1);
      }
    }
  }
}

TEST_CASE("P-BR-2: each caller gets its own answer or an error, exactly once") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    BridgeWorld world(2, seed);
    world.start();
    for (int step = 0; step < 80; ++step) world.random_step();
    world.run_for(30s);
    CAPTURE(seed);
    REQUIRE(world.set.requests_under_way() == 0);
    for (const auto& [request, ends] : world.ends) REQUIRE(ends == 1);
    REQUIRE(world.ends.size() == world.submitted);
    REQUIRE(world.mismatched == 0);
  }
}

TEST_CASE("P-BR-3: a failed connection is dialled again with backoff until it succeeds") {
  BridgeWorld world(1, 5);
  world.bridges[0].accepts = false;
  world.start();
  world.run_for(120s);
  // Five attempts within the operation, then one per probe interval.
  CHECK(world.bridges[0].dials() >= 5 + 3);
  CHECK(world.bridges[0].dials() <= 5 + 8);
  world.bridges[0].accepts = true;
  world.run_for(35s);
  CHECK(world.set.connected().size() == 1);
}

TEST_CASE("P-BR-3: wrong credentials end the dialling and are said once") {
  BridgeWorld world(1, 5, "another secret");
  world.start();
  world.run_for(600s);
  CHECK(world.bridges[0].dials() == 1);
  CHECK(world.logged("bridge.excluded") == 1);
  CHECK(pool::public_name(world.set.slots()[0].state) == "failed");
}

TEST_CASE("P-BR-4: an unanswered request fails at its timeout and leaves nothing behind") {
  BridgeWorld world(1, 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  const Instant asked = world.now;
  world.run_for(20s);
  REQUIRE(world.failures.contains(request));
  CHECK(world.failures[request].first == ErrorCode::timeout);
  CHECK(world.failures[request].second == asked + 5s);
  CHECK(world.set.requests_under_way() == 0);
}

TEST_CASE("P-BR-5: requests go round robin over the healthy bridges") {
  BridgeWorld world(4, 5);
  world.start();
  for (int count = 0; count < 1001; ++count) {
    world.submit();
    std::vector<std::uint64_t> served;
    for (const auto& slot : world.set.slots()) served.push_back(slot.counters.requests);
    REQUIRE(*std::ranges::max_element(served) - *std::ranges::min_element(served) <= 1);
    world.run_for(1ms);
  }
}

TEST_CASE("P-BR-5: an unhealthy bridge is asked nothing") {
  BridgeWorld world(3, 5);
  world.start();
  world.bridges[1].accepts = false;
  world.drop(1);
  const std::uint64_t before = world.set.slots()[1].counters.requests;
  for (int count = 0; count < 30; ++count) world.submit();
  CHECK(world.set.slots()[1].counters.requests == before);
}

TEST_CASE("P-BR-6: after all requests ended nothing is in flight anywhere") {
  BridgeWorld world(2, 9);
  world.start();
  for (int count = 0; count < 200; ++count) {
    const auto request = world.submit();
    if (count % 7 == 0) world.set.cancel(world.now, request);
    world.run_for(1ms);
  }
  world.run_for(15s);
  CHECK(world.set.requests_under_way() == 0);
  for (const auto& slot : world.set.slots()) CHECK(slot.in_flight == 0);
}

TEST_CASE("P-BR-7: idle beyond the timeout is closed and dialled again on the next use") {
  BridgeWorld world(1, 5);
  world.start();
  world.run_for(299s);
  CHECK(world.set.connected().size() == 1);
  world.run_for(2s);
  CHECK(world.set.connected().empty());
  CHECK(world.bridges[0].live_connections == 0);
  const auto request = world.submit();
  world.run_for(1s);
  CHECK(world.answers.contains(request));
  CHECK(world.bridges[0].dials() == 2);
}

TEST_CASE(
    "a request that times out on one bridge is answered by another within its total deadline") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  world.run_for(6s);
  CHECK(world.answers.contains(request));
  CHECK(world.set.slots()[0].counters.timeouts == 1);
}

TEST_CASE("a request lost with its connection is answered by another bridge at once") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  world.drop(0);
  world.run_for(100ms);
  CHECK(world.answers.contains(request));
}

TEST_CASE("with every bridge down a request fails at once") {
  BridgeWorld world(2, 5);
  for (auto& bridge : world.bridges) bridge.accepts = false;
  world.start();
  world.run_for(1s);
  for (int tries = 0; tries < 20; ++tries) {
    const auto request = world.submit();
    world.run_for(10ms);
    REQUIRE(world.failures.contains(request));
    CHECK(world.failures[request].first == ErrorCode::bridge_unavailable);
  }
}

TEST_CASE("a request that comes while the bridges are being connected waits for them") {
  BridgeWorld world(2, 5);
  world.set.start(world.now);
  const auto request = world.submit_undrained();
  world.settle();
  CHECK(world.answers.contains(request));
}

TEST_CASE("busy on one bridge tries the other; busy on all is told with the wait") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].busy = true;
  const auto first = world.submit();
  world.run_for(1ms);
  CHECK(world.answers.contains(first));
  world.bridges[1].busy = true;
  world.run_for(1s);
  const auto second = world.submit();
  world.run_for(1s);
  REQUIRE(world.failures.contains(second));
  CHECK(world.failures[second].first == ErrorCode::busy);
  CHECK(world.set.connected().size() == 2);
}

TEST_CASE("more requests than the bound are refused") {
  BridgeWorld world(1, 5);
  world.start();
  world.bridges[0].answers = false;
  for (int count = 0; count < 500; ++count) world.submit();
  CHECK(world.set.submit(world.now, wire::IntroduceRequest{}).error() == ErrorCode::busy);
}

TEST_CASE("two URLs of one bridge make one connection") {
  BridgeWorld world(2, 5);
  world.bridges[1].end = world.bridges[0].end;
  world.start();
  CHECK(world.set.connected().size() == 1);
}
