#include "trestle/dht/record_store.hpp"

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;

const NodeId kOwner(1, 1, 1);
const NodeId kPeer(2, 2, 2);
const NodeId kOther(3, 3, 3);

wire::Record record(const std::string& key, std::size_t bytes = 10, std::uint64_t ttl_ms = 60'000) {
  return {.key = key, .value = Bytes(bytes, 7), .ttl_ms = ttl_ms, .legacy = false};
}

}  // namespace

TEST_CASE("A record is found until its time is over, with what is left of it") {
  RecordStore store(kOwner, {});
  CHECK(store.put(at(0s), kPeer, record("key")) == Kept::added);
  const auto found = store.find(at(20s), "key");
  REQUIRE(found);
  CHECK(found->value == Bytes(10, 7));
  CHECK(found->ttl_ms == 40'000);
  CHECK(store.find(at(60s) - 1us, "key")->ttl_ms == 1);
  CHECK_FALSE(store.find(at(60s), "key"));
  CHECK_FALSE(store.find(at(0s), "other"));
  CHECK(store.next_deadline() == at(60s));
  store.on_deadline(at(59s));
  CHECK(store.stats().records == 1);
  store.on_deadline(at(60s));
  CHECK(store.stats().records == 0);
  CHECK(store.stats().bytes == 0);
  CHECK(store.stats().sources == 0);
  CHECK(store.stats().expired == 1);
  CHECK(store.next_deadline() == kNever);
}

TEST_CASE("Time to live: a day if none is stated, thirty days at most") {
  const RecordStore store(kOwner, {});
  CHECK(store.granted_ttl(0) == 24h);
  CHECK(store.granted_ttl(1) == 1ms);
  CHECK(store.granted_ttl(30ull * 24 * 3600 * 1000) == std::chrono::days(30));
  CHECK(store.granted_ttl(30ull * 24 * 3600 * 1000 + 1) == std::chrono::days(30));
  CHECK(store.granted_ttl(~0ull) == std::chrono::days(30));
}

TEST_CASE(
    "The same value again prolongs a record and never shortens it; another value replaces it") {
  RecordStore store(kOwner, {});
  CHECK(store.put(at(0s), kPeer, record("key")) == Kept::added);
  CHECK(store.put(at(10s), kOther, record("key", 10, 1000)) == Kept::refreshed);
  CHECK(store.find(at(10s), "key")->ttl_ms == 50'000);
  CHECK(store.put(at(10s), kOther, record("key")) == Kept::refreshed);
  CHECK(store.find(at(10s), "key")->ttl_ms == 60'000);
  CHECK(store.put(at(20s), kOther, record("key", 11, 1000)) == Kept::replaced);
  CHECK(store.find(at(20s), "key")->ttl_ms == 1000);
  CHECK(store.stats().records == 1);
}

TEST_CASE("A record of the old dialect passes through untouched") {
  RecordStore store(kOwner, {});
  wire::Record legacy{
      .key = "k", .value = to_bytes(as_bytes(R"({"b": 1})")), .ttl_ms = 0, .legacy = true};
  REQUIRE(store.put(at(0s), kPeer, legacy));
  const auto found = store.find(at(0s), "k");
  REQUIRE(found);
  CHECK(found->value == legacy.value);
  CHECK(found->legacy);
  CHECK(found->ttl_ms == 86'400'000);
}

TEST_CASE("Senseless keys and oversized values are refused") {
  RecordStore store(kOwner, {});
  CHECK(store.put(at(0s), kPeer, record("")) == refuse(ErrorCode::invalid_request));
  CHECK(store.put(at(0s), kPeer, record(std::string(1025, 'k'))) ==
        refuse(ErrorCode::invalid_request));
  CHECK(store.put(at(0s), kPeer, record("key", 10 * 1024 + 1)) == refuse(ErrorCode::too_large));
  CHECK(store.put(at(0s), kPeer, record(std::string(1024, 'k'), 10 * 1024)) == Kept::added);
  CHECK(store.stats().refused == 3);
}

TEST_CASE("One source keeps a thousand records or four megabytes; ourselves as much as fits") {
  RecordStore store(kOwner, {});
  for (int count = 0; count < 1000; ++count) {
    REQUIRE(store.put(at(0s), kPeer, record("a" + std::to_string(count))));
  }
  CHECK(store.put(at(0s), kPeer, record("one more")) == refuse(ErrorCode::store_full));
  CHECK(store.put(at(0s), kOther, record("one more")) == Kept::added);
  CHECK(store.put(at(0s), kPeer, record("a1", 20)) == Kept::replaced);
  for (int count = 0; count < 1200; ++count) {
    REQUIRE(store.put(at(0s), kOwner, record("b" + std::to_string(count))));
  }
  RecordStore bytes(kOwner, {});
  std::size_t kept = 0;
  while (bytes.put(at(0s), kPeer, record("c" + std::to_string(kept), 10 * 1024))) ++kept;
  CHECK(kept > 380);
  CHECK(kept * 10 * 1024 <= 4 * 1024 * 1024);
}

TEST_CASE("A full store refuses; nothing is dropped before its time") {
  RecordStoreOptions options;
  options.records_max = 10;
  RecordStore store(kOwner, options);
  for (int count = 0; count < 10; ++count) {
    REQUIRE(store.put(at(0s), kPeer, record(std::to_string(count))));
  }
  CHECK(store.put(at(59s), kOther, record("late")) == refuse(ErrorCode::store_full));
  CHECK(store.put(at(59s), kOwner, record("late")) == refuse(ErrorCode::store_full));
  for (int count = 0; count < 10; ++count) CHECK(store.find(at(59s), std::to_string(count)));
  CHECK(store.put(at(60s), kOther, record("late")) == Kept::added);

  options = {};
  options.bytes_max = 1000;
  options.record_overhead_bytes = 0;
  RecordStore small(kOwner, options);
  CHECK(small.put(at(0s), kPeer, record("a", 900)) == Kept::added);
  CHECK(small.put(at(0s), kOther, record("b", 100)) == refuse(ErrorCode::store_full));
  CHECK(small.put(at(0s), kOther, record("a", 100)) == Kept::replaced);
  CHECK(small.put(at(0s), kPeer, record("b", 800)) == Kept::added);
}

TEST_CASE("Counts and quotas agree with a plain model over random actions") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    RecordStoreOptions options;
    options.records_max = 30;
    options.bytes_max = 12'000;
    options.records_per_source_max = 10;
    options.bytes_per_source_max = 4'000;
    RecordStore store(kOwner, options);
    struct Model {
      Bytes value;
      NodeId source;
      Instant expires;
    };
    std::map<std::string, Model> model;
    Instant now = at(1s);
    const std::vector<NodeId> sources = {kOwner, kPeer, kOther, NodeId(4, 4, 4), NodeId(5, 5, 5)};
    const auto size_of = [&](const std::string& key, const Bytes& value) {
      return key.size() + value.size() + options.record_overhead_bytes;
    };
    for (int step = 0; step < 1000; ++step) {
      now += std::chrono::milliseconds(rng.below(2000));
      std::erase_if(model, [&](const auto& entry) { return entry.second.expires <= now; });
      const std::string key = "k" + std::to_string(rng.below(60));
      const NodeId source = sources[rng.below(sources.size())];
      const std::size_t size = rng.below(4) * 150;
      const std::uint64_t ttl_ms = 1 + rng.below(60'000);
      const auto kept = store.put(now, source, record(key, size, ttl_ms));
      const Instant expires = now + std::chrono::milliseconds(ttl_ms);
      const auto known = model.find(key);
      if (known != model.end() && known->second.value.size() == size) {
        REQUIRE(kept == Kept::refreshed);
        known->second.expires = std::max(known->second.expires, expires);
      } else {
        std::size_t records = 1;
        std::size_t bytes = size_of(key, Bytes(size));
        std::size_t own_records = 1;
        std::size_t own_bytes = bytes;
        for (const auto& [other, entry] : model) {
          if (other == key) continue;
          ++records;
          bytes += size_of(other, entry.value);
          if (entry.source != source) continue;
          ++own_records;
          own_bytes += size_of(other, entry.value);
        }
        const bool fits = records <= 30 && bytes <= 12'000 &&
                          (source == kOwner || (own_records <= 10 && own_bytes <= 4'000));
        REQUIRE(kept.has_value() == fits);
        if (fits) model[key] = {Bytes(size, 7), source, expires};
        if (fits) REQUIRE(store.stats().bytes == bytes);
      }
      REQUIRE(store.stats().records == model.size());
      Instant next = kNever;
      for (const auto& [other, entry] : model) next = std::min(next, entry.expires);
      REQUIRE(store.next_deadline() == next);
    }
  }
}

}  // namespace trestle::dht
