#include "trestle/dht/record_store.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using crypto::VerifiedRecord;
using test::at;
using test::drained;
using test::old_record;
using test::record_of;
using test::tombstone_of;

const NodeId kOwner(1, 1, 1);
const NodeId kPeer(2, 2, 2);
const Delivery kByPeer{.by = Deliverer::peer, .from = kPeer};
const Delivery kByOldPeer{.by = Deliverer::old_peer, .from = kPeer};

/// A store whose disk answers at once.
struct Store {
  explicit Store(const RecordStoreOptions& options = {})
      : suite(1), store(kOwner, "main", options, suite) {}

  Result<Kept, ErrorCode> put(Instant now, const wire::Record& record,
                              const Delivery& delivery = kByPeer) {
    const auto kept = store.put(now, VerifiedRecord::vouch_for(record), delivery);
    sync();
    return kept;
  }
  ErrorCode code(Instant now, const wire::Record& record, const Delivery& delivery = kByPeer) {
    const auto kept = put(now, record, delivery);
    return kept ? ErrorCode::none : kept.error();
  }
  void sync() {
    for (Persist& order : drained(store)) {
      store.on_persisted(order.ticket, ErrorCode::none);
      orders.push_back(std::move(order));
    }
  }
  std::uint64_t left_ms(Instant now, std::string_view key) const {
    const Replica* kept = store.find(now, key);
    return kept != nullptr ? kept->left_ms(now) : 0;
  }
  NodeId place(std::string_view key) { return crypto::place_of_key(suite, key); }

  crypto::Suite suite;
  RecordStore store;
  std::vector<Persist> orders;
};

bool is_kept(const Result<Kept, ErrorCode>& kept, wire::StoreOutcome outcome) {
  return kept && kept->outcome == outcome;
}
constexpr auto kStored = wire::StoreOutcome::stored;
constexpr auto kRefreshed = wire::StoreOutcome::refreshed;

}  // namespace

TEST_CASE("A record is served until its life ends and kept as long again in its grace (STORE-05)") {
  Store store;
  CHECK(is_kept(store.put(at(0s), record_of("key", {7})), kStored));
  CHECK(store.left_ms(at(20s), "key") == 40'000);
  CHECK(store.left_ms(at(60s) - 1us, "key") == 1);
  CHECK(store.store.find(at(60s), "key") == nullptr);
  CHECK(store.store.find(at(0s), "other") == nullptr);
  CHECK(store.store.next_deadline() == at(60s));
  store.store.on_deadline(at(60s));
  CHECK(store.store.stats().records == 1);
  CHECK(store.store.stats().sources == 0);
  CHECK(store.store.find_by_place(store.place("key"))->left_ms(at(61s)) == 0);
  CHECK(store.store.next_deadline() == at(120s));
  store.store.on_deadline(at(119s));
  CHECK(store.store.stats().records == 1);
  store.store.on_deadline(at(120s));
  store.sync();
  CHECK(store.store.stats().records == 0);
  CHECK(store.store.stats().bytes == 0);
  CHECK(store.store.stats().ended == 1);
  CHECK(store.store.next_deadline() == kNever);
  CHECK(std::get<EraseRecord>(store.orders.back().change).key == "key");
}

TEST_CASE("The life at a holder is what was left at the sender, never more than the author gave") {
  Store store;
  REQUIRE(store.put(at(0s), record_of("a", {7}, 1, {.ttl_ms = 60'000, .left_ms = 10'000})));
  CHECK(store.left_ms(at(0s), "a") == 10'000);
  REQUIRE(store.put(at(0s), record_of("b", {7}, 1, {.ttl_ms = 60'000, .left_ms = 999'999})));
  CHECK(store.left_ms(at(0s), "b") == 60'000);
  constexpr std::uint64_t kYear = std::uint64_t{365} * 24 * 3600 * 1000;
  REQUIRE(store.put(at(0s), record_of("c", {7}, 1, {.ttl_ms = kYear})));
  CHECK(store.left_ms(at(0s), "c") == 30ull * 24 * 3600 * 1000);
  CHECK(store.code(at(0s), record_of("d", {7}, 1, {.ttl_ms = 60'000, .left_ms = 0})) ==
        ErrorCode::invalid_request);
  REQUIRE(store.put(at(0s), old_record("e", "1", 5'000), kByOldPeer));
  CHECK(store.left_ms(at(0s), "e") == 5'000);
  CHECK(store.store.find_by_place(store.place("e"))->forgotten == at(5s + 24h));
}

TEST_CASE("An equal record prolongs a life and never shortens it, also out of its grace") {
  Store store;
  const auto with = [](std::uint64_t left_ms) {
    return record_of("key", {7}, 5, {.ttl_ms = 60'000, .left_ms = left_ms});
  };
  REQUIRE(store.put(at(0s), with(60'000)));
  CHECK(is_kept(store.put(at(10s), with(1'000)), kRefreshed));
  CHECK(store.left_ms(at(10s), "key") == 50'000);
  CHECK(is_kept(store.put(at(10s), with(60'000)), kRefreshed));
  CHECK(store.left_ms(at(10s), "key") == 60'000);
  store.store.on_deadline(at(80s));
  CHECK(store.store.find(at(80s), "key") == nullptr);
  CHECK(is_kept(store.put(at(80s), with(30'000)), kRefreshed));
  CHECK(store.left_ms(at(80s), "key") == 30'000);
  CHECK(store.store.stats().sources == 1);
}

TEST_CASE("The higher version stays, of two equal ones the higher digest, and signed beats old") {
  Store store;
  REQUIRE(store.put(at(0s), record_of("key", {1}, 5)));
  CHECK(store.code(at(0s), record_of("key", {2}, 4)) == ErrorCode::outdated);
  CHECK(is_kept(store.put(at(0s), record_of("key", {3}, 6)), kStored));
  CHECK(store.store.find(at(0s), "key")->record.value == Bytes{3});
  const bool first_won = store.code(at(0s), record_of("key", {4}, 6)) == ErrorCode::outdated;
  Store other;
  REQUIRE(other.put(at(0s), record_of("key", {4}, 6)));
  CHECK((other.code(at(0s), record_of("key", {3}, 6)) == ErrorCode::outdated) != first_won);
  CHECK(other.store.find(at(0s), "key")->digest == store.store.find(at(0s), "key")->digest);
  CHECK(store.code(at(0s), old_record("key", "1", 1000), kByOldPeer) == ErrorCode::outdated);
  REQUIRE(store.put(at(0s), old_record("old", "1", 1000), kByOldPeer));
  CHECK(is_kept(store.put(at(0s), record_of("old", {1}, 0)), kStored));
  CHECK(store.store.stats().outdated >= 2);
}

TEST_CASE("Of an old peer the last word counts; between copies of its values the digest") {
  Store store;
  REQUIRE(store.put(at(0s), old_record("key", "1", 60'000), kByOldPeer));
  CHECK(is_kept(store.put(at(0s), old_record("key", "2", 60'000), kByOldPeer), kStored));
  CHECK(is_kept(store.put(at(0s), old_record("key", "1", 60'000), kByOldPeer), kStored));
  const bool two_wins = store.put(at(0s), old_record("key", "2", 60'000), kByPeer).has_value();
  CHECK((as_text(store.store.find(at(0s), "key")->record.value) == "2") == two_wins);
  Store other;
  REQUIRE(other.put(at(0s), old_record("key", "2", 60'000), kByOldPeer));
  CHECK(other.put(at(0s), old_record("key", "1", 60'000), kByPeer).has_value() != two_wins);
}

TEST_CASE(
    "A tombstone is kept and found as long as the value would have been, and older copies die") {
  Store store;
  REQUIRE(store.put(at(0s), record_of("key", {1}, 5)));
  CHECK(is_kept(store.put(at(10s), tombstone_of("key", 6)), kStored));
  REQUIRE(store.store.find(at(20s), "key") != nullptr);
  CHECK(store.store.find(at(20s), "key")->is_tombstone());
  CHECK(store.store.stats().tombstones == 1);
  CHECK(store.code(at(20s), record_of("key", {1}, 5)) == ErrorCode::outdated);
  store.store.on_deadline(at(71s));
  CHECK(store.code(at(71s), record_of("key", {1}, 5)) == ErrorCode::outdated);
  CHECK(is_kept(store.put(at(71s), record_of("key", {1}, 7)), kStored));
  CHECK(store.store.stats().tombstones == 0);
  wire::Record loaded = tombstone_of("key", 9);
  loaded.value = {1};
  CHECK(store.code(at(72s), loaded) == ErrorCode::invalid_request);
}

TEST_CASE("A record whose life is over only puts an end to an older one") {
  Store store;
  const auto dead = [](std::uint64_t version) {
    return record_of("key", {9}, version, {.ttl_ms = 10'000, .left_ms = 0});
  };
  CHECK(store.code(at(0s), dead(5)) == ErrorCode::invalid_request);
  REQUIRE(store.put(at(0s), record_of("key", {1}, 5)));
  CHECK(store.code(at(1s), dead(4)) == ErrorCode::outdated);
  CHECK(store.store.find(at(1s), "key") != nullptr);
  CHECK(store.put(at(1s), dead(6)));
  CHECK(store.store.find(at(1s), "key") == nullptr);
  // It is remembered as long as the older one would have been.
  CHECK(store.code(at(100s), record_of("key", {1}, 5)) == ErrorCode::outdated);
  store.store.on_deadline(at(120s));
  CHECK(store.store.stats().records == 0);
  CHECK(store.store.stats().bytes == 0);
}

TEST_CASE("A record that was given no life is woken by nobody") {
  Store store;
  REQUIRE(store.put(at(0s), record_of("key", {1}, 1)));
  REQUIRE(store.put(at(1s), record_of("key", {2}, 2, {.ttl_ms = 0, .left_ms = 10'000})));
  REQUIRE(store.store.find(at(1s), "key") == nullptr);
  const Replica* kept = store.store.find_by_place(store.place("key"));
  REQUIRE(kept != nullptr);
  const auto prolonged = store.store.prolong(at(2s), kept->place, kept->digest, 10'000);
  REQUIRE_FALSE(prolonged);
  CHECK(prolonged.error() == ErrorCode::invalid_request);
  CHECK(store.store.find(at(2s), "key") == nullptr);
}

TEST_CASE("A version from the future is refused by our own calendar, a day ahead is not") {
  Store store;
  constexpr std::uint64_t kDay = 24ull * 3600 * 1000;
  REQUIRE(store.put(at(0s), record_of("early", {1}, ~0ull)));  // no calendar yet
  store.store.on_wall_clock({at(0s), WallTime(1'000'000s)});
  CHECK(store.code(at(1s), record_of("key", {1}, 1'000'001'000 + kDay + 1)) ==
        ErrorCode::invalid_request);
  CHECK(store.put(at(1s), record_of("key", {1}, 1'000'001'000 + kDay)));
}

TEST_CASE("Senseless keys, oversized values and other nodes' keys are refused") {
  Store store;
  CHECK(store.code(at(0s), record_of("", {1})) == ErrorCode::invalid_request);
  CHECK(store.code(at(0s), record_of(std::string(1025, 'k'), {1})) == ErrorCode::invalid_request);
  CHECK(store.code(at(0s), record_of("key", Bytes(10 * 1024 + 1))) == ErrorCode::too_large);
  CHECK(store.put(at(0s), record_of(std::string(1024, 'k'), Bytes(10 * 1024))));
  const NodeId writer = crypto::node_id_of(store.suite, test::author(1));
  const std::string own = "@" + writer.to_hex() + "/name";
  CHECK(store.code(at(0s), record_of(own, {1}, 1, {}, 2)) == ErrorCode::unauthorized);
  CHECK(store.code(at(0s), old_record(own, "1", 1000), kByOldPeer) == ErrorCode::unauthorized);
  CHECK(store.put(at(0s), record_of(own, {1}, 1, {}, 1)));
  CHECK(store.put(at(0s), record_of("@" + writer.to_hex().substr(1), {1}, 1, {}, 2)));
}

TEST_CASE("An author keeps a thousand records or four megabytes; ourselves as much as fits") {
  Store store;
  for (int count = 0; count < 1000; ++count) {
    REQUIRE(store.put(at(0s), record_of("a" + std::to_string(count), {7})));
  }
  CHECK(store.code(at(0s), record_of("one more", {7})) == ErrorCode::store_full);
  CHECK(store.put(at(0s), record_of("one more", {7}, 1, {}, 2)));
  CHECK(store.put(at(0s), record_of("a1", {7, 7}, 2)));
  std::size_t kept = 0;
  while (store.put(at(0s), record_of("c" + std::to_string(kept), Bytes(10 * 1024), 1, {}, 3))) {
    ++kept;
  }
  CHECK(kept > 380);
  CHECK(kept * 10 * 1024 <= 4 * 1024 * 1024);
  const NodeId ourselves = crypto::node_id_of(store.suite, test::author(9));
  RecordStore own(ourselves, "main", {}, store.suite);
  for (int count = 0; count < 1200; ++count) {
    REQUIRE(own.put(
        at(0s), VerifiedRecord::vouch_for(record_of("b" + std::to_string(count), {7}, 1, {}, 9)),
        {}));
  }
}

TEST_CASE("T24: a group of links fills a sixteenth of the store however many ids it has") {
  RecordStoreOptions options;
  options.quotas.records_max = 160;
  Store store(options);
  Delivery grouped = kByPeer;
  grouped.group = {7};
  std::size_t kept = 0;
  for (std::uint8_t by = 1; by <= 100; ++by) {
    if (store.put(at(0s), record_of("k" + std::to_string(by), {7}, 1, {}, by), grouped)) ++kept;
  }
  CHECK(kept == 10);
  grouped.group = {8};
  CHECK(store.put(at(0s), record_of("other group", {7}), grouped));
  CHECK(store.put(at(0s), record_of("no group", {7})));
  CHECK(store.put(at(60s), record_of("later", {7}, 1, {}, 77),
                  {.by = Deliverer::peer, .from = kPeer, .group = {7}}));
}

TEST_CASE(
    "A full store refuses; nothing is dropped in its life, whoever is in its grace goes first") {
  RecordStoreOptions options;
  options.quotas.records_max = 10;
  options.quotas.group_share_divisor = 1;
  Store store(options);
  for (int count = 0; count < 10; ++count) {
    REQUIRE(store.put(at(count * 1s), record_of(std::to_string(count), {7})));
  }
  CHECK(store.code(at(59s), record_of("late", {7})) == ErrorCode::store_full);
  for (int count = 0; count < 10; ++count) CHECK(store.store.find(at(59s), std::to_string(count)));
  CHECK(store.put(at(62s), record_of("late", {7})));
  CHECK(store.store.find_by_place(store.place("0")) == nullptr);
  CHECK(store.store.find_by_place(store.place("1")) != nullptr);
  CHECK(store.store.stats().crowded_out == 1);
  CHECK(std::get<EraseRecord>(store.orders[store.orders.size() - 2].change).key == "0");
  CHECK(store.store.stats().records == 10);
}

TEST_CASE("Every change is ordered from the disk, and who waits is told which order") {
  crypto::Suite suite(1);
  RecordStore store(kOwner, "main", {}, suite);
  const auto put = [&](Instant now, const wire::Record& record) {
    return store.put(now, VerifiedRecord::vouch_for(record), kByPeer);
  };
  const auto first = put(at(0s), record_of("key", {1}));
  auto orders = drained(store);
  REQUIRE(orders.size() == 1);
  CHECK(first->awaits == orders[0].ticket);
  const auto& written = std::get<WriteRecord>(orders[0].change).stored;
  CHECK(written.record == record_of("key", {1}));
  CHECK(written.charged_to == crypto::node_id_of(suite, test::author(1)));
  CHECK_FALSE(written.own);
  // The same again waits for the same order, and needs none of its own for the milliseconds won.
  const auto again = put(at(200ms), record_of("key", {1}));
  CHECK(again->awaits == orders[0].ticket);
  CHECK(drained(store).empty());
  store.on_persisted(orders[0].ticket, ErrorCode::none);
  CHECK_FALSE(put(at(300ms), record_of("key", {1}))->awaits);
  const auto prolonged = put(at(30s), record_of("key", {1}));
  orders = drained(store);
  REQUIRE(orders.size() == 1);
  CHECK(prolonged->awaits == orders[0].ticket);
  CHECK(std::get<ProlongRecord>(orders[0].change).left_ms == 60'000);
}

TEST_CASE("After one failed write nothing new is kept and everything is served") {
  Store store;
  REQUIRE(store.put(at(0s), record_of("key", {1})));
  const auto second =
      store.store.put(at(0s), VerifiedRecord::vouch_for(record_of("other", {1})), kByPeer);
  store.store.on_persisted(*second->awaits, ErrorCode::storage_failed);
  CHECK(store.store.is_read_only());
  CHECK(store.code(at(1s), record_of("third", {1})) == ErrorCode::storage_failed);
  CHECK(store.code(at(1s), record_of("key", {2}, 2)) == ErrorCode::storage_failed);
  CHECK(store.store.find(at(1s), "key") != nullptr);
  CHECK(store.store.stats().writes_failed == 1);
  drained(store.store);
  store.store.on_deadline(at(200s));
  CHECK(drained(store.store).empty());
  CHECK(store.store.stats().records == 0);
}

TEST_CASE(
    "What the disk had no room for is written whole by the next refresh, and waits for that") {
  crypto::Suite suite(1);
  RecordStore store(kOwner, "main", {}, suite);
  const auto put = [&](Instant now, const wire::Record& record) {
    return store.put(now, VerifiedRecord::vouch_for(record), kByPeer);
  };
  const auto first = put(at(0s), record_of("key", {1}));
  drained(store);
  store.on_persisted(*first->awaits, ErrorCode::store_full);
  CHECK_FALSE(store.is_read_only());
  CHECK(store.find(at(0s), "key") != nullptr);
  const auto again = put(at(100ms), record_of("key", {1}));
  auto orders = drained(store);
  REQUIRE(orders.size() == 1);
  CHECK(again->awaits == orders[0].ticket);
  CHECK(std::get<WriteRecord>(orders[0].change).stored.record == record_of("key", {1}));
  store.on_persisted(orders[0].ticket, ErrorCode::none);
  CHECK_FALSE(put(at(200ms), record_of("key", {1}))->awaits);
}

TEST_CASE("What is refreshed while its write is open is written again: the write may yet fail") {
  crypto::Suite suite(1);
  RecordStore store(kOwner, "main", {}, suite);
  const auto put = [&](Instant now, const wire::Record& record) {
    return store.put(now, VerifiedRecord::vouch_for(record), kByPeer);
  };
  const auto first = put(at(0s), record_of("key", {1}));
  const auto second = put(at(30s), record_of("key", {1}));
  const auto orders = drained(store);
  REQUIRE(orders.size() == 2);
  CHECK(first->awaits == orders[0].ticket);
  CHECK(second->awaits == orders[1].ticket);
  CHECK(std::holds_alternative<WriteRecord>(orders[1].change));
}

TEST_CASE("STORE-05: what the disk had in its grace is as if nobody had restarted") {
  Store store;
  StoredRecord over{.record = record_of("over", {1}, 3, {.ttl_ms = 60'000, .left_ms = 0}),
                    .charged_to = kPeer};
  over.over_ms = 20'000;
  StoredRecord deleted = over;
  deleted.record = tombstone_of("deleted", 5, {.ttl_ms = 60'000, .left_ms = 30'000});
  deleted.over_ms = 0;
  store.store.restore(at(0s), {over, deleted});
  CHECK(store.store.stats().tombstones == 1);
  // Served no more, but an older one is refused and an equal one wakes it.
  CHECK(store.store.find(at(1s), "over") == nullptr);
  CHECK(store.code(at(1s), record_of("over", {9}, 2)) == ErrorCode::outdated);
  CHECK(store.code(at(1s), record_of("deleted", {9}, 4)) == ErrorCode::outdated);
  SECTION("until its grace is over, too") {
    store.store.on_deadline(at(39s));
    CHECK(store.store.find_by_place(store.place("over")) != nullptr);
    store.store.on_deadline(at(41s));
    CHECK(store.store.find_by_place(store.place("over")) == nullptr);
    CHECK(store.store.find_by_place(store.place("deleted")) != nullptr);
    store.store.on_deadline(at(91s));
    CHECK(store.store.size() == 0);
    CHECK(store.store.stats().tombstones == 0);
  }
  SECTION("and shown to live it lives") {
    CHECK(store.put(at(1s), record_of("over", {1}, 3, {.ttl_ms = 60'000, .left_ms = 10'000})));
    CHECK(store.store.find(at(2s), "over") != nullptr);
  }
}

TEST_CASE("What the disk had lives on for what is left; what has ended is erased") {
  Store store;
  store.store.restore(at(5s),
                      {{.record = record_of("a", {1}, 3, {.ttl_ms = 60'000, .left_ms = 7'000}),
                        .charged_to = kPeer,
                        .own = true},
                       {.record = record_of("b", {1}, 3, {.ttl_ms = 60'000, .left_ms = 0}),
                        .charged_to = {},
                        .own = false,
                        .over_ms = 60'000}});
  CHECK(store.left_ms(at(5s), "a") == 7'000);
  CHECK(store.store.find_by_place(store.place("a"))->own);
  CHECK(store.store.find_by_place(store.place("b")) == nullptr);
  store.sync();
  REQUIRE(store.orders.size() == 1);
  CHECK(std::get<EraseRecord>(store.orders[0].change).key == "b");
  CHECK(store.code(at(6s), record_of("a", {1}, 2)) == ErrorCode::outdated);
  CHECK_FALSE(
      store.put(at(6s), record_of("a", {1}, 3, {.ttl_ms = 60'000, .left_ms = 6'500}))->awaits);
}

TEST_CASE(
    "By place: in order, with what only we know, and prolonged by digest alone (STORE-03, 04)") {
  Store store;
  for (int count = 0; count < 50; ++count) {
    REQUIRE(store.put(at(0s), record_of("k" + std::to_string(count), {7})));
  }
  std::vector<NodeId> places;
  store.store.visit_range({}, NodeId(~0ull, ~0ull, ~0u), [&](const Replica& replica) {
    places.push_back(replica.place);
    return true;
  });
  CHECK(places.size() == 50);
  CHECK(std::is_sorted(places.begin(), places.end()));
  std::size_t seen = 0;
  store.store.visit_range(places[10], places[20], [&](const Replica& replica) {
    CHECK(replica.place == places[10 + seen]);
    return ++seen < 5;
  });
  CHECK(seen == 5);
  const Replica kept = *store.store.find_by_place(places[3]);
  CHECK(is_kept(store.store.prolong(at(40s), kept.place, kept.digest, 50'000), kRefreshed));
  CHECK(store.store.find_by_place(kept.place)->left_ms(at(40s)) == 50'000);
  CHECK(store.store.find_by_place(kept.place)->refreshed == at(40s));
  CHECK(store.store.find_by_place(kept.place)->received == at(0s));
  CHECK(store.store.prolong(at(40s), kept.place, {}, 50'000) == refuse(ErrorCode::not_found));
  CHECK(store.store.prolong(at(40s), kOwner, kept.digest, 50'000) == refuse(ErrorCode::not_found));
}

}  // namespace trestle::dht
