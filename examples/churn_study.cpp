// Tries a bridge owner's rules (house_rules.hpp, the same class that bridge_policy.cpp runs on real
// sockets) before anybody meets them: 2,000 newcomers in virtual time, who come, stay for a while
// and go. Two hosts behave badly. The same seed gives the same table, everywhere.
//
//   churn_study [SEED]

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "house_rules.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/world.hpp"

using namespace trestle;
using namespace std::chrono_literals;

constexpr std::uint32_t kNewcomers = 2000, kFirst = 2;  // 0 is the bootstrap node, 1 the bridge
constexpr Duration kComeWithin = 30min, kStayMax = 3min;

/// One in ten comes from the crowd's host, one in fifty from a banned one; villagers by threes.
enum Group { villagers, crowd, banned };
Group group_of(std::uint32_t newcomer) {
  return newcomer % 50 == 7 ? banned : newcomer % 10 == 3 ? crowd : villagers;
}
std::string url_of(std::uint32_t newcomer) {
  const std::string port = ":" + std::to_string(10'000 + newcomer) + "/";
  if (group_of(newcomer) == banned) return "ws://10.66.6.6" + port;
  if (group_of(newcomer) == crowd) return "ws://10.99.0.1" + port;
  return "ws://village" + std::to_string(newcomer / 3) + port;
}

/// What became of one newcomer.
struct Fate {
  Instant came = kNever, joined = kNever;
  bool refused = false, deferred = false;
};

class Watcher : public sim::Observer {
 public:
  void observe(sim::World&, const sim::Happening& seen) override {
    if (seen.node < kFirst || seen.node == sim::kNoNode) return;
    Fate& fate = fates[seen.node];
    if (seen.kind == sim::HappeningKind::started) fate.came = seen.at;
    if (seen.kind == sim::HappeningKind::joined) fate.joined = std::min(fate.joined, seen.at);
    if (seen.text != "join.refused") return;
    fate.refused |= seen.code == ErrorCode::refused;
    fate.deferred |= seen.code == ErrorCode::rate_limited;
  }
  std::map<std::uint32_t, Fate> fates;
};

template <typename Node, typename Options>
sim::NodeIndex add(sim::World& world, wire::Role role, const Options& options) {
  return world.add_node({role, options.common.address, [options](const sim::NodeSeat& seat) {
                           return std::make_unique<Node>(options, seat.identity, seat.suite,
                                                         seat.rng);
                         }});
}

void print_row(const char* name, const std::map<std::uint32_t, Fate>& fates, Group group) {
  std::size_t came = 0, refused = 0, deferred = 0;
  std::vector<double> waits;
  for (const auto& [newcomer, fate] : fates) {
    if (group_of(newcomer) != group) continue;
    ++came;
    refused += fate.refused;
    deferred += fate.deferred;
    if (fate.joined == kNever) continue;
    waits.push_back(std::chrono::duration<double>(fate.joined - fate.came).count());
  }
  std::sort(waits.begin(), waits.end());
  std::printf("%-10s %6zu %7zu %8zu %9zu", name, came, waits.size(), refused, deferred);
  for (const std::size_t percent : {50u, 90u, 99u, 100u}) {
    if (!waits.empty()) std::printf(" %8.2f", waits[(waits.size() - 1) * percent / 100]);
  }
  std::printf("\n");
}

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::stoull(argv[1]) : 1;
  sim::WorldOptions world_options;
  world_options.seed = seed;
  sim::World world(world_options);
  Watcher watcher;
  world.add_observer(watcher);

  HouseRules rules({.banned_hosts = {"10.66.6.6"}, .per_host_max = 5});
  node::BridgeOptions bridge;
  node::BootstrapOptions bootstrap;
  bridge.common.address = "ws://10.0.0.2:9000/";
  bridge.admission = &rules;
  bridge.bridge_secret = bootstrap.bridge_secret = to_bytes(as_bytes("shared"));
  bootstrap.common.address = "ws://10.0.0.1:9000/";
  bridge.bootstrap_urls = {bootstrap.common.address};
  bootstrap.bridges = {{{bridge.common.address}}};
  bootstrap.genesis = true;
  add<node::BootstrapNode>(world, wire::Role::bootstrap, bootstrap);
  add<node::BridgeNode>(world, wire::Role::bridge, bridge);
  world.start(0);
  world.start(1);

  Rng rng(seed);
  for (std::uint32_t number = 0; number < kNewcomers; ++number) {
    node::NodeOptions options;
    options.common.address = url_of(number + kFirst);
    options.bootstrap_urls = bridge.bootstrap_urls;
    const sim::NodeIndex newcomer = add<node::DhtNode>(world, wire::Role::node, options);
    const Instant comes(10s + rng.between(0s, kComeWithin));
    const Duration stays = number < 5 ? kComeWithin : rng.between(30s, kStayMax);  // a core
    world.schedule(comes, [newcomer](sim::World& at) { at.start(newcomer); });
    world.schedule(comes + stays, [newcomer](sim::World& at) { at.begin_shutdown(newcomer); });
  }
  world.run_for(10s + kComeWithin + kStayMax);

  std::printf(
      "             came  joined  refused  deferred  wait 50%%      90%%      99%%  longest\n");
  print_row("villagers", watcher.fates, villagers);
  print_row("the crowd", watcher.fates, crowd);
  print_row("banned", watcher.fates, banned);
  return 0;
}
