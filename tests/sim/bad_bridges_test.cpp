// Bridges that answer nonsense, and bridges that refuse our secret.

#include "catch.hpp"
#include "trestle/sim/checkers/bridge_requests.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/probes.hpp"
#include "trestle/sim/service_bridge.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

std::string url_of(std::size_t bridge) { return "ws://bridge" + std::to_string(bridge) + ":9000/"; }

WorldOptions seeded(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  return options;
}

/// One client in front of four bridges of queueing theory.
struct Scene {
  explicit Scene(std::uint64_t seed) : world(seeded(seed)) {
    // One bridge has another secret than ours, and may say so.
    checkers.courtesy = checkers::Courtesy({.are_settings_equal = false});
    checkers.watch(world);
    world.add_observer(requests);
    world.add_observer(probes);
    PoolClientOptions options;
    options.request_every = 20ms;
    options.bridge_secret = to_bytes(as_bytes("ours"));
    options.totals = &totals;
    for (std::size_t bridge = 0; bridge < 4; ++bridge) {
      options.set.bridges.push_back({{url_of(bridge)}});
      add_bridge(bridge, bridge == 3 ? "theirs" : "ours");
    }
    const NodeIndex node = world.add_node({.role = wire::Role::bootstrap,
                                           .url = {},
                                           .factory = [this, options](const NodeSeat& seat) {
                                             auto made =
                                                 std::make_unique<PoolClient>(options, seat);
                                             client = made.get();
                                             requests.watch(4, *made);
                                             return made;
                                           }});
    for (NodeIndex index = 0; index <= node; ++index) world.start(index);
  }

  void add_bridge(std::size_t bridge, std::string_view secret) {
    ServiceBridgeOptions options;
    options.bridge_secret = to_bytes(as_bytes(secret));
    bridges.push_back(nullptr);
    world.add_node({.role = wire::Role::bridge,
                    .url = url_of(bridge),
                    .factory = [this, bridge, options](const NodeSeat& seat) {
                      auto made = std::make_unique<ServiceBridge>(options, seat);
                      bridges[bridge] = made.get();
                      return made;
                    }});
  }

  PoolClientStats run_for(Duration duration) {
    const PoolClientStats before = totals;
    world.run_for(duration);
    PoolClientStats grown;
    grown.submitted = totals.submitted - before.submitted;
    grown.answered = totals.answered - before.answered;
    grown.failed = totals.failed - before.failed;
    return grown;
  }

  World world;
  checkers::Checkers checkers;
  checkers::BridgeRequests requests;
  Probes probes;
  PoolClientStats totals;
  PoolClient* client = nullptr;
  std::vector<ServiceBridge*> bridges;
};

TEST_CASE("a bridge that answers nonsense is left out, requests are answered by the others") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Scene scene(seed);
    scene.run_for(5s);
    scene.bridges[0]->talk_nonsense(100);
    const PoolClientStats during = scene.run_for(60s);
    CHECK(scene.probes.count(Probe::bridge_ejected) > 0);
    CHECK(during.answered > 1000);
    CHECK(during.failed * 100 <= during.answered);

    scene.bridges[0]->talk_nonsense(0);
    scene.run_for(5min);
    CHECK(scene.probes.count(Probe::bridge_trusted_again) > 0);
    CHECK(std::ranges::none_of(scene.client->set().slots(), &pool::BridgeSlot::is_ejected));
    INFO((scene.world.violation() ? scene.world.report() : std::string()));
    CHECK_FALSE(scene.world.violation());
  }
}

TEST_CASE("when all answer nonsense, some are kept, and every request ends") {
  Scene scene(1);
  scene.run_for(5s);
  for (ServiceBridge* bridge : scene.bridges) bridge->talk_nonsense(100);
  const PoolClientStats during = scene.run_for(60s);
  CHECK(during.failed > 1000);
  const auto kept = std::ranges::count_if(scene.client->set().slots(), [](const auto& slot) {
    return slot.connection && !slot.is_ejected;
  });
  CHECK(kept > 0);
  for (ServiceBridge* bridge : scene.bridges) bridge->talk_nonsense(0);
  scene.run_for(2min);
  const PoolClientStats after = scene.run_for(30s);
  CHECK(after.failed == 0);
  CHECK(after.answered > 1000);
  INFO((scene.world.violation() ? scene.world.report() : std::string()));
  CHECK_FALSE(scene.world.violation());
}

TEST_CASE("a bridge that refuses our secret is left out until the settings are reloaded") {
  Scene scene(1);
  scene.run_for(30min);
  CHECK(scene.probes.count(Probe::bridge_excluded) == 1);
  const auto is_connected = [&scene](std::size_t bridge) {
    return pool::public_name(scene.client->set().slots()[bridge].state) == "connected";
  };
  CHECK(is_connected(0));
  CHECK_FALSE(is_connected(3));
  scene.run_for(1h);
  CHECK(scene.probes.count(Probe::bridge_excluded) == 2);  // one slow probe an hour (X5)

  node::Reload reload;
  for (std::size_t bridge = 0; bridge < 4; ++bridge) reload.bridges.push_back({{url_of(bridge)}});
  reload.bridge_secret = to_bytes(as_bytes("theirs"));
  scene.world.reload(4, reload);
  const PoolClientStats after = scene.run_for(10s);
  CHECK(is_connected(0));
  CHECK(is_connected(3));
  CHECK(after.failed == 0);
}

}  // namespace
}  // namespace trestle::sim::test
