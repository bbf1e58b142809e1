#include "trestle/dht/record_desk.hpp"

#include <map>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using crypto::VerifiedRecord;
using test::at;
using test::drained;
using test::record_of;

const NodeId kOwner(1, 1, 1);
const NodeId kPeer(2, 2, 2);

struct Desk {
  explicit Desk(const RecordDeskOptions& options = {})
      : suite(1), desk(kOwner, "main", {}, options, suite) {}

  void store(Instant now, std::uint64_t token, const wire::Record& record) {
    desk.store(now, {token}, kPeer, wire::Dialect::native, VerifiedRecord::vouch_for(record));
    drain();
  }
  void persisted(StorageTicket ticket, ErrorCode code = ErrorCode::none) {
    desk.on_persisted(ticket, code);
    drain();
  }
  void drain() {
    for (RecordDeskEffect& effect : drained(desk)) {
      if (auto* order = std::get_if<Persist>(&effect)) orders.push_back(std::move(*order));
      if (auto* answer = std::get_if<Respond>(&effect)) {
        REQUIRE(answers.emplace(answer->token.value, answer->message).second);
      }
      if (const auto* one = std::get_if<SyncedHere>(&effect)) synced.push_back(*one);
      if (auto* record = std::get_if<LogRecord>(&effect)) logs.push_back(std::move(*record));
    }
  }
  ErrorCode code(std::uint64_t token) {
    const auto* failure = std::get_if<wire::Failure>(&answers.at(token));
    return failure != nullptr ? failure->code : ErrorCode::none;
  }

  crypto::Suite suite;
  RecordDesk desk;
  std::vector<Persist> orders;
  std::map<std::uint64_t, wire::Message> answers;
  std::vector<SyncedHere> synced;
  std::vector<LogRecord> logs;
};

}  // namespace

TEST_CASE("A store is answered when the disk has synced it, and an equal one with it") {
  Desk desk;
  desk.store(at(0s), 1, record_of("key", {1}));
  desk.store(at(1ms), 2, record_of("key", {1}));
  CHECK(desk.answers.empty());
  REQUIRE(desk.orders.size() == 1);
  desk.persisted(desk.orders[0].ticket);
  REQUIRE(desk.answers.size() == 2);
  CHECK(std::get<wire::StoreResponse>(desk.answers.at(1)).outcome == wire::StoreOutcome::stored);
  CHECK(std::get<wire::StoreResponse>(desk.answers.at(2)).outcome == wire::StoreOutcome::refreshed);
  desk.store(at(2ms), 3, record_of("key", {1}));
  CHECK(desk.code(3) == ErrorCode::none);
  CHECK(desk.desk.waiting() == 0);
  CHECK(desk.logs.empty());
}

TEST_CASE("A full disk is told of as such, and the next store may succeed; a failed one is final") {
  Desk desk;
  desk.store(at(0s), 1, record_of("key", {1}));
  desk.persisted(desk.orders[0].ticket, ErrorCode::store_full);
  CHECK(desk.code(1) == ErrorCode::store_full);
  desk.store(at(1s), 2, record_of("key", {1}));
  REQUIRE(desk.orders.size() == 2);
  desk.persisted(desk.orders[1].ticket);
  CHECK(desk.code(2) == ErrorCode::none);
  CHECK(desk.logs.empty());
  desk.store(at(2s), 3, record_of("other", {1}));
  desk.persisted(desk.orders[2].ticket, ErrorCode::storage_failed);
  CHECK(desk.code(3) == ErrorCode::storage_failed);
  CHECK(desk.logs.size() == 1);
  desk.store(at(3s), 4, record_of("third", {1}));
  CHECK(desk.code(4) == ErrorCode::storage_failed);
}

TEST_CASE(
    "P-CR-6: every store is answered once within 3 s, however late, lost or mixed up the disk") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Desk desk({.waiting_max = 20});
    std::map<std::uint64_t, Instant> asked;
    std::vector<StorageTicket> open;
    std::size_t taken = 0;
    std::uint64_t token = 0;
    Instant now = at(1s);
    const auto settle = [&] {
      for (; taken < desk.orders.size(); ++taken) open.push_back(desk.orders[taken].ticket);
      for (const auto& [answered, message] : desk.answers) {
        const auto place = asked.find(answered);
        if (place == asked.end()) continue;
        REQUIRE(now - place->second <= 3s);
        asked.erase(place);
      }
      for (const auto& [waiting, when] : asked) REQUIRE(now - when < 3s);
    };
    for (int step = 0; step < 400; ++step) {
      const Instant then = now + std::chrono::milliseconds(rng.below(300));
      while (desk.desk.next_deadline() <= then) {
        now = std::max(now, desk.desk.next_deadline());
        desk.desk.on_deadline(now);
        desk.drain();
        settle();
      }
      now = then;
      if (rng.chance(2, 3)) {
        asked[++token] = now;
        desk.store(now, token,
                   record_of("k" + std::to_string(rng.below(30)), {1}, rng.below(4),
                             {.ttl_ms = 1 + rng.below(5000)}));
      } else if (!open.empty()) {
        const std::size_t drawn = rng.below(open.size());
        const StorageTicket ticket = open[drawn];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(drawn));
        desk.persisted(ticket, rng.chance(1, 200) ? ErrorCode::storage_failed : ErrorCode::none);
      }
      settle();
    }
    desk.desk.close();
    desk.drain();
    CHECK(desk.answers.size() == token);
    CHECK(desk.desk.waiting() == 0);
  }
}

TEST_CASE("A disk that is too slow is answered BUSY, and so is one more than may wait") {
  Desk desk({.waiting_max = 2});
  desk.store(at(0s), 1, record_of("a", {1}));
  desk.store(at(1s), 2, record_of("b", {1}));
  desk.store(at(1s), 3, record_of("c", {1}));
  CHECK(desk.code(3) == ErrorCode::busy);
  CHECK(std::get<wire::Failure>(desk.answers.at(3)).retry_after_ms > 0);
  CHECK(desk.desk.next_deadline() == at(2500ms));
  desk.desk.on_deadline(at(2500ms));
  desk.drain();
  CHECK(desk.code(1) == ErrorCode::busy);
  CHECK_FALSE(desk.answers.contains(2));
  // It was kept all the same, and whoever asks again is told so.
  desk.persisted(desk.orders[0].ticket);
  desk.store(at(3s), 4, record_of("a", {1}, 1, {.ttl_ms = 60'000, .left_ms = 30'000}));
  CHECK(desk.code(4) == ErrorCode::none);
  CHECK(desk.desk.busy() == 2);
}

TEST_CASE(
    "After a failed write everybody is told STORAGE_FAILED, and the log says it once, loudly") {
  Desk desk;
  desk.store(at(0s), 1, record_of("a", {1}));
  desk.store(at(0s), 2, record_of("b", {1}));
  desk.persisted(desk.orders[0].ticket, ErrorCode::storage_failed);
  desk.persisted(desk.orders[1].ticket, ErrorCode::storage_failed);
  desk.store(at(1s), 3, record_of("c", {1}));
  for (std::uint64_t token = 1; token <= 3; ++token) {
    CHECK(desk.code(token) == ErrorCode::storage_failed);
  }
  REQUIRE(desk.logs.size() == 1);
  CHECK(desk.logs[0].level == LogLevel::error);
  CHECK(desk.desk.records().find(at(1s), "a") != nullptr);
}

TEST_CASE("Our own copies hear of their disk as well") {
  Desk desk;
  const auto kept = desk.desk.keep(at(0s), {.operation = {7}, .attempt = 1},
                                   VerifiedRecord::vouch_for(record_of("a", {1})));
  CHECK(kept == false);
  desk.drain();
  CHECK(desk.synced.empty());
  desk.persisted(desk.orders[0].ticket);
  REQUIRE(desk.synced.size() == 1);
  CHECK(desk.synced[0].copy.operation == OperationId{7});
  CHECK(desk.desk.keep(at(500ms), {.operation = {8}, .attempt = 1},
                       VerifiedRecord::vouch_for(record_of("a", {1}))) == true);
}

}  // namespace trestle::dht
