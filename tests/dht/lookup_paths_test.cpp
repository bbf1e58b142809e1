// Lookups along several paths, and searches that want more than one record.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/lookup_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::random_id;
using test::random_id_at;
using Bench = test::LookupBench;

LookupOptions on_paths(std::size_t paths) {
  LookupOptions options;
  options.paths = paths;
  options.steps = StepReport::told;
  return options;
}

/// Three hundred peers that know each other at random; some lie: they name only each other.
struct Town {
  Rng rng;
  NodeId target = random_id(rng);
  std::vector<NodeId> honest;
  std::vector<NodeId> liars;
  std::map<NodeId, std::vector<NodeId>> knows;

  Town(std::uint64_t seed, std::size_t liars_count) : rng(seed) {
    for (std::size_t count = 0; count < 300; ++count) {
      (count < liars_count ? liars : honest).push_back(random_id(rng));
    }
    std::vector<NodeId> all = honest;
    all.insert(all.end(), liars.begin(), liars.end());
    for (const NodeId& id : honest) knows[id] = table_of(id, all);
    for (const NodeId& id : liars) knows[id] = liars;
  }
  /// Up to twenty of every distance class, as a table keeps them.
  std::vector<NodeId> table_of(const NodeId& id, std::vector<NodeId> all) {
    for (std::size_t left = all.size(); left > 1; --left) {
      const std::size_t other = rng.below(left);
      std::swap(all[left - 1], all[other]);
    }
    std::map<unsigned, std::size_t> kept;
    std::vector<NodeId> table;
    for (const NodeId& one : all) {
      if (one != id && ++kept[common_prefix_bits(id, one)] <= 20) table.push_back(one);
    }
    return table;
  }
  std::vector<Candidate> answer(const NodeId& from) {
    std::vector<NodeId> near = knows[from];
    std::sort(near.begin(), near.end(),
              [&](const NodeId& left, const NodeId& right) { return closer(target, left, right); });
    near.resize(std::min<std::size_t>(near.size(), 20));
    std::vector<Candidate> contacts;
    for (const NodeId& id : near) contacts.push_back({.contact = dialable(id)});
    return contacts;
  }
  /// The end of a lookup of somebody who knows these.
  LookupEnded look(const std::vector<NodeId>& seeds, const LookupOptions& options) {
    Lookup lookup(NodeId(1, 2, 3), LookupKind::find_node, target, "", options);
    for (const NodeId& id : seeds) lookup.add_seed({.contact = dialable(id), .connected = true});
    lookup.start(at(0s));
    while (auto effect = lookup.poll_effect()) {
      if (auto* ended = std::get_if<LookupEnded>(&*effect)) return std::move(*ended);
      const NodeId peer = std::get<LookupAsk>(*effect).peer.id;
      lookup.on_contacts(at(1ms), peer, answer(peer));
    }
    FAIL("the lookup did not end");
    return {};
  }
  NodeId nearest_honest() {
    return *std::min_element(
        honest.begin(), honest.end(),
        [&](const NodeId& left, const NodeId& right) { return closer(target, left, right); });
  }
};

}  // namespace

TEST_CASE("LOOK-08: disjoint paths share no peer, and each follows what its own peers named") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Town town(seed, 0);
    std::vector<NodeId> seeds(town.honest.begin(), town.honest.begin() + 12);
    const LookupEnded ended = town.look(seeds, on_paths(3));
    REQUIRE(ended.code == ErrorCode::none);
    // The paths are not told, but they can be followed back from every step to its seed.
    std::map<NodeId, NodeId> root;
    std::set<NodeId> asked;
    for (const LookupStep& step : ended.steps) {
      REQUIRE(asked.insert(step.peer).second);
      if (step.named_by) REQUIRE(asked.contains(*step.named_by));
    }
    CHECK(ended.answered.front().id == town.nearest_honest());
    CHECK(ended.answered.size() >= 20);
  }
}

TEST_CASE("LOOK-08: where a fifth of the network lies three paths find what one misses") {
  std::size_t missed_by_one = 0;
  std::size_t missed_by_three = 0;
  std::size_t asks_of_one = 0;
  std::size_t asks_of_three = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Town town(seed, 60);
    // Honest acquaintances and lying ones, as many as there are in the town.
    std::vector<NodeId> seeds(town.honest.begin(), town.honest.begin() + 10);
    seeds.insert(seeds.end(), town.liars.begin(), town.liars.begin() + 2);
    const auto finds = [&](const LookupEnded& ended) {
      const NodeId wanted = town.nearest_honest();
      return std::any_of(ended.answered.begin(), ended.answered.end(),
                         [&](const wire::Contact& one) { return one.id == wanted; });
    };
    const LookupEnded one = town.look(seeds, on_paths(1));
    const LookupEnded three = town.look(seeds, on_paths(3));
    if (!finds(one)) ++missed_by_one;
    if (!finds(three)) ++missed_by_three;
    asks_of_one += one.stats.asks;
    asks_of_three += three.stats.asks;
  }
  CAPTURE(missed_by_one, missed_by_three, asks_of_one, asks_of_three);
  CHECK(missed_by_three <= missed_by_one);
  CHECK(missed_by_three <= 1);
  CHECK(asks_of_three * 2 <= asks_of_one * 5);
}

TEST_CASE("A path of liars that name each other cannot keep the others from the honest") {
  LookupOptions options = on_paths(2);
  Bench bench(LookupKind::find_node, options);
  const Candidate liar = bench.seed(9, true);
  const Candidate honest = bench.seed(8, true);
  bench.start();
  REQUIRE(bench.asks.size() == 2);
  const Candidate wanted = bench.peer(20);
  // The liar names the wanted peer as well, and first: to name is not to own.
  bench.answer(1ms, liar.contact.id, {wanted});
  bench.answer(2ms, honest.contact.id, {wanted});
  REQUIRE(bench.asks.size() == 3);
  CHECK(bench.asks[2].peer.id == wanted.contact.id);
  bench.answer(3ms, wanted.contact.id);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].answered.front().id == wanted.contact.id);
}

TEST_CASE("All paths are cancelled together") {
  Bench bench(LookupKind::find_node, on_paths(3));
  for (unsigned bits = 0; bits < 9; ++bits) bench.seed(bits, true);
  bench.start();
  CHECK(bench.asks.size() == 6);
  bench.lookup.cancel(at(1ms), ErrorCode::cancelled);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::cancelled);
  CHECK(bench.lookup.next_deadline() == kNever);
  bench.answer(2ms, bench.asks[0].peer.id, {bench.peer(12)});
  CHECK(bench.asks.size() == 6);
}

TEST_CASE("A quorum of two ends at the second record, and the newer of both counts") {
  LookupOptions options;
  options.quorum = 2;
  Bench bench(LookupKind::find_value, options);
  for (unsigned bits = 0; bits < 9; ++bits) bench.seed(bits, true);
  bench.start();
  bench.record(1ms, bench.asks[0].peer.id, 7);
  CHECK(bench.ends.empty());
  CHECK(bench.asks.size() == 3);
  SECTION("newer second") {
    bench.record(2ms, bench.asks[1].peer.id, 9);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].record->version == 9);
    CHECK(bench.ends[0].found_at == bench.asks[1].peer.id);
  }
  SECTION("older second") {
    bench.record(2ms, bench.asks[1].peer.id, 3);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].record->version == 7);
    CHECK(bench.ends[0].found_at == bench.asks[0].peer.id);
  }
  SECTION("no second anywhere: the one there is") {
    while (bench.ends.empty()) {
      for (const LookupAsk& ask : std::vector(bench.asks)) bench.answer(3ms, ask.peer.id);
    }
    CHECK(bench.ends[0].code == ErrorCode::none);
    CHECK(bench.ends[0].record->version == 7);
  }
  SECTION("nor in time") {
    bench.pass(30s);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == ErrorCode::none);
    CHECK(bench.ends[0].record->version == 7);
  }
}

}  // namespace trestle::dht
