// What users write, and what they are told of it.
#include <set>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::Disk;
using test::value_of;

constexpr std::uint64_t kCalendarMs = 1'795'000'000'000;

/// A bench with a calendar and `peers` linked natives.
struct Writer : DhtBench {
  explicit Writer(std::size_t peers, const DhtOptions& options = {}) : DhtBench(options) {
    dht.on_wall_clock(at(0s), WallTime(std::chrono::milliseconds(kCalendarMs)));
    while (peers-- > 0) linked(1s);
  }

  /// Answers the open look-up's questions; what is open then are copies on their way.
  void finish_lookup(Duration when) {
    while (!asks.empty() && !std::holds_alternative<wire::StoreRequest>(asks[0].message)) {
      const std::vector<Ask> open = std::exchange(asks, {});
      for (const Ask& ask : open) {
        const bool reads = std::holds_alternative<wire::FindValueRequest>(ask.message);
        answer(when, ask,
               reads ? wire::Message(wire::FindValueResponse{})
                     : wire::Message(wire::FindNodeResponse{}));
      }
    }
  }
  std::vector<Ask> take_asks() { return std::exchange(asks, {}); }
  void start_put(Duration when, const std::string& key = "key") {
    REQUIRE(dht.put(at(when), key, value_of("value"), 1h));
    drain();
    finish_lookup(when);
  }
  wire::Record sent(std::size_t index = 0) const {
    return std::get<wire::StoreRequest>(asks.at(index).message).record;
  }
};

wire::Message found(wire::Record record) {
  wire::FindValueResponse response;
  response.found = true;
  response.record = std::move(record);
  return response;
}

wire::Message refused(ErrorCode code) { return wire::Failure{.code = code, .text = {}}; }

}  // namespace

TEST_CASE("A put is signed for its key, life and network, with the calendar for its version") {
  DhtOptions options;
  options.network = "net";
  DhtBench bench(options);
  bench.dht.on_wall_clock(at(0s), WallTime(std::chrono::milliseconds(kCalendarMs)));
  const auto id = bench.dht.put(at(2s), "key", value_of("value"), 1h);
  wire::Record expected =
      test::record_of("key", value_of("value"), kCalendarMs + 2000, {.ttl_ms = 3'600'000});
  expected.author = bench.pair.key;
  const auto effect = bench.dht.poll_effect();
  const auto& order = std::get<SignRecord>(*effect);
  CHECK(order.operation == *id);
  CHECK(order.message == crypto::record_transcript(bench.suite, "net", expected));
  wire::Signature signature{};
  signature[5] = 55;
  bench.dht.on_signed(at(2s), *id, signature);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].version == kCalendarMs + 2000);
  const Replica* kept = bench.dht.records().find(at(2s), "key");
  REQUIRE(kept != nullptr);
  CHECK(kept->own);
  CHECK(kept->record.signature == signature);
  CHECK(kept->record.author == bench.pair.key);
}

TEST_CASE("A second put has a higher version, also while the calendar stands") {
  Writer bench(0);
  bench.start_put(1s);
  bench.start_put(1s);
  bench.dht.on_wall_clock(at(2s), WallTime(std::chrono::milliseconds(1000)));
  bench.start_put(2s);
  REQUIRE(bench.ends.size() == 3);
  CHECK(bench.ends[1].version == bench.ends[0].version + 1);
  CHECK(bench.ends[2].version == bench.ends[1].version + 1);
}

TEST_CASE("A put ends when W have synced; the rest of the copies goes on unseen") {
  Writer bench(8);
  bench.start_put(2s);
  const auto copies = bench.take_asks();
  REQUIRE(copies.size() == 8);
  for (std::size_t index = 0; index < 3; ++index) {
    bench.answer(2s, copies[index], wire::StoreResponse{});
    CHECK(bench.ends.empty());
  }
  bench.answer(2s, copies[3], wire::StoreResponse{});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].replicas == 5);  // and ourselves
  CHECK(bench.ends[0].replicas_wanted == 5);
  CHECK_FALSE(bench.ends[0].weak);
  CHECK(bench.dht.stats().operations == 1);
  for (std::size_t index = 4; index < 8; ++index) {
    bench.answer(3s, copies[index], wire::StoreResponse{});
  }
  CHECK(bench.ends.size() == 1);
  CHECK(bench.dht.stats().operations == 0);
  CHECK(bench.dht.stats().writes_acknowledged == 1);
}

TEST_CASE("Our own copy counts only when the disk has it") {
  Writer bench(2);
  bench.disk = Disk::when_told;
  bench.start_put(2s);
  const auto copies = bench.take_asks();
  REQUIRE(copies.size() == 2);
  bench.answer(2s, copies[0], wire::StoreResponse{});
  CHECK(bench.ends.empty());
  REQUIRE(bench.orders.size() == 1);
  bench.dht.on_persisted(at(2s), bench.orders[0].ticket, ErrorCode::none);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].replicas == 2);
  CHECK_FALSE(bench.ends[0].weak);
}

TEST_CASE("I3: fewer than W, however they failed, is told as weak and never as acknowledged") {
  for (std::size_t kept = 0; kept <= 10; ++kept) {
    CAPTURE(kept);
    Writer bench(10);
    bench.start_put(2s);
    const auto copies = bench.take_asks();
    REQUIRE(copies.size() == 10);
    for (std::size_t index = 0; index < 10; ++index) {
      if (index < kept) {
        bench.answer(2s, copies[index], wire::StoreResponse{});
      } else if (index % 2 == 0) {
        bench.answer(2s, copies[index], refused(ErrorCode::store_full));
      } else {
        bench.dht.on_ask_failed(at(2s), copies[index].ask, ErrorCode::connection_lost);
        bench.drain();
      }
    }
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].replicas_wanted == 6);  // of eleven
    CHECK(bench.ends[0].replicas == std::min<std::size_t>(kept + 1, 6));
    CHECK(bench.ends[0].weak == (kept + 1 < 6));
    CHECK(bench.dht.stats().writes_weak == (kept + 1 < 6 ? 1 : 0));
  }
}

TEST_CASE("A pair that was cut off from the others cannot acknowledge for an hour") {
  Writer bench(9);
  bench.start_put(2s);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK_FALSE(bench.ends[0].weak);
  const auto peers = bench.dht.table().closest_contacts(bench.place("key"), 20);
  for (std::size_t index = 1; index < peers.size(); ++index) {
    bench.dht.on_link_down(at(3s), peers[index].id);
  }
  bench.drain();
  bench.take_asks();
  const auto put = [&](Duration when) {
    REQUIRE(bench.dht.put(at(when), "key", value_of("new"), 1h));
    bench.drain();
    const std::size_t before = bench.ends.size();
    for (int round = 0; round < 20 && bench.ends.size() == before; ++round) {
      for (const Ask& ask : bench.take_asks()) {
        if (ask.peer.id != peers[0].id) {
          bench.dht.on_ask_failed(at(when), ask.ask, ErrorCode::unreachable);
          bench.drain();
        } else if (std::holds_alternative<wire::StoreRequest>(ask.message)) {
          bench.answer(when, ask, wire::StoreResponse{});
        } else {
          bench.answer(when, ask, wire::FindNodeResponse{});
        }
      }
    }
    REQUIRE(bench.ends.size() == before + 1);
    return bench.ends.back();
  };
  const Ended cut_off = put(10s);
  CHECK(cut_off.replicas == 2);
  CHECK(cut_off.replicas_wanted == 6);
  CHECK(cut_off.weak);
  const Ended later = put(1h + 10s);
  CHECK(later.replicas_wanted == 2);
  CHECK_FALSE(later.weak);
}

TEST_CASE("OUTDATED: the newer record is asked for, and the put done again above it") {
  Writer bench(4);
  bench.start_put(2s);
  const auto copies = bench.take_asks();
  const std::uint64_t version = std::get<wire::StoreRequest>(copies[0].message).record.version;
  bench.answer(2s, copies[0], refused(ErrorCode::outdated));
  auto asks = bench.take_asks();
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].peer == copies[0].peer);
  CHECK(std::get<wire::FindValueRequest>(asks[0].message).key == "key");
  bench.answer(2s, asks[0], found(test::record_of("key", value_of("newer"), version + 5)));
  asks = bench.take_asks();
  REQUIRE(asks.size() == 4);
  for (const Ask& ask : asks) {
    const auto& record = std::get<wire::StoreRequest>(ask.message).record;
    CHECK(record.version == version + 6);
    CHECK(record.value == value_of("value"));
  }
  // Answers to the copies of the first round count for nothing.
  for (std::size_t index = 1; index < 4; ++index) {
    bench.answer(2s, copies[index], wire::StoreResponse{});
  }
  CHECK(bench.ends.empty());
  bench.answer(2s, asks[0], wire::StoreResponse{});
  bench.answer(2s, asks[1], wire::StoreResponse{});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].version == version + 6);
  CHECK(bench.dht.records().find(at(2s), "key")->record.version == version + 6);
  CHECK(bench.dht.stats().writes_retried == 1);
}

TEST_CASE("A put that meets a newer version twice ends as outdated") {
  Writer bench(4);
  bench.start_put(2s);
  for (int round = 0; round < 2; ++round) {
    const auto copies = bench.take_asks();
    REQUIRE(copies.size() == 4);
    const std::uint64_t version = std::get<wire::StoreRequest>(copies[0].message).record.version;
    bench.answer(2s, copies[0], refused(ErrorCode::outdated));
    const auto asks = bench.take_asks();
    REQUIRE(asks.size() == 1);
    bench.answer(2s, asks[0], found(test::record_of("key", value_of("newer"), version + 1)));
  }
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::outdated);
  CHECK(bench.asks.empty());
}

TEST_CASE("Who says OUTDATED and has nothing newer to show cannot forbid a write") {
  Writer bench(4);
  bench.start_put(2s);
  const auto copies = bench.take_asks();
  const std::uint64_t version = std::get<wire::StoreRequest>(copies[0].message).record.version;
  const wire::Message shown[] = {
      found(test::record_of("key", value_of("older"), version - 1)),
      found(test::record_of("key", value_of("absurd"), version + 25ull * 3600 * 1000)),
      wire::FindValueResponse{}};
  for (std::size_t index = 0; index < 3; ++index) {
    bench.answer(2s, copies[index], refused(ErrorCode::outdated));
    const auto asks = bench.take_asks();
    REQUIRE(asks.size() == 1);
    bench.answer(2s, asks[0], shown[index]);
    CHECK(bench.asks.empty());
  }
  bench.answer(2s, copies[3], wire::StoreResponse{});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].replicas == 2);
  CHECK(bench.ends[0].weak);
}

TEST_CASE("A refresh gives anybody's record its whole life again, with its author's signature") {
  Writer bench(3);
  REQUIRE(bench.dht.refresh(at(2s), "key"));
  bench.drain();
  wire::Record theirs = test::record_of("key", value_of("v"), 7, {.ttl_ms = 60'000, .left_ms = 5});
  theirs.signature[3] = 3;
  const auto asks = bench.take_asks();
  REQUIRE(std::holds_alternative<wire::FindValueRequest>(asks.at(0).message));
  bench.answer(2s, asks[0], found(theirs));
  bench.finish_lookup(2s);
  REQUIRE(bench.asks.size() == 3);
  theirs.left_ms = 60'000;
  CHECK(bench.sent() == theirs);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].version == 7);
}

TEST_CASE("A refresh of what is kept here works in its grace too") {
  Writer bench(3);
  bench.start_put(2s);
  bench.answer_all(2s);
  bench.dht.on_deadline(at(2s + 61min));
  CHECK(bench.dht.records().find(at(2s + 61min), "key") == nullptr);
  bench.drain();
  bench.take_asks();
  REQUIRE(bench.dht.refresh(at(2s + 61min), "key"));
  bench.drain();
  bench.finish_lookup(2s + 61min);
  CHECK(bench.sent().left_ms == 3'600'000);
  bench.answer_all(2s + 61min);
  CHECK(bench.ends.back().code == ErrorCode::none);
  CHECK(bench.dht.records().find(at(2s + 120min), "key") != nullptr);
}

TEST_CASE("A deletion writes a tombstone above what it deletes, for as long as that was to live") {
  Writer bench(3);
  REQUIRE(bench.dht.remove(at(2s), "key"));
  bench.drain();
  const auto asks = bench.take_asks();
  const std::uint64_t ahead = kCalendarMs + 60'000;
  bench.answer(2s, asks.at(0), found(test::record_of("key", {1}, ahead, {.ttl_ms = 77'000})));
  bench.finish_lookup(2s);
  REQUIRE(bench.asks.size() == 3);
  const wire::Record sent = bench.sent();
  CHECK(sent.kind == wire::RecordKind::tombstone);
  CHECK(sent.value.empty());
  CHECK(sent.version == ahead + 1);
  CHECK(sent.ttl_ms == 77'000);
  CHECK(sent.left_ms == 77'000);
  CHECK(sent.author == bench.pair.key);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);

  REQUIRE(bench.dht.get(at(3s), "key"));
  REQUIRE(bench.dht.refresh(at(3s), "key"));
  REQUIRE(bench.dht.remove(at(3s), "key"));
  bench.drain();
  REQUIRE(bench.ends.size() == 4);
  for (std::size_t index = 1; index < 4; ++index) {
    CHECK(bench.ends[index].code == ErrorCode::not_found);
  }
  bench.start_put(4s);
  CHECK(bench.sent().version > sent.version);
}

TEST_CASE("What nobody has cannot be refreshed or deleted; a found tombstone is not found") {
  Writer bench(3);
  REQUIRE(bench.dht.refresh(at(2s), "absent"));
  REQUIRE(bench.dht.remove(at(2s), "absent"));
  bench.drain();
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 2);
  CHECK(bench.ends[0].code == ErrorCode::not_found);
  CHECK(bench.ends[1].code == ErrorCode::not_found);
  REQUIRE(bench.dht.get(at(3s), "deleted"));
  bench.drain();
  bench.answer(3s, bench.take_asks().at(0), found(test::tombstone_of("deleted", 5)));
  REQUIRE(bench.ends.size() == 3);
  CHECK(bench.ends[2].code == ErrorCode::not_found);
  CHECK_FALSE(bench.ends[2].record);
}

TEST_CASE("Only its owner writes or deletes under a node's own keys; anybody refreshes them") {
  Writer bench(2);
  const std::string own = "@" + bench.dht.self().id.to_hex() + "/name";
  const std::string other = "@" + NodeId(1, 2, 3).to_hex();
  CHECK(bench.dht.put(at(2s), other, value_of("v"), 1h) == refuse(ErrorCode::unauthorized));
  CHECK(bench.dht.remove(at(2s), other) == refuse(ErrorCode::unauthorized));
  CHECK(bench.dht.refresh(at(2s), other));
  CHECK(bench.dht.put(at(2s), own, value_of("v"), 1h));
  CHECK(bench.dht.remove(at(2s), own));
}

TEST_CASE("An old peer gets copies of values, never of a deletion, and is shown none") {
  Writer bench(2);
  wire::Contact old = bench.stranger();
  old.dialect = wire::Dialect::legacy;
  bench.link(1s, old);
  bench.start_put(2s);
  CHECK(bench.asks.size() == 3);
  bench.answer_all(2s);
  REQUIRE(bench.dht.remove(at(3s), "key"));
  bench.drain();
  bench.finish_lookup(3s);
  CHECK(bench.asks.size() == 2);
  for (const Ask& ask : bench.asks) CHECK(ask.peer.id != old.id);
  bench.answer_all(3s);
  const auto shown = bench.request(4s, old.id, wire::FindValueRequest{"key"});
  CHECK_FALSE(std::get<wire::FindValueResponse>(shown).found);
  const NodeId native = bench.linked(4s).id;
  const auto told = bench.request(4s, native, wire::FindValueRequest{"key"});
  CHECK(std::get<wire::FindValueResponse>(told).record.kind == wire::RecordKind::tombstone);
}

TEST_CASE("A sealed value is asked for when its version is known, and again for another version") {
  Writer bench(4);
  const auto id = bench.dht.put_sealed(at(2s), "key", 1h);
  REQUIRE(id);
  bench.drain();
  REQUIRE(bench.seals.size() == 1);
  CHECK(bench.seals[0].operation == *id);
  const wire::Record asked = bench.seals[0].record;
  CHECK(asked.key == "key");
  CHECK(asked.kind == wire::RecordKind::sealed);
  CHECK(asked.author == bench.pair.key);
  CHECK(asked.version == kCalendarMs + 2000);
  CHECK(asked.value.empty());
  bench.finish_lookup(2s);
  CHECK(bench.sent().value == test::sealed_for(asked.version));

  const auto copies = bench.take_asks();
  bench.answer(2s, copies[0], refused(ErrorCode::outdated));
  const auto learns = bench.take_asks();
  bench.answer(2s, learns.at(0),
               found(test::record_of("key", value_of("newer"), asked.version + 5)));
  REQUIRE(bench.seals.size() == 2);
  CHECK(bench.seals[1].record.version == asked.version + 6);
  CHECK(bench.seals[1].record.value.empty());
  REQUIRE(bench.asks.size() == 4);
  CHECK(bench.sent().kind == wire::RecordKind::sealed);
  CHECK(bench.sent().version == asked.version + 6);
  CHECK(bench.sent().value == test::sealed_for(asked.version + 6));
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
}

TEST_CASE("An old peer is neither sent nor shown what is sealed") {
  Writer bench(2);
  wire::Contact old = bench.stranger();
  old.dialect = wire::Dialect::legacy;
  bench.link(1s, old);
  REQUIRE(bench.dht.put_sealed(at(2s), "key", 1h));
  bench.drain();
  bench.finish_lookup(2s);
  CHECK(bench.asks.size() == 2);
  for (const Ask& ask : bench.asks) CHECK(ask.peer.id != old.id);
  bench.answer_all(2s);
  const auto shown = bench.request(3s, old.id, wire::FindValueRequest{"key"});
  CHECK_FALSE(std::get<wire::FindValueResponse>(shown).found);
  const auto told = bench.request(3s, bench.linked(3s).id, wire::FindValueRequest{"key"});
  CHECK(std::get<wire::FindValueResponse>(told).record.kind == wire::RecordKind::sealed);
}

TEST_CASE("Copies alone at old peers are a bonus: weak, with no replica") {
  DhtOptions options;
  options.records.quotas.records_max = 0;
  Writer bench(0, options);
  wire::Contact old = bench.stranger();
  old.dialect = wire::Dialect::legacy;
  bench.link(1s, old);
  bench.start_put(2s);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].replicas == 0);
  CHECK(bench.ends[0].weak);
  CHECK(bench.ends[0].contacts == wire::Contacts{old});
}

TEST_CASE("Told writes make no user wait, and more than their bound do not go on") {
  DhtOptions options;
  options.operations_max = 2;
  options.background_max = 3;
  Writer bench(4, options);
  std::vector<Ask> late;
  for (int count = 0; count < 10; ++count) {
    bench.start_put(2s, "key " + std::to_string(count));
    const auto copies = bench.take_asks();
    bench.answer(2s, copies.at(0), wire::StoreResponse{});
    bench.answer(2s, copies.at(1), wire::StoreResponse{});
    late.insert(late.end(), copies.begin() + 2, copies.end());
    REQUIRE(bench.ends.size() == static_cast<std::size_t>(count + 1));
  }
  CHECK(bench.dht.stats().operations == 3);
  CHECK(bench.dht.stats().spreads_cut == 7);
  for (const Ask& ask : late) bench.answer(3s, ask, wire::StoreResponse{});
  CHECK(bench.dht.stats().operations == 0);
  CHECK(bench.ends.size() == 10);
}

}  // namespace trestle::dht
