#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using pool::BridgeMode;
using test::BridgeWorld;
using namespace std::chrono_literals;

namespace {

std::vector<pool::BridgeEndpoint> bridges_of(std::initializer_list<std::size_t> indices) {
  std::vector<pool::BridgeEndpoint> made;
  for (const std::size_t index : indices) made.push_back({{BridgeWorld::url(index)}});
  return made;
}

void reload(BridgeWorld& world, std::initializer_list<std::size_t> indices,
            BridgeMode mode = BridgeMode::pool) {
  world.set.reload(world.now, bridges_of(indices), mode);
  world.settle();
}

}  // namespace

TEST_CASE("candidate addresses are tried in order, and lead to one connection") {
  pool::BridgeSetOptions options;
  options.bridges = {{{"ws://inside", "ws://outside", "ws://spare"}}};
  BridgeWorld world(options, 3);
  world.bridges[0].deaf = {"ws://inside"};
  world.start();
  CHECK(world.bridges[0].dialled == std::vector<std::string>{"ws://inside", "ws://outside"});
  CHECK(world.set.connected().size() == 1);
  CHECK(world.set.slots()[0].url() == "ws://outside");
}

TEST_CASE("X15: others are told what a bridge advertises, not the candidate that reached it") {
  for (const BridgeMode mode : {BridgeMode::pool, BridgeMode::stateless}) {
    for (const std::string advertised : {"wss://public.example/bridge", ""}) {
      CAPTURE(advertised);
      pool::BridgeSetOptions options;
      options.mode = mode;
      options.bridges = {{{"ws://inside", "wss://public.example/bridge"}}};
      BridgeWorld world(options, 3);
      world.bridges[0].end->local.address = advertised;
      world.start();
      world.submit();
      world.run_for(1s);
      CHECK(world.set.slots()[0].url() == "ws://inside");
      const wire::Contacts told = world.set.available();
      REQUIRE(told.size() == 1);
      // Of one that advertises nothing there is nothing else to tell.
      CHECK(told[0].address == (advertised.empty() ? "ws://inside" : advertised));
    }
  }
}

TEST_CASE("after a loss the candidates are tried from the first one again") {
  pool::BridgeSetOptions options;
  options.bridges = {{{"ws://inside", "ws://outside"}}};
  BridgeWorld world(options, 3);
  world.bridges[0].deaf = {"ws://inside"};
  world.start();
  world.run_for(20s);
  world.bridges[0].deaf.clear();
  world.drop(0);
  world.run_for(2s);
  CHECK(world.set.slots()[0].url() == "ws://inside");
  CHECK(world.bridges[0].live_connections == 1);
}

TEST_CASE("P-CR-3: candidates share the five attempts of a connect operation") {
  pool::BridgeSetOptions options;
  options.bridges = {{{"ws://inside", "ws://outside"}}};
  BridgeWorld world(options, 3);
  world.bridges[0].accepts = false;
  world.start();
  world.run_for(14s);
  CHECK(world.bridges[0].dialled == std::vector<std::string>{"ws://inside", "ws://outside",
                                                             "ws://inside", "ws://outside",
                                                             "ws://inside"});
  CHECK(pool::public_name(world.set.slots()[0].state) == "failed");
}

TEST_CASE("a reload dials what was added and keeps what has not changed") {
  BridgeWorld world(BridgeWorld::options_for(2), 5);
  world.add({{BridgeWorld::url(2)}});
  world.start();
  reload(world, {0, 1, 2});
  CHECK(world.set.connected().size() == 3);
  for (const auto& bridge : world.bridges) CHECK(bridge.dials() == 1);
}

TEST_CASE("a bridge taken out of the settings answers what it has and then closes") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  const auto request = world.submit();
  reload(world, {1});
  CHECK(world.bridges[0].live_connections == 1);
  CHECK(world.available->size() == 1);
  for (int count = 0; count < 4; ++count) world.submit();
  CHECK(world.bridges[0].held.size() == 1);
  world.answer_held(0);
  CHECK(world.answers.contains(request));
  CHECK(world.failures.empty());
  CHECK(world.bridges[0].live_connections == 0);
  CHECK(world.set.slots().size() == 1);
  world.run_for(60s);
  CHECK(world.bridges[0].dials() == 1);
}

TEST_CASE("a bridge put back while it leaves keeps its connection") {
  BridgeWorld world(2, 5);
  world.start();
  world.bridges[0].answers = false;
  world.submit();
  reload(world, {1});
  reload(world, {0, 1});
  world.answer_held(0);
  CHECK(world.bridges[0].live_connections == 1);
  CHECK(world.set.connected().size() == 2);
  CHECK(world.bridges[0].dials() == 1);
}

TEST_CASE("a candidate more does not cost the connection, the one in use less does") {
  BridgeWorld world(1, 5);
  world.bridges[0].endpoint.urls.push_back("ws://spare");
  world.start();
  world.set.reload(world.now, {{{"ws://spare", BridgeWorld::url(0)}}}, BridgeMode::pool);
  world.settle();
  CHECK(world.bridges[0].dials() == 1);
  CHECK(world.set.slots()[0].url() == BridgeWorld::url(0));
  world.set.reload(world.now, {{{"ws://spare"}}}, BridgeMode::pool);
  world.settle();
  world.run_for(5s);
  CHECK(world.bridges[0].live_connections == 1);
  CHECK(world.set.slots().size() == 1);
  CHECK(world.set.slots()[0].url() == "ws://spare");
}

TEST_CASE("a reload takes an excluded bridge back") {
  BridgeWorld world(1, 5, "another secret");
  world.start();
  CHECK(world.set.slots()[0].is_excluded);
  world.home.local.bridge_secret = to_bytes(as_bytes("another secret"));
  reload(world, {0});
  CHECK(world.set.connected().size() == 1);
}

TEST_CASE("requests of every age survive reloads at every moment") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    BridgeWorld world(BridgeWorld::options_for(3), seed);
    world.start();
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t action = world.rng.below(6);
      const std::size_t bridge = world.rng.below(3);
      if (action == 0) world.bridges[bridge].answers = false;
      if (action == 1) world.answer_held(bridge);
      if (action == 2) reload(world, {bridge, (bridge + 1) % 3});
      if (action == 3) reload(world, {0, 1, 2});
      if (action == 4) reload(world, {2, 0, 1}, BridgeMode::stateless);
      world.submit();
      world.run_for(world.rng.between(0ms, 300ms));
    }
    for (std::size_t bridge = 0; bridge < 3; ++bridge) world.answer_held(bridge);
    world.run_for(1s);
    CAPTURE(seed);
    REQUIRE(world.failures.empty());
    REQUIRE(world.answers.size() == world.submitted);
    REQUIRE(world.mismatched == 0);
  }
}

TEST_CASE(
    "a full set may be exchanged for another: the new come as the old ones' places are free") {
  // 47 may be configured. The old ones work on something each, so that none can go at once.
  constexpr std::size_t kBridges = 47;
  BridgeWorld world(BridgeWorld::options_for(kBridges), 5);
  std::vector<pool::BridgeEndpoint> others;
  for (std::size_t index = kBridges; index < 2 * kBridges; ++index) {
    others.push_back({{BridgeWorld::url(index)}});
    world.add(others.back());
  }
  world.start();
  for (std::size_t index = 0; index < kBridges; ++index) {
    world.bridges[index].answers = false;
    world.submit();
  }
  world.set.reload(world.now, others, BridgeMode::pool);
  world.settle();
  for (std::size_t index = 0; index < kBridges; ++index) world.answer_held(index);
  CHECK(world.logged("bridge.not_added") == 0);
  CHECK(world.answers.size() == kBridges);
  CHECK(world.set.slots().size() == kBridges);
  CHECK(world.set.connected().size() == kBridges);
  for (std::size_t index = 0; index < kBridges; ++index) {
    CHECK(world.bridges[index].live_connections == 0);
    CHECK(world.bridges[kBridges + index].dials() == 1);
  }
}

TEST_CASE("a bridge more than may be configured is refused, also while others leave") {
  constexpr std::size_t kBridges = 47;
  BridgeWorld world(BridgeWorld::options_for(kBridges), 5);
  std::vector<pool::BridgeEndpoint> others;
  for (std::size_t index = kBridges; index < 2 * kBridges + 1; ++index) {
    others.push_back({{BridgeWorld::url(index)}});
    world.add(others.back());
  }
  world.start();
  world.set.reload(world.now, others, BridgeMode::pool);
  world.settle();
  CHECK(world.logged("bridge.not_added") == 1);
  CHECK(world.set.connected().size() == kBridges);
}

TEST_CASE("a bridge that waits for a place is forgotten by the next reload") {
  constexpr std::size_t kBridges = 47;
  BridgeWorld world(BridgeWorld::options_for(kBridges), 5);
  world.add({{BridgeWorld::url(kBridges)}});
  world.start();
  for (std::size_t index = 0; index < kBridges; ++index) {
    world.bridges[index].answers = false;
    world.submit();
  }
  reload(world, {kBridges});
  CHECK(world.bridges[kBridges].dials() == 0);
  reload(world, {0});
  for (std::size_t index = 0; index < kBridges; ++index) world.answer_held(index);
  CHECK(world.bridges[kBridges].dials() == 0);
  CHECK(world.set.slots().size() == 1);
}

TEST_CASE("BAL-04: after a reload, a bridge that fails again is reported again") {
  BridgeWorld world(1, 5);
  world.bridges[0].accepts = false;
  world.start();
  world.run_for(300s);
  CHECK(world.logged("bridge.failed") == 1);
  reload(world, {0});
  CHECK(pool::public_name(world.set.slots()[0].state) != "failed");
  world.run_for(300s);
  CHECK(world.logged("bridge.failed") == 2);
}

TEST_CASE("a reload during a probe makes it the first attempt of a new operation") {
  BridgeWorld world(1, 5);
  world.bridges[0].accepts = false;
  world.start();
  world.run_for(60s);
  world.bridges[0].accepts = true;
  world.bridges[0].slow = true;
  while (world.set.slots()[0].state != pool::BridgeState::connecting) world.run_for(1s);
  reload(world, {0});
  const std::size_t dials = world.bridges[0].dials();
  world.bridges[0].accepts = false;
  world.end_dial(false);
  world.run_for(20s);
  CHECK(world.bridges[0].dials() >= dials + 4);
  CHECK(world.logged("bridge.failed") == 2);
}
