// Networks that fall apart in any way and find together by themselves.

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
      : world(std::move(options)), cluster(world, {.bridges = 2, .members = members}) {
    checkers.watch(world);
  }

  /// Everybody is there and linked.
  void form() {
    cluster.start_all(100ms);
    world.run_for(3min);
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    REQUIRE(parts_of(world, cluster.peers()) == 1);
  }

  World world;
  checkers::Checkers checkers;
  Cluster cluster;
};

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

TEST_CASE("P-CR-17: after any partition the parts are one network again, and lookups agree") {
  // 60 s and two refresh periods; the refreshes are every ten minutes and vary by a fifth.
  constexpr Duration kMergeMax = 60s + 2 * 12min;
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.replay = "merging_test.cpp, seed " + std::to_string(seed);
    Rng draws = Rng(seed).fork("partition");
    // Small ones for the most part: a hundred of them fit into seconds.
    const std::uint64_t sizes = seed % 5 == 0 ? 29 : 9;
    const auto members = static_cast<std::uint32_t>(4 + draws.below(sizes));
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

TEST_CASE("P-CR-17: a network that was cut in two for a day is one again") {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    WorldOptions options;
    options.seed = seed;
    Rng draws = Rng(seed).fork("halves");
    Scene scene(options, 10);
    scene.form();
    World& world = scene.world;
    Partition halves;
    for (NodeIndex node = 0; node < world.size(); ++node) {
      halves.groups.push_back(static_cast<std::uint8_t>(draws.below(2)));
    }
    const std::uint32_t number = world.network().partition(halves);
    world.run_for(24h);
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    CHECK(parts_of(world, scene.cluster.peers()) == 2);
    world.network().heal(world.now(), number);
    world.run_for(60s + 2 * 12min);
    REQUIRE_FALSE(world.violation());
    CHECK(parts_of(world, scene.cluster.peers()) == 1);
    const Agreement agreement =
        measure_agreement(world, scene.cluster.peers(), 40, 20, draws.fork("lookups"));
    CHECK(agreement.per_mille() >= 990);
  }
}

}  // namespace
}  // namespace trestle::sim::test
