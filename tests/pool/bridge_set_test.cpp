#include "trestle/pool/bridge_set.hpp"

#include <algorithm>

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

TEST_CASE("two bridges with addresses of one identity: the second is left out, and said so") {
  BridgeWorld world(2, 5);
  world.bridges[1].end = world.bridges[0].end;
  world.start();
  CHECK(world.logged("bridge.excluded") == 1);
  world.run_for(600s);
  CHECK(world.bridges[1].dials() == 1);
}

TEST_CASE("an invalid answer is counted and tried once on another bridge") {
  BridgeWorld world(3, 5);
  world.start();
  world.bridges[0].nonsense = true;
  const auto request = world.submit();
  CHECK(world.answers.contains(request));
  CHECK(world.set.slots()[0].counters.invalid_answers == 1);
  CHECK(world.set.slots()[1].counters.retries == 1);
  world.bridges[1].nonsense = true;
  world.bridges[2].nonsense = true;
  const auto hopeless = world.submit();
  REQUIRE(world.failures.contains(hopeless));
  CHECK(world.failures[hopeless].first == ErrorCode::protocol_error);
  std::uint64_t asked = 0;
  for (const auto& slot : world.set.slots()) asked += slot.counters.requests;
  CHECK(asked == 4);
}

TEST_CASE("a bridge that answers nonsense is ejected, and trusted again after a while") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].nonsense = true;
  for (int count = 0; count < 6; ++count) world.submit();
  CHECK(world.set.slots()[0].is_ejected);
  CHECK(world.logged("bridge.ejected") == 1);
  const std::uint64_t before = world.set.slots()[0].counters.requests;
  for (int count = 0; count < 10; ++count) world.submit();
  CHECK(world.set.slots()[0].counters.requests == before);
  CHECK(world.answers.size() == 16);
  world.bridges[0].nonsense = false;
  world.run_for(31s);
  CHECK_FALSE(world.set.slots()[0].is_ejected);
  CHECK(world.logged("bridge.trusted") == 1);
}

TEST_CASE("when the good bridge is lost the ejected one is asked again") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].nonsense = true;
  for (int count = 0; count < 6; ++count) world.submit();
  REQUIRE(world.set.slots()[0].is_ejected);
  world.bridges[0].nonsense = false;
  world.bridges[1].accepts = false;
  world.drop(1);
  const auto request = world.submit();
  CHECK(world.answers.contains(request));
}

TEST_CASE("a bridge is told how long the asker still waits, and never asked for longer") {
  BridgeWorld world(2, 5);
  world.start();
  world.budget_ms = 4000;
  world.bridges[0].answers = false;
  const auto request = world.submit();
  world.run_for(3s);
  CHECK(world.answers.contains(request));
  REQUIRE(world.bridges[1].budgets.size() == 1);
  CHECK(world.bridges[1].budgets[0] == 2000ms);
  const auto& ask = std::get<wire::IntroduceRequest>(world.bridges[0].held.at(0).second.message);
  CHECK(ask.budget_ms == 2000);
}

TEST_CASE("a bridge that restarts answers what it was asked before") {
  BridgeWorld world(1, 5);
  world.start();
  world.run_for(20s);
  world.bridges[0].answers = false;
  const auto request = world.submit();
  world.bridges[0].answers = true;
  world.drop(0);
  const auto meanwhile = world.submit();
  world.run_for(2s);
  CHECK(world.answers.contains(request));
  CHECK(world.answers.contains(meanwhile));
  CHECK(world.set.stats().moved == 1);
}

TEST_CASE("retries stay within their budget, denied ones end with their error") {
  BridgeWorld world(2, 5);
  world.start();
  for (auto& bridge : world.bridges) bridge.busy = true;
  for (int count = 0; count < 400; ++count) {
    world.submit();
    world.run_for(120ms);
  }
  std::uint64_t asked = 0;
  for (const auto& slot : world.set.slots()) asked += slot.counters.requests;
  const auto& stats = world.set.stats();
  CHECK(asked <= 400 + 40 + 3 + 48);
  CHECK(stats.retries_denied > 100);
  CHECK(world.failures.size() == 400);
  for (const auto& [request, failure] : world.failures) CHECK(failure.first == ErrorCode::busy);
}

TEST_CASE("a bridge with unanswered pings is out of the rotation at once and told to be") {
  BridgeWorld world(2, 5);
  world.start();
  world.set.submit(world.now, wire::IntroduceRequest{});
  world.settle();
  world.cut = 0;
  world.run_for(45s);
  CHECK(world.logged("bridge.unhealthy") == 1);
  CHECK(world.available->size() == 1);
  const std::uint64_t before = world.set.slots()[0].counters.requests;
  for (int count = 0; count < 6; ++count) world.submit();
  CHECK(world.set.slots()[0].counters.requests == before);
  CHECK(world.answers.size() == 7);
  world.run_for(30s);
  CHECK(world.logged("bridge.lost") == 1);
}

TEST_CASE("idle bridges count as available: they are dialled on demand") {
  BridgeWorld world(2, 5);
  world.start();
  world.run_for(301s);
  CHECK(world.set.connected().empty());
  CHECK(world.set.available().size() == 2);
}

TEST_CASE("a bridge that went to sleep during a request is woken when the request needs it") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  world.run_for(298s);
  const auto request = world.submit();  // to the first bridge, which says nothing
  world.run_for(3s);
  CHECK(world.set.slots()[1].state == pool::BridgeState::idle);
  world.run_for(7s);
  CHECK(world.answers.contains(request));
}

TEST_CASE("two choices avoid a slow bridge, and a hedge rescues whom it got") {
  pool::BridgeSetOptions options = BridgeWorld::options_for(3);
  options.balancing = pool::Balancing::two_choices;
  BridgeWorld world(options, 5);
  world.start();
  for (int count = 0; count < 200; ++count) {
    world.submit(pool::Hedging::allowed);
    world.run_for(1ms);
  }
  world.bridges[0].answers = false;
  int unanswered = 0;
  for (int count = 0; count < 400; ++count) {
    const auto request = world.submit(pool::Hedging::allowed);
    world.run_for(20ms);
    unanswered += world.answers.contains(request) ? 0 : 1;
  }
  const auto& stats = world.set.stats();
  CHECK(stats.hedged > 0);
  CHECK(stats.hedged <= 30);
  CHECK(unanswered < 5);
  CHECK(world.set.slots()[0].counters.requests < 150);
  CHECK(world.mismatched == 0);
}

TEST_CASE("an onboarding is never hedged") {
  pool::BridgeSetOptions options = BridgeWorld::options_for(2);
  options.balancing = pool::Balancing::two_choices;
  BridgeWorld world(options, 5);
  world.start();
  for (int count = 0; count < 200; ++count) world.submit();
  world.bridges[0].answers = false;
  world.bridges[1].answers = false;
  for (int count = 0; count < 20; ++count) world.submit();
  world.run_for(1s);
  CHECK(world.set.stats().hedged == 0);
}
