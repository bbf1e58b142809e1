// put, get and find of one machine.
#include <set>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;
using test::value_of;

}  // namespace

TEST_CASE("Commands that make no sense are refused and change nothing") {
  DhtBench bench;
  CHECK(bench.dht.put(at(1s), "", value_of("v"), 1h) == refuse(ErrorCode::invalid_request));
  CHECK(bench.dht.put(at(1s), std::string(1025, 'k'), value_of("v"), 1h) ==
        refuse(ErrorCode::invalid_request));
  CHECK(bench.dht.put(at(1s), "key", value_of("v"), 0s) == refuse(ErrorCode::invalid_request));
  CHECK(bench.dht.put(at(1s), "key", Bytes(10 * 1024 + 1), 1h) == refuse(ErrorCode::too_large));
  CHECK(bench.dht.get(at(1s), "") == refuse(ErrorCode::invalid_request));
  bench.drain();
  CHECK(bench.ends.empty());
  CHECK(bench.dht.stats().operations_started == 0);
}

TEST_CASE("A node that knows nobody keeps its own put, finds it again, and nothing else") {
  DhtBench bench;
  const auto put = bench.dht.put(at(1s), "key", value_of("value"), 1h);
  bench.drain();
  const auto get = bench.dht.get(at(2s), "key");
  const auto absent = bench.dht.get(at(2s), "absent");
  const auto find = bench.dht.find(at(2s), random_id(bench.rng));
  bench.drain();
  REQUIRE(bench.ends.size() == 4);
  CHECK(bench.ends[0].operation == *put);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].replicas == 1);
  CHECK(bench.ends[0].weak);
  CHECK(bench.ends[1].operation == *get);
  REQUIRE(bench.ends[1].record);
  CHECK(bench.ends[1].record->value == value_of("value"));
  CHECK(bench.ends[2].operation == *absent);
  CHECK(bench.ends[2].code == ErrorCode::unreachable);
  CHECK(bench.ends[3].operation == *find);
  CHECK(bench.ends[3].code == ErrorCode::unreachable);
}

TEST_CASE("A put asks for the place of its key, then stores at those who answered") {
  DhtBench bench;
  std::set<NodeId> peers;
  for (int count = 0; count < 5; ++count) peers.insert(bench.linked(1s).id);
  REQUIRE(bench.dht.put(at(2s), "key", value_of("value"), 1h));
  bench.drain();
  REQUIRE(bench.asks.size() == 4);
  for (const Ask& ask : bench.asks) {
    CHECK(std::get<wire::FindNodeRequest>(ask.message).target == bench.place("key"));
    CHECK(ask.timeout == 10s);
  }
  while (std::holds_alternative<wire::FindNodeRequest>(bench.asks[0].message)) {
    const std::vector<Ask> open = std::exchange(bench.asks, {});
    for (const Ask& ask : open) bench.answer(3s, ask, wire::FindNodeResponse{});
  }
  REQUIRE(bench.asks.size() == 5);
  std::set<NodeId> asked;
  for (const Ask& ask : bench.asks) {
    const auto& record = std::get<wire::StoreRequest>(ask.message).record;
    CHECK(record.key == "key");
    CHECK(record.value == value_of("value"));
    CHECK(record.ttl_ms == 3'600'000);
    asked.insert(ask.peer.id);
  }
  CHECK(asked == peers);
  const wire::Contact refusing = bench.asks[0].peer;
  const std::vector<Ask> open = bench.asks;
  bench.answer(4s, open[0], wire::Failure{.code = ErrorCode::store_full, .text = {}});
  for (std::size_t index = 1; index < 4; ++index) {
    bench.answer(4s, open[index], wire::StoreResponse{});
  }
  bench.dht.on_ask_failed(at(5s), open[4].ask, ErrorCode::timeout);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].replicas == 4);  // three of the others, and ourselves
  CHECK(bench.ends[0].replicas_wanted == 4);
  CHECK_FALSE(bench.ends[0].weak);
  CHECK(bench.ends[0].contacts.size() == 3);
  CHECK(bench.dht.stats().records.records == 1);
}

TEST_CASE("When nobody keeps the value the put says why") {
  DhtOptions options;
  options.records.quotas.records_max = 0;
  DhtBench bench(options);
  bench.linked(1s);
  REQUIRE(bench.dht.put(at(2s), "key", value_of("value"), 1h));
  bench.drain();
  bench.answer(2s, bench.asks.at(0), wire::FindNodeResponse{});
  bench.answer(2s, bench.asks.at(1), wire::Failure{.code = ErrorCode::data_refused, .text = {}});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::data_refused);
  CHECK(bench.ends[0].replicas == 0);

  REQUIRE(bench.dht.put(at(3s), "key", value_of("value"), 1h));
  bench.drain();
  // Lost with its connection, it is asked once more, since the peer is linked.
  bench.dht.on_ask_failed(at(4s), bench.asks.at(2).ask, ErrorCode::connection_lost);
  bench.drain();
  REQUIRE(bench.asks.size() == 4);
  CHECK(bench.asks.at(3).peer.id == bench.asks.at(2).peer.id);
  CHECK(bench.ends.size() == 1);
  bench.dht.on_ask_failed(at(4s), bench.asks.at(3).ask, ErrorCode::connection_lost);
  bench.drain();
  REQUIRE(bench.ends.size() == 2);
  CHECK(bench.ends[1].code == ErrorCode::store_full);
}

TEST_CASE("Our own store keeps a put only while fewer than k others are nearer") {
  DhtOptions options;
  options.lookup.nearest = 3;
  std::size_t kept = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    DhtBench bench(options, seed);
    std::vector<NodeId> peers;
    for (int count = 0; count < 6; ++count) peers.push_back(bench.linked(1s).id);
    const NodeId place = bench.place("key");
    const auto nearer = std::count_if(peers.begin(), peers.end(), [&](const NodeId& id) {
      return closer(place, id, bench.dht.self().id);
    });
    REQUIRE(bench.dht.put(at(2s), "key", value_of("value"), 1h));
    bench.drain();
    bench.answer_all(2s);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].replicas == 2);
    CHECK((bench.dht.stats().records.records == 1) == (nearer < 3));
    kept += bench.dht.stats().records.records;
  }
  CHECK(kept > 0);
  CHECK(kept < 200);
}

TEST_CASE("A bridge is asked for the way and never to store, legacy values come back untouched") {
  DhtBench bench;
  const wire::Contact bridge = bench.linked(1s, wire::Role::bridge);
  const wire::Contact node = bench.linked(1s);
  REQUIRE(bench.dht.put(at(2s), "key", value_of("value"), 1h));
  bench.drain();
  std::size_t stores = 0;
  while (!bench.asks.empty()) {
    for (const Ask& ask : bench.asks) {
      if (!std::holds_alternative<wire::StoreRequest>(ask.message)) continue;
      ++stores;
      CHECK(ask.peer == node);
    }
    const std::vector<Ask> open = std::exchange(bench.asks, {});
    for (const Ask& ask : open) {
      const bool store = std::holds_alternative<wire::StoreRequest>(ask.message);
      bench.answer(
          2s, ask,
          store ? wire::Message(wire::StoreResponse{}) : wire::Message(wire::FindNodeResponse{}));
    }
  }
  CHECK(stores == 1);

  REQUIRE(bench.dht.get(at(3s), "old"));
  bench.drain();
  wire::FindValueResponse found;
  found.found = true;
  found.record = test::old_record("old", R"({"a":1})", 60'000);
  for (const Ask& ask : std::vector<Ask>(bench.asks)) {
    if (ask.peer == bridge) {
      CHECK(std::holds_alternative<wire::FindNodeRequest>(ask.message));
    } else {
      bench.answer(3s, ask, found);
    }
  }
  REQUIRE(bench.ends.size() == 2);
  CHECK(bench.ends[1].record == found.record);
}

TEST_CASE("Operations beyond the bound are answered busy, until one has ended") {
  DhtOptions options;
  options.operations_max = 3;
  DhtBench bench(options);
  bench.linked(1s);
  for (int count = 0; count < 3; ++count) REQUIRE(bench.dht.find(at(2s), random_id(bench.rng)));
  CHECK(bench.dht.find(at(2s), random_id(bench.rng)) == refuse(ErrorCode::busy));
  CHECK(bench.dht.get(at(2s), "key") == refuse(ErrorCode::busy));
  CHECK(bench.dht.put(at(2s), "key", value_of("v"), 1h) == refuse(ErrorCode::busy));
  bench.drain();
  bench.answer(2s, bench.asks.at(0), wire::FindNodeResponse{});
  CHECK(bench.dht.find(at(2s), random_id(bench.rng)));
  CHECK(bench.dht.stats().operations_refused == 3);
}

TEST_CASE("More questions than the bound are not asked; the operation still ends") {
  DhtOptions options;
  options.asks_max = 2;
  DhtBench bench(options);
  for (int count = 0; count < 10; ++count) bench.linked(1s);
  REQUIRE(bench.dht.find(at(2s), random_id(bench.rng)));
  bench.drain();
  CHECK(bench.asks.size() == 2);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].contacts.size() >= 2);
}

TEST_CASE("Every operation ends once, also if no question is ever answered or reported") {
  DhtBench bench;
  for (int count = 0; count < 30; ++count) bench.linked(1s);
  std::set<OperationId> open;
  open.insert(*bench.dht.put(at(2s), "key", value_of("value"), 1h));
  open.insert(*bench.dht.get(at(2s), "other"));
  open.insert(*bench.dht.find(at(2s), random_id(bench.rng)));
  bench.drain();
  for (Duration now = 2s; now <= 60s; now += 500ms) {
    bench.dht.on_deadline(at(now));
    bench.drain();
  }
  REQUIRE(bench.ends.size() == 3);
  for (const Ended& ended : bench.ends) {
    CHECK(open.erase(ended.operation) == 1);
    if (ended.replicas == 0) CHECK(ended.code == ErrorCode::unreachable);
  }
  CHECK(bench.dht.stats().asks_forgotten > 0);
  CHECK(bench.dht.stats().operations_ended == bench.dht.stats().operations_started);
}

}  // namespace trestle::dht
