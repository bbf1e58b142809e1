// What a user wishes of a single lookup: several paths, several copies, and who goes the way.
#include <set>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;

constexpr test::Life kHour{.ttl_ms = 3'600'000};

wire::Record version(std::uint64_t number) {
  return test::record_of("key", test::value_of("v" + std::to_string(number)), number, kHour);
}

/// Keeps that version here.
void keep(DhtBench& bench, std::uint64_t number) {
  const NodeId from = bench.stranger().id;
  const auto said = bench.request(1s, from, wire::StoreRequest{version(number)});
  REQUIRE(std::holds_alternative<wire::StoreResponse>(said));
}

/// Answers every question of the search: those with a record bring it, the others have nothing.
void answer_search(DhtBench& bench, std::vector<std::uint64_t> versions) {
  while (bench.ends.empty() && !bench.asks.empty()) {
    const Ask ask = bench.asks.front();
    bench.asks.erase(bench.asks.begin());
    wire::FindValueResponse response;
    if (!versions.empty()) {
      response.found = true;
      response.record = version(versions.back());
      versions.pop_back();
    }
    bench.answer(3s, ask, response);
  }
}

}  // namespace

TEST_CASE("LOOK-08: a get answers with our own copy at once, along several paths it compares") {
  for (const std::uint64_t ours : {4u, 5u, 6u}) {
    CAPTURE(ours);
    DhtBench bench;
    for (int count = 0; count < 6; ++count) bench.linked(1s);
    keep(bench, ours);
    bench.asks.clear();
    REQUIRE(bench.dht.get(at(2s), "key"));
    bench.drain();
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.asks.empty());
    CHECK(bench.ends[0].record->version == ours);
    bench.ends.clear();

    REQUIRE(bench.dht.get(at(2s), "key", {.paths = 3}));
    bench.drain();
    REQUIRE(bench.asks.size() >= 2);
    std::set<NodeId> asked;
    for (const Ask& ask : bench.asks) CHECK(asked.insert(ask.peer.id).second);
    answer_search(bench, {5, 4});
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == ErrorCode::none);
    REQUIRE(bench.ends[0].record);
    CHECK(bench.ends[0].record->version == std::max<std::uint64_t>(ours, 5));
  }
}

TEST_CASE("LOOK-08: what only we have is found along several paths too, also by a node alone") {
  for (const int peers : {0, 5}) {
    CAPTURE(peers);
    DhtBench bench;
    for (int count = 0; count < peers; ++count) bench.linked(1s);
    keep(bench, 3);
    REQUIRE(bench.dht.get(at(2s), "key", {.paths = 3}));
    bench.drain();
    answer_search(bench, {});
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == ErrorCode::none);
    CHECK(bench.ends[0].record->version == 3);
  }
}

TEST_CASE("LOOK-08: what was deleted here is not found, unless somebody has a newer record") {
  for (const std::uint64_t theirs : {6u, 8u}) {
    CAPTURE(theirs);
    DhtBench bench;
    for (int count = 0; count < 4; ++count) bench.linked(1s);
    bench.request(1s, bench.stranger().id, wire::StoreRequest{test::tombstone_of("key", 7, kHour)});
    REQUIRE(bench.dht.get(at(2s), "key", {.paths = 2}));
    bench.drain();
    answer_search(bench, {theirs, theirs});
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == (theirs > 7 ? ErrorCode::none : ErrorCode::not_found));
    CHECK(bench.ends[0].record.has_value() == (theirs > 7));
  }
}

TEST_CASE("A number of paths that there cannot be is refused and changes nothing") {
  DhtBench bench;
  bench.linked(1s);
  for (const std::size_t paths : {std::size_t{0}, kLookupPathsMax + 1}) {
    CHECK(bench.dht.get(at(2s), "key", {.paths = paths}).error() == ErrorCode::invalid_request);
    CHECK(bench.dht.find(at(2s), bench.place("key"), {.paths = paths}).error() ==
          ErrorCode::invalid_request);
  }
  CHECK(bench.dht.get(at(2s), "key", {.paths = kLookupPathsMax}));
  CHECK(bench.dht.stats().operations == 1);
}

TEST_CASE("X29: who goes the way is a setting, and a wish for one search overrules it") {
  for (const LookupMode setting : {LookupMode::iterative, LookupMode::recursive}) {
    for (const LookupMode wish : {LookupMode::iterative, LookupMode::recursive}) {
      DhtOptions options;
      options.mode = setting;
      DhtBench bench(options);
      const NodeId target = test::random_id_at(bench.rng, bench.dht.self().id, 0);
      bench.link(1s, test::dialable(test::random_id_at(bench.rng, target, 4)));
      const auto is_handed_on = [&](const LookupWish& wished) {
        bench.asks.clear();
        REQUIRE(bench.dht.find(at(2s), target, wished));
        bench.drain();
        REQUIRE(bench.asks.size() == 1);
        return std::holds_alternative<wire::RecursiveFindRequest>(bench.asks[0].message);
      };
      CHECK(is_handed_on({}) == (setting == LookupMode::recursive));
      CHECK(is_handed_on({.mode = wish}) == (wish == LookupMode::recursive));
    }
  }
}

}  // namespace trestle::dht
