#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using pool::BridgeMode;
using test::BridgeWorld;
using namespace std::chrono_literals;

namespace {

pool::BridgeSetOptions stateless(std::size_t bridges) {
  pool::BridgeSetOptions options = BridgeWorld::options_for(bridges);
  options.mode = BridgeMode::stateless;
  return options;
}

void switch_to(BridgeWorld& world, BridgeMode mode) {
  std::vector<pool::BridgeEndpoint> bridges;
  for (const auto& bridge : world.bridges) bridges.push_back(bridge.endpoint);
  world.set.reload(world.now, bridges, mode);
  world.settle();
}

}  // namespace

TEST_CASE("a bridge is greeted once at start and can then be asked") {
  BridgeWorld world(stateless(2), 5);
  world.start();
  CHECK(world.connections() == 0);
  CHECK(world.available->size() == 2);
  for (const auto& bridge : world.bridges) CHECK(bridge.dials() == 1);
}

TEST_CASE("P-CR-13: the connection closes in the step of the answer") {
  BridgeWorld world(stateless(2), 5);
  world.start();
  for (int count = 0; count < 10; ++count) {
    const auto request = world.submit();
    REQUIRE(world.answers.contains(request));
    REQUIRE(world.connections_at_answer == 0);
    REQUIRE(world.set.connections_held() == 0);
  }
  CHECK(world.bridges[0].dials() == 6);
  CHECK(world.bridges[1].dials() == 6);
}

TEST_CASE("P-CR-13: as many connections as questions, under any interleaving") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    BridgeWorld world(stateless(3), seed);
    world.start();
    for (int step = 0; step < 60; ++step) {
      const std::size_t bridge = world.rng.below(3);
      switch (world.rng.below(7)) {
        case 0:
          world.drop(bridge);
          break;
        case 1:
          world.bridges[bridge].answers = false;
          break;
        case 2:
          world.answer_held(bridge);
          break;
        case 3:
          world.run_for(world.rng.between(1ms, 2s));
          break;
        default:
          world.submit();
      }
      std::size_t questions = 0;
      std::size_t greetings = 0;
      for (const pool::BridgeSlot& slot : world.set.slots()) {
        questions += slot.in_flight;
        greetings += slot.connection ? 1 : 0;
      }
      CAPTURE(seed, step);
      REQUIRE(world.set.connections_held() == questions + greetings);
      REQUIRE(world.connections() == questions + greetings);
      REQUIRE(questions + world.set.requests_waiting() == world.set.requests_under_way());
    }
    world.run_for(30s);
    CAPTURE(seed);
    REQUIRE(world.set.requests_under_way() == 0);
    REQUIRE(world.connections() == 0);
    REQUIRE(world.ends.size() == world.submitted);
    for (const auto& [request, ends] : world.ends) REQUIRE(ends == 1);
    REQUIRE(world.mismatched == 0);
  }
}

TEST_CASE("so many connections at a time, the rest waits for a place") {
  pool::BridgeSetOptions options = stateless(1);
  options.stateless_max = 4;
  BridgeWorld world(options, 5);
  world.start();
  world.bridges[0].answers = false;
  for (int count = 0; count < 50; ++count) world.submit();
  CHECK(world.connections() == 4);
  CHECK(world.set.requests_waiting() == 46);
  world.answer_held(0);
  CHECK(world.answers.size() == 50);
  CHECK(world.bridges[0].live_connections_max == 4);
}

TEST_CASE("a bridge that cannot be reached costs an attempt and is left out until it lets us in") {
  BridgeWorld world(stateless(2), 5);
  world.start();
  world.bridges[0].accepts = false;
  const auto request = world.submit();
  CHECK(world.answers.contains(request));
  for (int count = 0; count < 10; ++count) world.submit();
  CHECK(world.answers.size() == 11);
  CHECK(world.available->size() == 1);
  world.bridges[0].accepts = true;
  world.run_for(40s);
  CHECK(world.available->size() == 2);
}

TEST_CASE("a bridge that does not answer is given up after its half of the time") {
  BridgeWorld world(stateless(2), 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  world.run_for(4999ms);
  CHECK_FALSE(world.answers.contains(request));
  world.run_for(2ms);
  CHECK(world.answers.contains(request));
  CHECK(world.connections() == 0);
}

TEST_CASE("cancelling closes the connection of the question") {
  BridgeWorld world(stateless(1), 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  CHECK(world.connections() == 1);
  world.set.cancel(world.now, request);
  world.settle();
  CHECK(world.connections() == 0);
}

TEST_CASE("the wrong secret excludes the bridge in stateless mode too") {
  BridgeWorld world(stateless(1), 5, "another secret");
  world.start();
  const auto request = world.submit();
  CHECK(world.failures.contains(request));
  world.run_for(600s);
  CHECK(world.bridges[0].dials() == 1);
}

TEST_CASE("switching the mode with requests under way fails none of them") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  world.bridges[1].answers = false;
  for (int count = 0; count < 4; ++count) world.submit();
  switch_to(world, BridgeMode::stateless);
  CHECK(world.connections() == 2);
  for (int count = 0; count < 4; ++count) world.submit();
  CHECK(world.connections() == 6);
  switch_to(world, BridgeMode::pool);
  for (int count = 0; count < 4; ++count) world.submit();
  CHECK(world.connections() == 6);
  world.answer_held(0);
  world.answer_held(1);
  CHECK(world.answers.size() == 12);
  CHECK(world.connections() == 2);
  switch_to(world, BridgeMode::stateless);
  CHECK(world.connections() == 0);
  world.submit();
  CHECK(world.answers.size() == 13);
}

TEST_CASE("a bridge that is called back from stateless mode counts as there while it is dialled") {
  BridgeWorld world(stateless(2), 5);
  world.start();
  std::vector<pool::BridgeEndpoint> bridges;
  for (const auto& bridge : world.bridges) bridges.push_back(bridge.endpoint);
  world.set.reload(world.now, bridges, BridgeMode::pool);
  CHECK(world.set.connections_held() == 2);
  CHECK(world.set.available().size() == 2);
  world.settle();
  CHECK(world.set.available().size() == 2);
  CHECK(world.connections() == 2);
}
