// The store against the simplest thing that could be right: a map in which the last writer wins.
#include <map>
#include <optional>
#include <string>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using crypto::VerifiedRecord;
using test::at;

const NodeId kOwner(1, 1, 1);

/// Quotas aside: what is kept under a key, till when it is served and till when it is remembered.
class LastWriterMap {
 public:
  explicit LastWriterMap(crypto::Suite& suite) : suite_(&suite) {}

  ErrorCode put(Instant now, const wire::Record& record, Deliverer by) {
    forget(now);
    const Duration life = std::chrono::milliseconds(
        record.legacy ? record.left_ms : std::min(record.left_ms, record.ttl_ms));
    const auto known = entries_.find(record.key);
    if (known == entries_.end()) {
      if (life <= 0s) return ErrorCode::invalid_request;
      entries_[record.key] = {record, now + life, now + life + grace_of(record), {}};
      return ErrorCode::none;
    }
    Entry& entry = known->second;
    if (is_same(record, entry.record)) {
      entry.ends = std::max(entry.ends, now + life);
      if (life > 0s) {
        entry.forgotten = std::max(entry.ends + grace_of(record), entry.forgotten_min);
      }
      return ErrorCode::none;
    }
    if (!wins(record, entry.record, by)) return ErrorCode::outdated;
    const Instant before = entry.forgotten;
    entry = {record, now + life, std::max(now + life + grace_of(record), before), before};
    return ErrorCode::none;
  }
  std::optional<wire::Record> find(Instant now, const std::string& key) const {
    const auto known = entries_.find(key);
    if (known == entries_.end() || known->second.ends <= now) return std::nullopt;
    return known->second.record;
  }
  std::size_t size(Instant now) {
    forget(now);
    return entries_.size();
  }

 private:
  struct Entry {
    wire::Record record;
    Instant ends{};
    Instant forgotten{};
    Instant forgotten_min{};
  };

  static Duration grace_of(const wire::Record& record) {
    return record.legacy ? Duration(24h) : Duration(std::chrono::milliseconds(record.ttl_ms));
  }
  wire::RecordDigest digest(const wire::Record& record) const {
    return crypto::record_digest(*suite_, "main", record);
  }
  bool is_same(const wire::Record& left, const wire::Record& right) const {
    return left.legacy == right.legacy && digest(left) == digest(right);
  }
  bool wins(const wire::Record& record, const wire::Record& kept, Deliverer by) const {
    if (record.legacy != kept.legacy) return kept.legacy;
    if (record.legacy && by == Deliverer::old_peer) return true;
    if (record.version != kept.version) return record.version > kept.version;
    return digest(record) > digest(kept);
  }
  void forget(Instant now) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.forgotten <= now; });
  }

  crypto::Suite* suite_;
  std::map<std::string, Entry> entries_;
};

/// A store and its model, which must agree after every step.
struct Pair {
  explicit Pair(crypto::Suite& suite) : store(kOwner, "main", {}, suite), model(suite) {}

  void put(Instant now, const wire::Record& record, Deliverer by) {
    const auto kept = store.put(now, VerifiedRecord::vouch_for(record), {.by = by});
    REQUIRE((kept ? ErrorCode::none : kept.error()) == model.put(now, record, by));
  }
  void check(Instant now) {
    store.on_deadline(now);
    for (int number = 0; number < kKeys; ++number) {
      const std::string key = "k" + std::to_string(number);
      const Replica* kept = store.find(now, key);
      const auto expected = model.find(now, key);
      REQUIRE((kept != nullptr) == expected.has_value());
      if (kept != nullptr) REQUIRE(kept->record == *expected);
    }
    REQUIRE(store.stats().records == model.size(now));
  }
  /// Everything it knows, as it is told to others.
  std::vector<wire::Record> all(Instant now) const {
    std::vector<wire::Record> records;
    store.visit_range({}, NodeId(~0ull, ~0ull, ~0u), [&](const Replica& replica) {
      records.push_back(replica.told(now));
      return true;
    });
    return records;
  }

  static constexpr int kKeys = 5;
  RecordStore store;
  LastWriterMap model;
};

wire::Record some_record(Rng& rng) {
  const std::string key = "k" + std::to_string(rng.below(Pair::kKeys));
  const std::uint64_t version = rng.below(6);
  const std::uint64_t ttl_ms = 1000 * (1 + rng.below(60));
  const std::uint64_t left_ms = rng.below(ttl_ms + 1);
  const test::Life life{.ttl_ms = ttl_ms, .left_ms = left_ms};
  switch (rng.below(5)) {
    case 0:
      return test::tombstone_of(key, version, life);
    case 1:
      return test::old_record(key, std::to_string(version), 1 + left_ms);
    default:
      return test::record_of(key, {static_cast<std::uint8_t>(rng.below(3))}, version, life);
  }
}

}  // namespace

TEST_CASE("In 10000 histories the store does what a last-writer map does, and two merge alike") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    crypto::Suite suite(seed);
    Pair left(suite);
    Pair right(suite);
    Instant now = at(1s);
    std::vector<wire::Record> seen;
    for (int step = 0; step < 40; ++step) {
      now += std::chrono::milliseconds(rng.below(8000));
      Pair& one = rng.chance(1, 2) ? left : right;
      if (rng.chance(1, 4) && !seen.empty()) {  // a refresh, perhaps of something long replaced
        wire::Record again = seen[rng.below(seen.size())];
        if (!again.legacy) again.left_ms = again.ttl_ms;
        one.put(now, again, Deliverer::peer);
      } else {
        seen.push_back(some_record(rng));
        one.put(now, seen.back(), seen.back().legacy ? Deliverer::old_peer : Deliverer::peer);
      }
      one.check(now);
    }
    // The cut heals: each tells the other all it knows. Once, or twice, or in whatever order.
    left.check(now);
    right.check(now);
    const auto from_left = left.all(now);
    const auto from_right = right.all(now);
    for (const wire::Record& record : from_left) right.put(now, record, Deliverer::peer);
    for (std::size_t count = from_right.size(); count-- > 0;) {
      left.put(now, from_right[count], Deliverer::peer);
    }
    if (rng.chance(1, 2)) {
      for (const wire::Record& record : from_left) right.put(now, record, Deliverer::peer);
    }
    left.check(now);
    right.check(now);
    for (int number = 0; number < Pair::kKeys; ++number) {
      const std::string key = "k" + std::to_string(number);
      const Replica* here = left.store.find(now, key);
      const Replica* there = right.store.find(now, key);
      REQUIRE((here != nullptr) == (there != nullptr));
      if (here != nullptr) REQUIRE(here->digest == there->digest);
      if (here != nullptr) REQUIRE(here->left_ms(now) == there->left_ms(now));
    }
  }
}

}  // namespace trestle::dht
