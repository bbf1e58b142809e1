// The copies of records, through whole DHT machines.
#include <algorithm>

#include "catch.hpp"
#include "dht/dht_bench.hpp"
#include "dht/small_network.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::SmallNetwork;
using wire::ReplicaState;

constexpr test::Life kDay{.ttl_ms = 24 * 3600 * 1000};

wire::ReplicaSummary summary_of(DhtBench& bench, const wire::Record& record) {
  return {.place = bench.place(record.key),
          .version = record.version,
          .left_ms = record.left_ms,
          .digest = crypto::record_digest(bench.suite, {}, record)};
}

std::vector<ReplicaState> offer(DhtBench& bench, Duration when, const NodeId& from,
                                std::vector<wire::ReplicaSummary> summaries) {
  const auto answer =
      bench.request(when, from, wire::ReplicaOffer{.records = std::move(summaries)});
  const auto* states = std::get_if<wire::ReplicaAnswer>(&answer);
  return states != nullptr ? states->states : std::vector<ReplicaState>{};
}

std::vector<Ask> take_offers(DhtBench& bench) {
  std::vector<Ask> offers;
  for (const Ask& ask : bench.asks) {
    if (std::holds_alternative<wire::ReplicaOffer>(ask.message)) offers.push_back(ask);
  }
  std::erase_if(bench.asks, [](const Ask& ask) {
    return std::holds_alternative<wire::ReplicaOffer>(ask.message);
  });
  return offers;
}

/// Answers every look-up with nothing new until the machine offers something.
std::vector<Ask> run_to_offers(DhtBench& bench, Duration from, Duration to) {
  for (Duration when = from; when < to; when += 1s) {
    bench.latest = at(when);
    bench.dht.on_deadline(at(when));
    bench.drain();
    auto offers = take_offers(bench);
    while (offers.empty() && !bench.asks.empty()) {
      const Ask ask = std::move(bench.asks.back());
      bench.asks.pop_back();
      bench.answer(when, ask, wire::FindNodeResponse{});
      offers = take_offers(bench);
    }
    if (!offers.empty()) return offers;
  }
  return {};
}

}  // namespace

TEST_CASE("An offer is answered by what is kept: have, need, mismatch, newer") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const wire::Record kept = test::record_of("key", test::value_of("five"), 5, kDay);
  const wire::Record older = test::record_of("key", test::value_of("four"), 4, kDay);
  const wire::Record newer = test::record_of("key", test::value_of("six"), 6, kDay);
  const wire::Record other = test::record_of("other", test::value_of("one"), 1, kDay);
  bench.request(2s, peer.id, wire::StoreRequest{kept});
  CHECK(offer(bench, 3s, peer.id,
              {summary_of(bench, kept), summary_of(bench, older), summary_of(bench, newer),
               summary_of(bench, other)}) == std::vector{ReplicaState::have, ReplicaState::newer,
                                                         ReplicaState::mismatch,
                                                         ReplicaState::need});
  // Nothing is kept or prolonged by a mere offer of something else.
  CHECK(bench.dht.records().size() == 1);
  wire::ReplicaSummary dead = summary_of(bench, other);
  dead.left_ms = 0;
  CHECK(offer(bench, 4s, peer.id, {dead}) == std::vector{ReplicaState::refused});
}

TEST_CASE("A deleted record is newer than any offer of what was deleted") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  bench.request(2s, peer.id, wire::StoreRequest{test::tombstone_of("key", 7, kDay)});
  const wire::Record deleted = test::record_of("key", test::value_of("gone"), 6, kDay);
  CHECK(offer(bench, 3s, peer.id, {summary_of(bench, deleted)}) ==
        std::vector{ReplicaState::newer});
}

TEST_CASE("An offer of the same prolongs a life, never beyond what its author gave") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const wire::Record record = test::record_of("key", test::value_of("v"), 1, {.ttl_ms = 60'000});
  bench.request(2s, peer.id, wire::StoreRequest{record});
  wire::ReplicaSummary summary = summary_of(bench, record);
  summary.left_ms = 10 * 3600 * 1000;
  CHECK(offer(bench, 30s, peer.id, {summary}) == std::vector{ReplicaState::have});
  CHECK(bench.dht.records().find(at(89s), "key") != nullptr);
  CHECK(bench.dht.records().find(at(91s), "key") == nullptr);
}

TEST_CASE("P-CR-12: a bridge turns offers down and never makes one") {
  DhtOptions options;
  options.data = DataPolicy::refuses_data;
  DhtBench bench(options);
  const wire::Contact peer = bench.linked(1s);
  const wire::Record record = test::record_of("key", test::value_of("v"), 1, kDay);
  const auto answer =
      bench.request(2s, peer.id, wire::ReplicaOffer{.records = {summary_of(bench, record)}});
  REQUIRE(std::holds_alternative<wire::Failure>(answer));
  CHECK(std::get<wire::Failure>(answer).code == ErrorCode::data_refused);
  CHECK(bench.dht.stats().republish.offered == 0);
}

TEST_CASE(
    "P-CR-27: summaries go first, the record to a peer that needs it, and only while it has "
    "that content") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const wire::Contact second = bench.linked(1s);
  const wire::Record record = test::record_of("key", test::value_of("v"), 1, kDay);
  bench.request(2s, peer.id, wire::StoreRequest{record});
  auto offers = run_to_offers(bench, 59min, 66min);
  REQUIRE(offers.size() == 2);
  CHECK(std::get<wire::ReplicaOffer>(offers[0].message).records.at(0).digest ==
        summary_of(bench, record).digest);
  CHECK(bench.asks.empty());
  bench.answer(66min, offers[0], wire::ReplicaAnswer{{ReplicaState::need}});
  REQUIRE(bench.asks.size() == 1);
  CHECK(bench.asks[0].peer.id == offers[0].peer.id);
  CHECK(std::get<wire::StoreRequest>(bench.asks[0].message).record.value == test::value_of("v"));
  bench.answer_all(66min);
  // By the time the second one answers it is another record.
  bench.request(66min, peer.id,
                wire::StoreRequest{test::record_of("key", test::value_of("w"), 2, kDay)});
  bench.answer(66min, offers[1], wire::ReplicaAnswer{{ReplicaState::need}});
  CHECK(bench.asks.empty());
  CHECK(second.id != peer.id);
}

TEST_CASE("STORE-04: another one's offer puts off our own refresh by an interval") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const wire::Record record = test::record_of("key", test::value_of("v"), 1, kDay);
  bench.request(2s, peer.id, wire::StoreRequest{record});
  REQUIRE(offer(bench, 55min, peer.id, {summary_of(bench, record)}) ==
          std::vector{ReplicaState::have});
  CHECK(run_to_offers(bench, 55min, 110min).empty());
  CHECK(run_to_offers(bench, 110min, 122min).size() == 1);
}

TEST_CASE("RATE-05: an offer that its peer wants later waits as long as it said, then goes out") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const wire::Record record = test::record_of("key", test::value_of("v"), 1, kDay);
  bench.request(2s, peer.id, wire::StoreRequest{record});
  auto offers = run_to_offers(bench, 59min, 66min);
  REQUIRE(offers.size() == 1);
  const Instant asked = bench.latest;
  const auto since_start = [&](Duration later) { return asked - Instant{} + later; };
  const wire::Failure limited{
      .code = ErrorCode::rate_limited, .retry_after_ms = 800, .text = "later"};
  bench.answer(since_start(10ms), offers[0], limited);
  CHECK(take_offers(bench).empty());
  bench.dht.on_deadline(asked + 809ms);
  bench.drain();
  CHECK(take_offers(bench).empty());
  bench.dht.on_deadline(asked + 811ms);
  bench.drain();
  offers = take_offers(bench);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].peer.id == peer.id);
  CHECK(bench.dht.stats().pacing.queued >= 1);

  SECTION("and its answer counts") {
    bench.answer(since_start(820ms), offers[0], wire::ReplicaAnswer{{ReplicaState::have}});
    CHECK(bench.dht.stats().republish.refreshed == 1);
  }
  SECTION("a wait beyond the offer's own time ends it, and it is tried again in minutes") {
    bench.answer(
        since_start(820ms), offers[0],
        wire::Failure{.code = ErrorCode::rate_limited, .retry_after_ms = 20'000, .text = {}});
    CHECK(bench.dht.stats().republish.refreshed == 0);
    CHECK(bench.dht.stats().republish.refreshes_failed == 1);
    bench.asks.clear();
    CHECK(run_to_offers(bench, since_start(1s), since_start(59s)).empty());
    CHECK(run_to_offers(bench, since_start(59s), since_start(6min)).size() == 1);
  }
}

TEST_CASE(
    "What the disk had is refreshed within the first interval; nothing while no peer is there") {
  DhtBench bench;
  std::vector<StoredRecord> stored;
  for (int number = 0; number < 50; ++number) {
    stored.push_back(
        {.record = test::record_of("key" + std::to_string(number), test::value_of("v"), 1, kDay),
         .charged_to = {},
         .own = false});
  }
  bench.dht.restore(at(0s), stored);
  bench.drain();
  CHECK(run_to_offers(bench, 1s, 90min).empty());
  CHECK(bench.dht.republish_lag(at(90min)) > 20min);
  bench.linked(90min);
  std::size_t offered = 0;
  for (Duration when = 90min; when < 96min; when += 10s) {
    for (const Ask& ask : run_to_offers(bench, when, when + 10s)) {
      offered += std::get<wire::ReplicaOffer>(ask.message).records.size();
      bench.answer(
          when + 10s, ask,
          wire::ReplicaAnswer{std::vector<ReplicaState>(
              std::get<wire::ReplicaOffer>(ask.message).records.size(), ReplicaState::have)});
    }
  }
  CHECK(offered >= 50);
  CHECK(bench.dht.republish_lag(at(96min)) == 0s);
}

TEST_CASE("Records stay at their nearest while members go and come, at a few messages each") {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    SmallNetwork network(seed);
    network.grow(40, 0, test::Manner::honest);
    network.run_for(60s);
    std::vector<std::string> keys;
    for (int number = 0; number < 30; ++number) {
      keys.push_back("key" + std::to_string(number));
      const auto put = network[0].dht.put(network.now(), keys.back(), {1, 2, 3}, 24h);
      REQUIRE(put);
      REQUIRE(network.await(0, *put)->code == ErrorCode::none);
    }
    for (int hour = 0; hour < 3; ++hour) {
      for (int losses = 0; losses < 4; ++losses) {
        network.kill(network.random_honest(network.size()));
        network.link(network.add(), network.random_honest(network.size() - 1));
        network.run_for(2min);
      }
      network.run_for(62min);
    }
    network.run_for(70min);
    std::size_t missing = 0;
    for (const std::string& key : keys) {
      const NodeId place = network.place(key);
      const auto nearest = network.nearest(place, network.size(), 20);
      for (std::size_t index = 0; index < network.size(); ++index) {
        if (std::count(nearest.begin(), nearest.end(), network.id(index)) == 0) continue;
        missing += network[index].dht.records().find(network.now(), key) == nullptr;
      }
    }
    // Of 600 copies; each member judges by its own table.
    CHECK(missing <= 12);
    CHECK_FALSE(network.is_spinning());
  }
}

}  // namespace trestle::dht
