// Networks that form, lose somebody, fall apart, and find their way back by themselves.

#include <algorithm>
#include <cstdio>

#include "catch.hpp"
#include "seeds.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

/// A world with its checkers, and a network in it.
struct Scene {
  Scene(WorldOptions options, std::uint32_t members)
      : rng(Rng(options.seed).fork("scene")),
        world(std::move(options)),
        cluster(world, {.bridges = 2, .members = members}) {
    checkers.watch(world);
  }

  std::size_t links(NodeIndex node) const {
    return world.is_running(node) ? world.node(node).status(world.now()).peers.size() : 0;
  }
  /// Everybody is there and linked.
  void form() {
    cluster.start_all(100ms);
    world.run_for(3min);
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    REQUIRE(parts_of(world, cluster.peers()) == 1);
  }

  Rng rng;
  World world;
  checkers::Checkers checkers;
  Cluster cluster;
};

WorldOptions bad_line(std::uint64_t seed) {
  Rng rng = Rng(seed).fork("line");
  WorldOptions options;
  options.seed = seed;
  options.network.latency = {LatencyKind::uniform, 1ms, rng.between(50ms, 500ms)};
  options.network.loss_per_million = static_cast<std::uint32_t>(rng.below(50'001));
  options.replay = "recovery_test.cpp, seed " + std::to_string(seed);
  return options;
}

TEST_CASE("P-CR-1: whoever starts has three peers within 30 s, on lines of up to 500 ms and 5 %") {
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= seeds_or(12); ++seed) {
    const WorldOptions options = bad_line(seed);
    Rng rng = Rng(seed).fork("starts");
    const auto members = static_cast<std::uint32_t>(6 + rng.below(43));
    Scene scene(options, members);
    World& world = scene.world;
    // Three healthy peers there must be: the bridges and two members form the beginning.
    const NodeIndex settled = scene.cluster.first_member() + 2;
    for (NodeIndex node = 0; node < settled; ++node) world.start(node);
    world.run_for(1min);
    for (NodeIndex node = settled; node < world.size(); ++node) {
      const Duration wait = rng.between(0ms, 60s);
      world.schedule(after(world.now(), wait), [node](World& at) { at.start(node); });
    }
    const Instant ends = after(world.now(), 95s);
    std::vector<Instant> reached(world.size(), kNever);
    while (world.now() < ends && !world.violation()) {
      world.run_for(250ms);
      for (NodeIndex node = settled; node < world.size(); ++node) {
        if (reached[node] == kNever && scene.links(node) >= 3) reached[node] = world.now();
      }
    }
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    for (NodeIndex node = settled; node < world.size(); ++node) {
      CAPTURE(seed, node);
      REQUIRE(reached[node] != kNever);
      const Duration took = reached[node] - world.started_at(node);
      CHECK(took <= 30s);
      longest = std::max(longest, took);
    }
  }
  std::fprintf(stderr, "  three peers after %lld ms at the latest\n",
               static_cast<long long>(longest.count() / 1000));
}

TEST_CASE("P-CR-2: whoever lost everybody is back within 60 s of reaching the bootstrap again") {
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= seeds_or(12); ++seed) {
    Scene scene(bad_line(seed), 12);
    scene.form();
    World& world = scene.world;
    const auto node = static_cast<NodeIndex>(scene.cluster.first_member() + scene.rng.below(12));
    world.network().clog(node);
    const Duration away = scene.rng.between(2min, 10min);
    world.run_for(away);
    CHECK(scene.links(node) == 0);
    world.network().unclog(world.now(), node);
    const Instant since = world.now();
    while (world.now() < after(since, 60s) && scene.links(node) < 3) world.run_for(250ms);
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    CHECK(scene.links(node) >= 3);
    longest = std::max(longest, world.now() - since);
  }
  std::fprintf(stderr, "  three peers again after %lld ms at the latest\n",
               static_cast<long long>(longest.count() / 1000));
}

/// Into 2 to 5 parts, or a minority and the rest; both ways or one way.
Partition draw_partition(Rng& rng, const World& world) {
  Partition partition;
  const bool is_one_way = rng.chance(1, 3);
  if (is_one_way) partition.kind = Partition::Kind::one_way;
  const std::uint64_t parts = 2 + rng.below(4);
  for (NodeIndex node = 0; node < world.size(); ++node) {
    partition.groups.push_back(static_cast<std::uint8_t>(rng.below(parts)));
  }
  return partition;
}

TEST_CASE("P-CR-17: parts of a network that were cut off merge by themselves, lookups agree") {
  // 60 s and two refresh periods; the refreshes are every ten minutes and vary by a fifth.
  constexpr Duration kMergeMax = 60s + 2 * 12min;
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= seeds_or(10); ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.replay = "recovery_test.cpp, seed " + std::to_string(seed);
    Rng draws = Rng(seed).fork("partition");
    const auto members = static_cast<std::uint32_t>(8 + draws.below(25));
    Scene scene(options, members);
    scene.form();
    World& world = scene.world;
    const std::uint32_t number = world.network().partition(draw_partition(draws, world));
    // As often seconds as an hour.
    const Duration drawn = draws.between(1s, 60min);
    const std::uint64_t halvings = draws.below(12);
    world.run_for(std::max(Duration(1s), drawn / (1 << halvings)));
    world.network().heal(world.now(), number);
    const Instant since = world.now();
    while (world.now() < after(since, kMergeMax) && !world.violation() &&
           parts_of(world, scene.cluster.peers()) > 1) {
      world.run_for(1s);
    }
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    CHECK(parts_of(world, scene.cluster.peers()) == 1);
    longest = std::max(longest, world.now() - since);
    world.run_until(after(since, kMergeMax));
    const Agreement agreement =
        measure_agreement(world, scene.cluster.peers(), 40, 20, draws.fork("lookups"));
    CAPTURE(seed, agreement.named, agreement.wanted, agreement.failed);
    CHECK(agreement.per_mille() >= 990);
  }
  std::fprintf(stderr, "  one network again after %lld ms at the latest\n",
               static_cast<long long>(longest.count() / 1000));
}

}  // namespace
}  // namespace trestle::sim::test
