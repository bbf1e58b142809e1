#include "trestle/sim/service_bridge.hpp"

#include "catch.hpp"
#include "trestle/sim/pool_client.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("one server with exponential service waits as queueing theory says") {
  // Arrivals every 2 ms, service of 1 ms: half loaded, so a request stays 2 ms on average and the
  // median of an exponential stay is 2 ms * ln 2 = 1.39 ms.
  WorldOptions options;
  options.network.latency = {LatencyKind::constant, 1us, 1us};
  options.network.bandwidth = 0;
  options.network.segments_max = 1;
  World world(options);
  ServiceBridge* bridge = nullptr;
  ServiceBridgeOptions options_of_bridge;
  options_of_bridge.bridge_secret = to_bytes(as_bytes("a secret of the test"));
  world.add_node({.role = wire::Role::bridge,
                  .url = "ws://bridge:9000/",
                  .factory = [&bridge, options_of_bridge](const NodeSeat& seat) {
                    auto node = std::make_unique<ServiceBridge>(options_of_bridge, seat);
                    bridge = node.get();
                    return node;
                  }});
  PoolClientStats totals;
  PoolClientOptions client;
  client.request_every = 2ms;
  client.arrivals = Arrivals::poisson;
  client.totals = &totals;
  client.bridge_secret = options_of_bridge.bridge_secret;
  client.set.bridges = {{{"ws://bridge:9000/"}}};
  world.add_node(
      {.role = wire::Role::bootstrap, .url = {}, .factory = [client](const NodeSeat& seat) {
         return std::make_unique<PoolClient>(client, seat);
       }});
  world.start(0);
  world.start(1);
  world.run_for(1s);
  totals = {};
  const Duration busy_before = bridge->busy();
  world.run_for(40s);
  CHECK(totals.answered > 19'000);
  CHECK(totals.failed == 0);
  const Duration mean = totals.took.sum() / static_cast<Duration::rep>(totals.took.count());
  CHECK(mean >= 1800us);
  CHECK(mean <= 2250us);
  const Duration median = totals.took.quantile(500);
  CHECK(median >= 1200us);  // the histogram knows a quantile to within a fifth
  CHECK(median <= 1700us);
  const Duration busy = bridge->busy() - busy_before;
  CHECK(busy >= 19s);
  CHECK(busy <= 21s);
}

}  // namespace
}  // namespace trestle::sim::test
