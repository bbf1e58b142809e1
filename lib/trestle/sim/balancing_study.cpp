#include "trestle/sim/balancing_study.hpp"

#include <memory>

#include "trestle/sim/pool_client.hpp"
#include "trestle/sim/service_bridge.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {
namespace {

constexpr std::string_view kSecret = "a secret of the study";

std::string url_of(NodeIndex node) { return "ws://node" + std::to_string(node) + ".sim:9000/"; }

/// Mean wait between two requests for the load that is asked for. A fast bridge serves one request
/// a `service`, the slow one a tenth.
Duration request_every(const BalancingOptions& options) {
  // Capacity in requests per service time, times the factor: (bridges - 1) * factor + 1.
  const auto factor = static_cast<std::int64_t>(options.slow_factor);
  const std::int64_t capacity = (std::int64_t{options.bridges} - 1) * factor + 1;
  return options.service * (factor * 100) / (capacity * options.load_percent);
}

WorldOptions world_options(const BalancingOptions& options) {
  WorldOptions made;
  made.seed = options.seed;
  made.trace_lines = 0;
  made.network.latency = {LatencyKind::constant, options.latency, options.latency};
  made.network.bandwidth = 0;
  made.network.segments_max = 1;
  return made;
}

void add_bridges(World& world, const BalancingOptions& options) {
  for (NodeIndex bridge = 0; bridge < options.bridges; ++bridge) {
    ServiceBridgeOptions made;
    made.bridge_secret = to_bytes(as_bytes(kSecret));
    made.service = bridge == 0 ? options.service * options.slow_factor : options.service;
    world.add_node({.role = wire::Role::bridge,
                    .url = url_of(bridge),
                    .factory = [made](const NodeSeat& seat) {
                      return std::make_unique<ServiceBridge>(made, seat);
                    }});
  }
}

struct Counted {
  std::uint64_t requests = 0;
  std::uint64_t attempts = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;
  std::uint64_t hedges = 0;
  std::uint64_t at_slow_bridge = 0;
};

Counted count(const PoolClient& client) {
  Counted counted;
  counted.requests = client.stats().submitted;
  counted.refused = client.stats().refused;
  counted.failed = client.stats().failed;
  counted.hedges = client.set().stats().hedged;
  for (const pool::BridgeSlot& slot : client.set().slots()) {
    counted.attempts += slot.counters.requests;
    if (slot.url() == url_of(0)) counted.at_slow_bridge = slot.counters.requests;
  }
  return counted;
}

}  // namespace

BalancingResult study_balancing(const BalancingOptions& options) {
  World world(world_options(options));
  add_bridges(world, options);
  BalancingResult result;
  PoolClientStats totals;
  PoolClientOptions made;
  made.bridge_secret = to_bytes(as_bytes(kSecret));
  made.request_every = request_every(options);
  made.arrivals = Arrivals::poisson;
  made.hedging = options.hedging;
  made.totals = &totals;
  made.set.balancing = options.balancing;
  // What round robin piles up at the slow bridge must not be cut off, or it would look better.
  made.set.requests_max = 20'000;
  for (NodeIndex bridge = 0; bridge < options.bridges; ++bridge) {
    made.set.bridges.push_back({{url_of(bridge)}});
  }
  PoolClient* client = nullptr;
  const NodeIndex client_node = world.add_node(
      {.role = wire::Role::bootstrap, .url = {}, .factory = [&client, made](const NodeSeat& seat) {
         auto node = std::make_unique<PoolClient>(made, seat);
         client = node.get();
         return node;
       }});
  for (NodeIndex node = 0; node <= client_node; ++node) world.start(node);
  world.run_for(options.warm_up);
  const Counted before = count(*client);
  totals.took = {};
  world.run_for(options.measured);
  const Counted then = count(*client);
  result.requests = then.requests - before.requests;
  result.attempts = then.attempts - before.attempts;
  result.refused = then.refused - before.refused;
  result.failed = then.failed - before.failed;
  result.hedges = then.hedges - before.hedges;
  result.at_slow_bridge = then.at_slow_bridge - before.at_slow_bridge;
  result.took = totals.took;
  result.fingerprint = world.fingerprint();
  return result;
}

std::string BalancingResult::to_text() const {
  const std::uint64_t ratio =
      p50().count() == 0 ? 0 : static_cast<std::uint64_t>(p99().count() * 10 / p50().count());
  return std::to_string(requests) + " requests, p50 " + std::to_string(p50().count()) +
         " us, p99 " + std::to_string(p99().count()) + " us (" + std::to_string(ratio / 10) + "." +
         std::to_string(ratio % 10) + " x), extra " + std::to_string(extra_permille()) +
         " permille, " + std::to_string(failed) + " failed, " + std::to_string(refused) +
         " refused, " + std::to_string(at_slow_bridge) + " at the slow bridge";
}

}  // namespace trestle::sim
