// Networks in which many lie, each under an id that it has proved: they name peers that do not
// exist, as near to what is sought as can be, and spoil every value that they hand out.

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "seeds.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kBridges = 2;

/// The first members lie, so everybody who comes later has met them.
class LyingNetwork {
 public:
  LyingNetwork(std::uint64_t seed, std::uint32_t members, std::uint32_t liars)
      : world(world_options(seed)),
        rng(Rng(seed).fork("liars")),
        liars_(liars),
        cluster_(world, cluster_options(members)) {
    for (const NodeIndex node : cluster_.peers()) {
      if (world.role(node) != wire::Role::node) continue;
      (world.is_honest(node) ? honest : lying).push_back(node);
    }
    for (const NodeIndex node : lying) board_.set(node, Misconduct::lies);
    cluster_.start_all(100ms);
    world.run_for(100ms * static_cast<int>(world.size()) + 3min);
  }

  NodeIndex draw() { return honest[static_cast<std::size_t>(rng.below(honest.size()))]; }

  /// Runs until the operation has ended.
  std::optional<node::OperationEnded> finish(const Result<OperationKey, ErrorCode>& key) {
    if (!key) return std::nullopt;
    const Instant until = after(world.now(), 60s);
    while (world.ended(*key) == nullptr && world.next_event() <= until && world.step()) {
    }
    const node::OperationEnded* ended = world.ended(*key);
    if (ended == nullptr) return std::nullopt;
    auto end = std::optional(*ended);
    world.forget(*key);
    return end;
  }

  /// Writes a value; the version it got, or nothing if it was not acknowledged.
  std::optional<std::uint64_t> put(NodeIndex writer, const std::string& key, const Bytes& value) {
    const auto end = finish(world.put(writer, key, value, 24h));
    if (!end || end->code != ErrorCode::none || end->weak) return std::nullopt;
    return end->version;
  }

  World world;
  Rng rng;
  std::vector<NodeIndex> honest;
  std::vector<NodeIndex> lying;

 private:
  static WorldOptions world_options(std::uint64_t seed) {
    WorldOptions made;
    made.seed = seed;
    made.replay = "liars_test.cpp, seed " + std::to_string(seed);
    return made;
  }
  ClusterOptions cluster_options(std::uint32_t members) const {
    ClusterOptions made{.bridges = kBridges, .members = members, .board = &board_};
    for (NodeIndex liar = 0; liar < liars_; ++liar) made.turncoats.push_back(kBridges + 1 + liar);
    return made;
  }

  MisconductBoard board_;
  std::uint32_t liars_;
  Cluster cluster_;
};

Bytes drawn_value(Rng& rng) {
  Bytes value(24);
  for (std::uint8_t& byte : value) byte = static_cast<std::uint8_t>(rng.below(256));
  return value;
}

struct Reads {
  std::uint64_t written = 0;  ///< Records that were acknowledged.
  std::uint64_t all = 0;
  std::uint64_t found = 0;
  std::uint64_t wrong = 0;
};

/// Honest members write, honest members read.
Reads write_and_read(LyingNetwork& network, std::size_t records, std::uint64_t reads) {
  std::vector<std::pair<std::string, Bytes>> written;
  for (std::size_t number = 0; number < records; ++number) {
    const std::string key = "record " + std::to_string(number);
    const Bytes value = drawn_value(network.rng);
    if (network.put(network.draw(), key, value)) written.emplace_back(key, value);
  }
  REQUIRE(written.size() * 2 >= records);
  Reads counted{.written = written.size()};
  while (counted.all < reads) {
    const auto& [key, value] = written[static_cast<std::size_t>(network.rng.below(written.size()))];
    const auto end = network.finish(network.world.get(network.draw(), key));
    ++counted.all;
    if (!end || end->code != ErrorCode::none || !end->record) continue;
    ++counted.found;
    if (end->record->value != value) ++counted.wrong;
  }
  INFO(network.world.report());
  REQUIRE_FALSE(network.world.violation());
  return counted;
}

TEST_CASE("T6: where 60 of 200 ids are a liar's the others find 99 of 100 values", "[large]") {
  Reads all;
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    LyingNetwork network(seed, 200, 60);
    const Reads reads = write_and_read(network, 60, 1000);
    CHECK(reads.written * 100 >= 60 * 95);
    CHECK(reads.wrong == 0);
    // In one network of twenty some of the honest are still among liars alone.
    CHECK(reads.found * 100 >= reads.all * 80);
    all.all += reads.all;
    all.found += reads.found;
  }
  std::printf("  60 liars of 200: %llu of %llu reads found\n",
              static_cast<unsigned long long>(all.found), static_cast<unsigned long long>(all.all));
  CHECK(all.found * 100 >= all.all * 99);
}

TEST_CASE("T12: where a third of the holders lies no reader believes a value nobody wrote") {
  Reads all;
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    // Few, so that everybody holds a share of every record.
    LyingNetwork network(seed, 30, 10);
    const Reads reads = write_and_read(network, 40, 5000);
    CHECK(reads.wrong == 0);
    all.written += reads.written;
    all.all += reads.all;
    all.found += reads.found;
  }
  std::printf("  10 liars of 30: %llu of %llu reads found\n",
              static_cast<unsigned long long>(all.found), static_cast<unsigned long long>(all.all));
  // Some of the honest are among liars alone; that others find much shows that there was a choice.
  CHECK(all.found * 100 >= all.all * 90);
  CHECK(all.written * 100 >= seeds_or(2) * 40 * 95);
}

// ---- parts that come back

std::string cut_key(std::size_t number) { return "cut " + std::to_string(number); }

/// Each side writes two of three keys again while it sees nothing of the other.
std::vector<std::pair<std::uint64_t, Bytes>> write_on_both_sides(
    LyingNetwork& network, const std::array<NodeIndex, 2>& writers, std::size_t keys) {
  std::vector<std::pair<std::uint64_t, Bytes>> newest(keys);
  for (std::size_t number = 0; number < keys; ++number) {
    for (std::size_t side = 0; side < 2; ++side) {
      if (number % 3 == side) continue;
      const Bytes value = drawn_value(network.rng);
      const auto end =
          network.finish(network.world.put(writers[side], cut_key(number), value, 24h));
      REQUIRE(end);
      REQUIRE(end->code == ErrorCode::none);
      if (end->version > newest[number].first) newest[number] = {end->version, value};
    }
  }
  return newest;
}

TEST_CASE("T41: parts that come back overwrite nothing newer, though a tenth of all lies") {
  constexpr std::size_t kKeys = 6;
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    LyingNetwork network(seed, 20, 2);
    World& world = network.world;
    for (std::size_t number = 0; number < kKeys; ++number) {
      REQUIRE(network.put(network.draw(), cut_key(number), drawn_value(network.rng)));
    }
    Partition halves;
    halves.groups.assign(world.size(), 0);
    for (std::size_t place = 0; place < network.honest.size(); place += 2) {
      halves.groups[network.honest[place]] = 1;
    }
    halves.groups[network.lying[1]] = 1;
    const std::uint32_t cut = world.network().partition(halves);
    world.run_for(5min);
    const auto newest = write_on_both_sides(network, {network.honest[1], network.honest[0]}, kKeys);
    world.network().heal(world.now(), cut);
    // Two periods of repair, as for a network without liars.
    world.run_for(1min + 2 * 65min);
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    CHECK(parts_of(world, network.honest) == 1);
    for (std::size_t number = 0; number < kKeys; ++number) {
      for (const NodeIndex reader : network.honest) {
        CAPTURE(number, reader);
        const auto end = network.finish(world.get(reader, cut_key(number)));
        REQUIRE(end);
        REQUIRE(end->code == ErrorCode::none);
        REQUIRE(end->record);
        CHECK(end->record->value == newest[number].second);
      }
    }
  }
}

}  // namespace
}  // namespace trestle::sim::test
