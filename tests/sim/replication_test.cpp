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

std::vector<NodeIndex> members_of(const World& world) {
  std::vector<NodeIndex> members;
  for (NodeIndex node = 0; node < world.size(); ++node) {
    if (world.role(node) == wire::Role::node) members.push_back(node);
  }
  return members;
}

/// From the fifth member on they are on the other side.
Partition halves(const World& world, const std::vector<NodeIndex>& members) {
  Partition partition;
  partition.groups.assign(world.size(), 0);
  for (std::size_t index = 5; index < members.size(); ++index) {
    partition.groups[members[index]] = 1;
  }
  return partition;
}

std::string key_of(int number) { return "cut/" + std::to_string(number); }

void put_all(World& world, NodeIndex writer, int keys) {
  for (int number = 0; number < keys; ++number) {
    const auto put = finish(world, world.put(writer, key_of(number), {0}, 24h));
    REQUIRE(put);
    REQUIRE(put->code == ErrorCode::none);
  }
}

}  // namespace

TEST_CASE("STORE-07: of what two halves wrote the newest is read everywhere after two periods") {
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    Trial trial(quiet_plan(seed));
    World& world = trial.world();
    world.run_until(trial.plan().settled + 3min);
    const std::vector<NodeIndex> members = members_of(world);
    REQUIRE(members.size() == 10);
    constexpr int kKeys = 6;
    put_all(world, members[0], kKeys);
    const std::uint32_t cut = world.network().partition(halves(world, members));
    world.run_for(5min);
    std::vector<std::pair<std::uint64_t, Bytes>> newest(kKeys);
    for (int number = 0; number < kKeys; ++number) {
      for (const std::uint8_t side : {std::uint8_t{1}, std::uint8_t{2}}) {
        // Some keys are written on one side alone.
        if (number % 3 == side) continue;
        const NodeIndex writer = members[side == 1 ? 1 : 6];
        const Bytes value{side};
        const auto put = finish(world, world.put(writer, key_of(number), value, 24h));
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
        const auto got = finish(world, world.get(reader, key_of(number)));
        REQUIRE(got);
        REQUIRE(got->code == ErrorCode::none);
        REQUIRE(got->record);
        CHECK(got->record->value == newest[static_cast<std::size_t>(number)].second);
      }
    }
  }
}

TEST_CASE("STORE-07: deleted on one side and written on the other, the later of the two stays") {
  std::uint64_t stayed_deleted = 0;
  std::uint64_t stayed_written = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    Trial trial(quiet_plan(seed + 20));
    World& world = trial.world();
    world.run_until(trial.plan().settled + 3min);
    const std::vector<NodeIndex> members = members_of(world);
    constexpr int kKeys = 6;
    put_all(world, members[0], kKeys);
    const std::uint32_t cut = world.network().partition(halves(world, members));
    world.run_for(5min);
    struct Wrote {
      std::uint64_t removed = 0;
      std::uint64_t put = 0;
    };
    std::vector<Wrote> versions(kKeys);
    for (int number = 0; number < kKeys; ++number) {
      const auto remove = [&] {
        const auto removed = finish(world, world.remove(members[1], key_of(number)));
        REQUIRE(removed);
        REQUIRE(removed->code == ErrorCode::none);
        versions[static_cast<std::size_t>(number)].removed = removed->version;
      };
      const auto put = [&] {
        const auto written = finish(world, world.put(members[6], key_of(number), {2}, 24h));
        REQUIRE(written);
        REQUIRE(written->code == ErrorCode::none);
        versions[static_cast<std::size_t>(number)].put = written->version;
      };
      // Far enough apart for calendars that disagree; some are deleted on one side alone.
      if (number % 3 != 0) put();
      if (number % 3 == 1) world.run_for(10min);
      remove();
      if (number % 3 == 2) {
        world.run_for(10min);
        put();
      }
    }
    world.network().heal(world.now(), cut);
    world.run_for(1min + 2 * 65min);
    REQUIRE_FALSE(world.violation());
    for (int number = 0; number < kKeys; ++number) {
      const Wrote& wrote = versions[static_cast<std::size_t>(number)];
      REQUIRE(wrote.removed != wrote.put);
      const bool is_deleted = wrote.removed > wrote.put;
      ++(is_deleted ? stayed_deleted : stayed_written);
      for (const NodeIndex reader : members) {
        CAPTURE(number, reader, is_deleted);
        const auto got = finish(world, world.get(reader, key_of(number)));
        REQUIRE(got);
        CHECK(got->code == (is_deleted ? ErrorCode::not_found : ErrorCode::none));
        if (got->record) CHECK(got->record->value == Bytes{2});
      }
    }
  }
  CHECK(stayed_deleted > 0);
  CHECK(stayed_written > 0);
}

TEST_CASE("STORE-07: a holder that was away brings back nothing that was deleted") {
  Trial trial(quiet_plan(41));
  World& world = trial.world();
  world.run_until(trial.plan().settled + 3min);
  const std::vector<NodeIndex> members = members_of(world);
  constexpr int kKeys = 4;
  put_all(world, members[0], kKeys);
  world.run_for(1min);
  for (const std::size_t away : {4u, 7u, 9u}) world.kill(members[away], KillKind::process);
  world.run_for(5min);
  for (int number = 0; number < kKeys; ++number) {
    const auto removed = finish(world, world.remove(members[2], key_of(number)));
    REQUIRE(removed);
    REQUIRE(removed->code == ErrorCode::none);
  }
  world.run_for(20min);
  for (const std::size_t away : {4u, 7u, 9u}) world.start(members[away]);
  world.run_for(2 * 65min);
  REQUIRE_FALSE(world.violation());
  for (int number = 0; number < kKeys; ++number) {
    for (const NodeIndex reader : members) {
      CAPTURE(number, reader);
      const auto got = finish(world, world.get(reader, key_of(number)));
      REQUIRE(got);
      CHECK(got->code == ErrorCode::not_found);
    }
  }
}

}  // namespace trestle::sim::test
