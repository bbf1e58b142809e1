// A node that lost the network comes back, and so does a network that lost itself.

#include <algorithm>
#include <cstdio>
#include <string>

#include "catch.hpp"
#include "seeds.hpp"
#include "small_world.hpp"
#include "trestle/sim/cluster.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr NodeIndex kBootstrap = Cluster::kBootstrap;

/// Breaks every connection of the node; both ends are told.
void cut_off(World& world, NodeIndex node) {
  while (world.network().reset(world.now(), node, 0) != 0) {
  }
}

TEST_CASE("P-CR-1, P-CR-19: thirty seconds after its start every node has three peers") {
  const std::uint64_t seeds = seeds_or(20);
  for (const std::uint32_t members : {4u, 7u, 12u, 25u, 50u}) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      CAPTURE(members, seed);
      Plan plan = quiet_plan(seed * 100 + members, members);
      plan.world.network.loss_per_million = 50'000;
      plan.world.network.latency.high = std::min<Duration>(plan.world.network.latency.high, 500ms);
      Trial trial(plan);
      World& world = trial.world();
      for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
        world.run_until(Instant(plan.start_spacing * node + 30s));
        CAPTURE(node);
        REQUIRE(links_of(world, node) >= 3);
      }
      REQUIRE_FALSE(world.violation());
    }
  }
}

TEST_CASE("P-CC-3: of any number that start at once in an empty network two joined in 30 s") {
  constexpr std::uint32_t kMembersMax = 50;
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    // Two to fifty, small ones more often, and both ends in any case.
    Rng draws = Rng(seed).fork("members");
    const auto below = 1 + static_cast<std::uint32_t>(draws.below(kMembersMax - 1));
    const auto drawn = 2 + static_cast<std::uint32_t>(draws.below(below));
    const std::uint32_t members = seed == 1 ? 2 : seed == 2 ? kMembersMax : drawn;
    CAPTURE(seed, members);
    Plan plan = quiet_plan(seed, members);
    plan.start_spacing = Duration::zero();
    Trial trial(plan);
    World& world = trial.world();
    world.run_until(Instant(30s));
    REQUIRE_FALSE(world.violation());
    std::uint32_t joined = 0;
    for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
      joined += world.node(node).status(world.now()).state == "joined" ? 1 : 0;
    }
    CHECK(joined >= 2);
    CHECK(joined == members);
  }
}

TEST_CASE("P-CR-2, P-CR-16: who lost every link asks the bootstrap first and is back in a minute") {
  const std::uint64_t seeds = seeds_or(100);
  std::uint64_t asked_first = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    const Plan plan = quiet_plan(seed, 10);
    Trial trial(plan);
    World& world = trial.world();
    // Some while the registration is still open, some after it was closed.
    world.run_until(plan.settled + (seed % 2 == 0 ? 40s : 400s));
    const NodeIndex node = first_member(plan) + static_cast<NodeIndex>(seed % 10);
    const bool bootstrap_is_down = seed % 3 == 0;
    if (bootstrap_is_down) world.kill(kBootstrap);
    Ear ear;
    world.add_observer(ear);
    cut_off(world, node);
    // The ends of its connections reach it one by one; until the last it may dial whom it likes.
    std::size_t dials_before = 0;
    const Instant cut = world.now();
    while (links_of(world, node) > 0 && world.now() < after(cut, 10s)) {
      dials_before = ear.dials.size();
      REQUIRE(world.step());
    }
    // Somebody who heard of the cut first was quicker to dial it than the rest to hang up.
    if (links_of(world, node) > 0) continue;
    const Instant isolated = world.now();
    const auto after_it = ear.dials.begin() + static_cast<std::ptrdiff_t>(dials_before);
    const bool is_under_way = std::any_of(ear.dials.begin(), after_it,
                                          [&](const Ear::Dial& dial) { return dial.from == node; });
    world.run_for(25s);
    // A dial that began while links were few may still be under way, and end the isolation; else
    // the bootstrap comes first. A dead one is dialled like a live one.
    const auto since =
        std::find_if(ear.dials.begin() + static_cast<std::ptrdiff_t>(dials_before), ear.dials.end(),
                     [&](const Ear::Dial& dial) { return dial.from == node; });
    std::string story;
    for (const Ear::Dial& dial : ear.dials) {
      if (dial.from != node) continue;
      story +=
          std::to_string((dial.at - isolated) / 1ms) + " ms: " + std::to_string(dial.to) + ", ";
    }
    INFO("dials after the isolation: " << story);
    if (!is_under_way) {
      ++asked_first;
      REQUIRE(since != ear.dials.end());
      CHECK(since->to == kBootstrap);
    }
    if (bootstrap_is_down) world.start(kBootstrap);
    world.run_for(35s);
    REQUIRE_FALSE(world.violation());
    CHECK(links_of(world, node) >= 3);
  }
  // Most have a dial under way when the last link breaks: the others were missed one by one.
  CHECK(asked_first >= seeds / 10);
}

TEST_CASE("RECOV-02: nodes that know each other are linked again without any bootstrap node") {
  const Plan plan = quiet_plan(3, 8);
  Trial trial(plan);
  World& world = trial.world();
  world.run_until(plan.settled + 60s);
  world.kill(kBootstrap, KillKind::power);
  for (NodeIndex node = 1; node < world.size(); ++node) cut_off(world, node);
  world.run_for(60s);
  REQUIRE_FALSE(world.violation());
  for (NodeIndex node = 1; node < world.size(); ++node) CHECK(links_of(world, node) >= 3);
}

/// Whether a find at each node names every other member: with fewer than k of them "the k closest"
/// are all. Returns the share of what was found, in per mille.
std::uint64_t agreement(World& world, std::uint64_t seed) {
  Rng rng = Rng(seed).fork("targets");
  std::uint64_t found = 0;
  std::uint64_t wanted = 0;
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t high = rng.next();
    const NodeId target(high, high * 3, 1);
    std::vector<OperationKey> finds;
    for (NodeIndex node = 1; node < world.size(); ++node) {
      const auto begun = world.find(node, target);
      REQUIRE(begun.has_value());
      finds.push_back(*begun);
    }
    world.run_for(30s);
    for (const OperationKey& find : finds) {
      wanted += world.size() - 2;
      const node::OperationEnded* ended = world.ended(find);
      if (ended != nullptr) found += ended->contacts.size();
      world.forget(find);
    }
  }
  return 1000 * found / wanted;
}

std::size_t fewest_links(const World& world) {
  std::size_t fewest = SIZE_MAX;
  for (NodeIndex node = 1; node < world.size(); ++node) {
    fewest = std::min(fewest, links_of(world, node));
  }
  return fewest;
}

TEST_CASE(
    "P-CR-17: twelve nodes that were cut in two or three are one network again by themselves") {
  const std::uint64_t seeds = seeds_or(20);
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    Rng rng = Rng(seed).fork("partition");
    const Plan plan = quiet_plan(seed, 12);
    Trial trial(plan);
    World& world = trial.world();
    world.run_until(plan.settled + 2min);
    Partition partition;
    partition.kind = seed % 4 == 3 ? Partition::Kind::one_way : Partition::Kind::two_way;
    const std::uint64_t parts = 2 + seed % 2;
    for (NodeIndex node = 0; node < world.size(); ++node) {
      partition.groups.push_back(static_cast<std::uint8_t>(rng.below(parts)));
    }
    // 1 s, 4 s, 16 s, ... to an hour.
    const Duration held = std::min<Duration>(1s * (1 << 2 * (seed % 7)), 1h);
    const std::uint32_t number = world.network().partition(partition);
    world.run_for(held);
    world.network().heal(world.now(), number);
    const Instant healed = world.now();
    constexpr Duration kAllowed = 60s + 2 * 12min;  // two refresh periods and their jitter
    while (fewest_links(world) < world.size() - 2 && world.now() - healed < kAllowed) {
      world.run_for(10s);
    }
    longest = std::max(longest, world.now() - healed);
    // After a short cut the links are all there, but what was said on them is still to arrive.
    if (world.now() - healed < 60s) world.run_until(healed + 60s);
    REQUIRE_FALSE(world.violation());
    CHECK(fewest_links(world) >= 3);
    CHECK(agreement(world, seed) >= 990);
  }
  std::fprintf(stderr, "  whole again after %lld s at the latest\n",
               static_cast<long long>(longest / 1s));
}

TEST_CASE("RECOV-05: a hundred nodes restarted in one second come back without a storm of joins") {
  const Plan plan = quiet_plan(5, 100);
  Trial trial(plan);
  World& world = trial.world();
  world.run_until(plan.settled + 3min);
  for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
    const Instant at = after(world.now(), 10ms * node);
    world.schedule(at, [node](World& when) {
      when.kill(node);
      when.start(node);
    });
  }
  const std::uint64_t before = counter(world, kBootstrap, "reception.joins_total");
  std::vector<std::uint64_t> joins;
  for (int second = 0; second < 60; ++second) {
    const std::uint64_t until_now = counter(world, kBootstrap, "reception.joins_total");
    world.run_for(1s);
    joins.push_back(counter(world, kBootstrap, "reception.joins_total") - until_now);
  }
  REQUIRE_FALSE(world.violation());
  for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
    CHECK(links_of(world, node) >= 3);
  }
  const std::uint64_t asked = counter(world, kBootstrap, "reception.joins_total") - before;
  std::fprintf(stderr, "  %llu joins were asked, at most %llu in a second\n",
               static_cast<unsigned long long>(asked),
               static_cast<unsigned long long>(*std::max_element(joins.begin(), joins.end())));
  CHECK(asked <= 150);
}

}  // namespace
}  // namespace trestle::sim::test
