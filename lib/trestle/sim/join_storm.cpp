#include "trestle/sim/join_storm.hpp"

#include <algorithm>
#include <string_view>

#include "trestle/base/rng.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {
namespace {

constexpr std::string_view kSecret = "a secret of the storm";
constexpr NodeIndex kBootstrap = 0;

std::string url_of(NodeIndex node) { return "ws://node" + std::to_string(node) + ".sim:9000/"; }

std::uint64_t figure(const node::Status& status, std::string_view name) {
  const auto found =
      std::ranges::find(status.counters, name, &std::pair<std::string_view, std::uint64_t>::first);
  return found == status.counters.end() ? 0 : found->second;
}

WorldOptions world_options(std::uint64_t seed) {
  WorldOptions made;
  made.seed = seed;
  made.replay = "run_join_storm, that seed";
  return made;
}

class Storm {
 public:
  explicit Storm(const JoinStormOptions& options)
      : options_(options),
        rng_(Rng(options.seed).fork("join-storm")),
        world_(world_options(options.seed)) {
    checkers_.watch(world_);
    add_bootstrap();
    while (world_.size() <= options_.bridges) add_bridge();
    while (world_.size() < first_newcomer() + options_.newcomers) add_member();
    schedule();
  }

  JoinStormResult run() {
    world_.run_until(Instant(options_.joins_at));
    JoinStormResult result;
    const node::Status before = world_.node(kBootstrap).status(world_.now());
    // Half a second is the grain of the last join.
    constexpr Duration kLook = std::chrono::milliseconds(500);
    const Instant began = world_.now();
    const Instant ends = after(began, options_.spread + options_.outage + options_.aftermath);
    while (world_.now() < ends && !world_.violation()) {
      world_.run_for(kLook);
      const std::uint64_t joined = joined_newcomers();
      if (joined > result.joined) result.last_joined_after = world_.now() - began;
      result.joined = joined;
    }
    count(result, before);
    return result;
  }

 private:
  NodeIndex first_newcomer() const { return 1 + options_.bridges + options_.established; }

  void add_bootstrap() {
    node::BootstrapOptions made;
    made.common.address = url_of(kBootstrap);
    made.bridge_secret = to_bytes(as_bytes(kSecret));
    made.genesis = true;
    for (NodeIndex bridge = 1; bridge <= options_.bridges; ++bridge) {
      made.bridges.push_back({{url_of(bridge)}});
    }
    world_.add_node({.role = wire::Role::bootstrap,
                     .url = url_of(kBootstrap),
                     .factory = [made](const NodeSeat& seat) {
                       return std::make_unique<node::BootstrapNode>(made, seat.identity, seat.suite,
                                                                    seat.rng);
                     }});
  }

  void add_bridge() {
    node::BridgeOptions made;
    made.common.address = url_of(static_cast<NodeIndex>(world_.size()));
    made.bridge_secret = to_bytes(as_bytes(kSecret));
    made.bootstrap_urls = {url_of(kBootstrap)};
    world_.add_node({.role = wire::Role::bridge,
                     .url = made.common.address,
                     .factory = [made](const NodeSeat& seat) {
                       return std::make_unique<node::BridgeNode>(made, seat.identity, seat.suite,
                                                                 seat.rng);
                     }});
  }

  void add_member() {
    node::NodeOptions made;
    made.common.address = url_of(static_cast<NodeIndex>(world_.size()));
    made.bootstrap_urls = {url_of(kBootstrap)};
    world_.add_node({.role = wire::Role::node,
                     .url = made.common.address,
                     .factory = [made](const NodeSeat& seat) {
                       return std::make_unique<node::DhtNode>(made, seat.identity, seat.suite,
                                                              seat.rng);
                     }});
  }

  void schedule() {
    constexpr Duration kSpacing = std::chrono::seconds(1);
    for (NodeIndex node = 0; node < first_newcomer(); ++node) {
      world_.schedule(Instant(kSpacing * node), [node](World& world) { world.start(node); });
    }
    const Instant joins_at{options_.joins_at};
    for (NodeIndex node = first_newcomer(); node < world_.size(); ++node) {
      const Duration wait = rng_.between(Duration::zero(), options_.spread);
      world_.schedule(after(joins_at, wait), [node](World& world) { world.start(node); });
    }
    const auto bridge = static_cast<NodeIndex>(1 + rng_.below(options_.bridges));
    const KillKind kind = rng_.chance(1, 2) ? KillKind::process : KillKind::power;
    const Instant lost_at = after(joins_at, options_.spread / 2);
    world_.schedule(lost_at, [bridge, kind](World& world) {
      world.note_fault("a bridge is lost", bridge);
      world.kill(bridge, kind);
    });
    world_.schedule(after(lost_at, options_.outage),
                    [bridge](World& world) { world.start(bridge); });
  }

  std::uint64_t joined_newcomers() const {
    std::uint64_t joined = 0;
    for (NodeIndex node = first_newcomer(); node < world_.size(); ++node) {
      if (world_.is_running(node) && world_.node(node).status(world_.now()).state == "joined") {
        ++joined;
      }
    }
    return joined;
  }

  void count(JoinStormResult& result, const node::Status& before) const {
    const node::Status status = world_.node(kBootstrap).status(world_.now());
    const auto grown = [&](std::string_view name) {
      return figure(status, name) - figure(before, name);
    };
    result.joins = grown("reception.joins_total");
    result.failed = grown("reception.failed_total");
    result.busy = grown("reception.busy_total");
    result.turned_away = grown("reception.turned_away_total") + grown("link.refused_total");
    result.asks = grown("pool.submitted_total");
    for (const node::BridgeSlotStatus& bridge : status.bridges) result.attempts += bridge.requests;
    for (const node::BridgeSlotStatus& bridge : before.bridges) result.attempts -= bridge.requests;
    for (NodeIndex node = first_newcomer(); node < world_.size(); ++node) {
      if (!world_.is_running(node)) continue;
      result.ask_failures +=
          figure(world_.node(node).status(world_.now()), "joiner.ask_failures_total");
    }
    result.bridge_connections_most = checkers_.single_bridge_connection.most_seen();
    result.fingerprint = world_.fingerprint();
    if (world_.violation()) result.violation = world_.report();
  }

  JoinStormOptions options_;
  Rng rng_;
  World world_;
  checkers::Checkers checkers_;
};

}  // namespace

JoinStormResult run_join_storm(const JoinStormOptions& options) { return Storm(options).run(); }

std::string JoinStormResult::to_text() const {
  return std::to_string(joined) + " joined, the last after " +
         std::to_string(last_joined_after.count() / 1000) + " ms; " + std::to_string(joins) +
         " joins, " + std::to_string(failed) + " failed, " + std::to_string(busy) + " busy, " +
         std::to_string(turned_away) + " turned away, " + std::to_string(ask_failures) +
         " errors for newcomers; " + std::to_string(asks) + " asks, " + std::to_string(attempts) +
         " attempts";
}

}  // namespace trestle::sim
