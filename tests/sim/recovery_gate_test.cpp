// Whether a network is well again in time, in numbers, and stays so.

#include <algorithm>
#include <cstdio>

#include "catch.hpp"
#include "seeds.hpp"
#include "small_world.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

std::vector<NodeIndex> peers_of(const World& world) {
  std::vector<NodeIndex> nodes;
  for (NodeIndex node = 1; node < world.size(); ++node) nodes.push_back(node);
  return nodes;
}

/// Nodes that say they can do their job and have three peers, bootstrap apart; in percent.
std::uint64_t healthy_percent(const World& world) {
  std::uint64_t healthy = 0;
  for (const NodeIndex node : peers_of(world)) {
    healthy += world.is_running(node) && world.node(node).is_healthy(world.now()) &&
                       links_of(world, node) >= 3
                   ? 1
                   : 0;
  }
  return 100 * healthy / (world.size() - 1);
}

/// Links that broke without either side meaning it, over all nodes.
std::uint64_t broken_links(const World& world) {
  std::uint64_t broken = 0;
  for (const NodeIndex node : peers_of(world)) {
    broken += counter(world, node, "mesh.links_broken_total");
  }
  return broken;
}

TEST_CASE("X48, RECOV-08: out of nothing four fifths are healthy in five minutes, all in ten") {
  Duration slowest{};
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    CAPTURE(seed);
    Plan plan = quiet_plan(seed, 13);  // fifteen with the bridges
    plan.world.network.loss_per_million = 20'000;
    Trial trial(plan);
    World& world = trial.world();
    world.run_until(plan.settled + 1min);
    // Everybody at once, the bootstrap node too, and nothing is remembered.
    for (NodeIndex node = 0; node < world.size(); ++node) {
      world.kill(node, seed % 2 == 0 ? KillKind::process : KillKind::power);
      world.lose_disk(node);
    }
    world.run_for(10s);
    // In any order, within a minute.
    Rng order = Rng(seed).fork("order");
    const Instant restarted = world.now();
    for (NodeIndex node = 0; node < world.size(); ++node) {
      world.schedule(after(restarted, order.between(Duration::zero(), 60s)),
                     [node](World& when) { when.start(node); });
    }
    while (healthy_percent(world) < 100 && world.now() < after(restarted, 5min)) {
      world.run_for(1s);
      REQUIRE_FALSE(world.violation());
    }
    slowest = std::max(slowest, world.now() - restarted);
    CHECK(healthy_percent(world) >= 80);
    world.run_until(after(restarted, 10min));
    REQUIRE_FALSE(world.violation());
    CHECK(healthy_percent(world) == 100);
    CHECK(parts_of(world, peers_of(world)) == 1);
    // Three at least; eight are aimed for, and more only because others dial as well.
    for (const NodeIndex node : peers_of(world)) CHECK(links_of(world, node) >= 3);
  }
  std::fprintf(stderr, "  all fifteen healthy after %lld s at the latest\n",
               static_cast<long long>(slowest / 1s));
}

TEST_CASE("RECOV-09: some by the bootstrap, some by peers alone: all come back, and it holds") {
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    CAPTURE(seed);
    const Plan plan = quiet_plan(seed, 12);
    Trial trial(plan);
    World& world = trial.world();
    world.run_until(plan.settled + 2min);
    // Everybody loses all links, and the bootstrap node cannot be reached for half a minute.
    Rng draws = Rng(seed).fork("mixture");
    Partition partition;
    partition.kind = draws.chance(1, 2) ? Partition::Kind::one_way : Partition::Kind::two_way;
    partition.groups.assign(world.size(), 0);
    partition.groups[0] = 1;
    const std::uint32_t number = world.network().partition(partition);
    for (NodeIndex node = 1; node < world.size(); ++node) {
      while (world.network().reset(world.now(), node, 0) != 0) {
      }
    }
    // A third restarts empty-handed: to them nothing but the bootstrap node is left, while the
    // others find each other directly.
    std::vector<NodeIndex> forgetful;
    for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
      if (!draws.chance(1, 3)) continue;
      forgetful.push_back(node);
      world.kill(node);
      world.lose_disk(node);
      world.start(node);
    }
    world.run_for(30s);
    for (const NodeIndex node : peers_of(world)) {
      CAPTURE(node);
      const bool knows_nobody = std::ranges::find(forgetful, node) != forgetful.end();
      if (!knows_nobody) CHECK(links_of(world, node) >= 1);
    }
    world.network().heal(world.now(), number);
    world.run_for(60s);
    REQUIRE_FALSE(world.violation());
    CHECK(parts_of(world, peers_of(world)) == 1);
    CHECK(healthy_percent(world) == 100);
    // And then nothing breaks any more: zero in the period of the stability report and five more.
    const std::uint64_t broken = broken_links(world);
    world.run_for(6min);
    REQUIRE_FALSE(world.violation());
    CHECK(broken_links(world) == broken);
    for (const NodeIndex node : peers_of(world)) {
      CHECK(counter(world, node, "mesh.stable") == 1);
      CHECK(links_of(world, node) >= 3);
    }
  }
}

}  // namespace
}  // namespace trestle::sim::test
