// What becomes of records that two halves of a cut network wrote at the same time.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "seeds.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

Plan quiet_plan(std::uint64_t seed) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 12;
  request.bridges = 1;
  request.minutes = 1;
  request.weather = Weather::calm;
  Plan plan = make_plan(request);
  plan.workload_spacing = 1000h;
  return plan;
}

/// Runs until the operation has ended.
std::optional<node::OperationEnded> finish(World& world,
                                           const Result<OperationKey, ErrorCode>& key) {
  if (!key) return std::nullopt;
  for (int waited = 0; waited < 60 && world.ended(*key) == nullptr; ++waited) world.run_for(1s);
  const node::OperationEnded* ended = world.ended(*key);
  return ended != nullptr ? std::optional(*ended) : std::nullopt;
}

}  // namespace

TEST_CASE("STORE-07: of what two halves wrote the newest is read everywhere after two periods") {
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    Trial trial(quiet_plan(seed));
    World& world = trial.world();
    world.run_until(trial.plan().settled + 3min);
    std::vector<NodeIndex> members;
    for (NodeIndex node = 0; node < world.size(); ++node) {
      if (world.role(node) == wire::Role::node) members.push_back(node);
    }
    REQUIRE(members.size() == 10);
    constexpr int kKeys = 6;
    const auto key = [](int number) { return "cut/" + std::to_string(number); };
    for (int number = 0; number < kKeys; ++number) {
      const auto put = finish(world, world.put(members[0], key(number), {0}, 24h));
      REQUIRE(put);
      REQUIRE(put->code == ErrorCode::none);
    }

    Partition partition;
    partition.groups.assign(world.size(), 0);
    for (std::size_t index = 5; index < members.size(); ++index) {
      partition.groups[members[index]] = 1;
    }
    const std::uint32_t cut = world.network().partition(partition);
    world.run_for(5min);
    std::vector<std::pair<std::uint64_t, Bytes>> newest(kKeys);
    for (int number = 0; number < kKeys; ++number) {
      for (const std::uint8_t side : {std::uint8_t{1}, std::uint8_t{2}}) {
        // Some keys are written on one side alone.
        if (number % 3 == side) continue;
        const NodeIndex writer = members[side == 1 ? 1 : 6];
        const Bytes value{side};
        const auto put = finish(world, world.put(writer, key(number), value, 24h));
        REQUIRE(put);
        REQUIRE(put->code == ErrorCode::none);
        auto& known = newest[static_cast<std::size_t>(number)];
        REQUIRE(put->version != known.first);
        if (put->version > known.first) known = {put->version, value};
      }
    }
    world.network().heal(world.now(), cut);
    world.run_for(1min + 2 * 65min);
    REQUIRE_FALSE(world.violation());
    for (int number = 0; number < kKeys; ++number) {
      for (const NodeIndex reader : members) {
        CAPTURE(number, reader);
        const auto got = finish(world, world.get(reader, key(number)));
        REQUIRE(got);
        REQUIRE(got->code == ErrorCode::none);
        REQUIRE(got->record);
        CHECK(got->record->value == newest[static_cast<std::size_t>(number)].second);
      }
    }
  }
}

}  // namespace trestle::sim::test
