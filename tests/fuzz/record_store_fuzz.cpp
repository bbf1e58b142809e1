// F8, F9: signed records in any number, order and shape, in two stores that hear of the same ones
// in opposite order. Quotas and lives hold in each, and both end up with the same under every key.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/record_store.hpp"

namespace trestle::fuzz {
namespace {

using namespace dht;

constexpr std::string_view kNetwork = "main";
const NodeId kOwner(9, 9, 9);

RecordStoreOptions small() {
  RecordStoreOptions options;
  options.value_bytes_max = 64;
  options.key_bytes_max = 48;
  options.ttl_max = std::chrono::hours(1);
  return options;
}

/// One store with its disk, which may fail.
class Shelf {
 public:
  Shelf(crypto::Suite& suite, const RecordStoreOptions& options)
      : options_(options), store_(kOwner, std::string(kNetwork), options, suite) {
    store_.on_wall_clock({Instant{}, WallTime(std::chrono::milliseconds(1'795'000'000'000))});
  }

  Result<Kept, ErrorCode> put(Instant now, const wire::Record& record) {
    const RecordStoreStats before = store_.stats();
    const auto kept = store_.put(now, crypto::VerifiedRecord::vouch_for(record),
                                 {.by = record.legacy ? Deliverer::old_peer : Deliverer::peer,
                                  .from = NodeId(1, 0, record.author[0])});
    const RecordStoreStats after = store_.stats();
    MUST_HOLD(after.accepted + after.refused == before.accepted + before.refused + 1);
    if (kept) {
      const Replica* found = store_.find(now, record.key);
      // One without life may put an end to an older one, and nothing else.
      MUST_HOLD((found != nullptr && found->left_ms(now) > 0) || record.left_ms == 0 ||
                (!record.legacy && record.ttl_ms == 0));
      if (found != nullptr) MUST_HOLD(found->ends - now <= options_.ttl_max);
      MUST_HOLD(record.key.size() <= options_.key_bytes_max);
      MUST_HOLD(record.value.size() <= options_.value_bytes_max);
    }
    drain(ErrorCode::none);
    return kept;
  }
  void pass(Instant now) {
    for (int turns = 0; store_.next_deadline() <= now; ++turns) {
      MUST_HOLD(turns < 1000);
      store_.on_deadline(now);
    }
    drain(ErrorCode::none);
  }
  void drain(ErrorCode code) {
    while (auto order = store_.poll_effect()) {
      MUST_HOLD(order->ticket.value == ++last_order_);
      store_.on_persisted(order->ticket, code);
    }
  }
  RecordStore& operator*() { return store_; }
  RecordStore* operator->() { return &store_; }

 private:
  RecordStoreOptions options_;
  RecordStore store_;
  std::uint64_t last_order_ = 0;
};

wire::Record record(Input& input) {
  wire::Record made;
  const std::uint8_t shape = input.byte();
  made.key = std::string(1, static_cast<char>('a' + (shape & 3)));
  if ((shape & 4) != 0) made.key = std::string(as_text(input.take(input.below(64))));
  if ((shape & 12) == 12) made.key = "@" + NodeId(0, 0, input.byte()).to_hex() + made.key;
  made.kind = (shape & 16) != 0 ? wire::RecordKind::tombstone : wire::RecordKind::value;
  made.legacy = (shape & 32) != 0;
  made.value = to_bytes(input.take(input.below(80)));
  made.ttl_ms = (shape & 64) != 0 ? input.number(8) : 60'000;
  made.left_ms = (shape & 128) != 0 ? input.number(8) : made.ttl_ms;
  if (!made.legacy) {
    made.version = input.number((shape & 64) != 0 ? 8 : 1);
    made.author[0] = static_cast<std::uint8_t>(input.below(4));
  }
  return made;
}

/// Two records of one digest say the same; two transcripts never run into each other.
void check_digests(crypto::Suite& suite, const std::vector<wire::Record>& records) {
  std::map<wire::RecordDigest, const wire::Record*> known;
  for (const wire::Record& one : records) {
    const auto [place, is_new] =
        known.try_emplace(crypto::record_digest(suite, kNetwork, one), &one);
    if (is_new) continue;
    const wire::Record& other = *place->second;
    MUST_HOLD(one.key == other.key && one.value == other.value && one.legacy == other.legacy);
    if (one.legacy) continue;
    MUST_HOLD(one.version == other.version && one.author == other.author);
    MUST_HOLD(one.kind == other.kind && one.ttl_ms == other.ttl_ms);
  }
}

}  // namespace

TRESTLE_FUZZ_TARGET(record_store) {
  Input decisions(input);
  crypto::Suite suite(1);
  const RecordStoreOptions options = small();
  Shelf first(suite, options);
  Shelf second(suite, options);
  std::vector<wire::Record> records;
  Instant now{};
  bool is_equal = decisions.flag();
  for (int steps = 0; steps < 100 && !decisions.is_over(); ++steps) {
    const std::size_t kind = decisions.below(8);
    if (kind < 6) {
      records.push_back(record(decisions));
      if (is_equal) {  // What has no life ends what it meets, so that the order would matter.
        wire::Record& latest = records.back();
        latest.left_ms = std::max<std::uint64_t>(latest.left_ms, 1);
        latest.ttl_ms = std::max<std::uint64_t>(latest.ttl_ms, 1);
      }
      first.put(now, records.back());
    } else if (kind == 6 && !is_equal) {
      now = after(now, std::chrono::milliseconds(decisions.number(4)));
      first.pass(now);
    } else if (!is_equal) {
      const NodeId place = crypto::place_of_key(suite, "a");
      wire::RecordDigest digest{};
      if (const Replica* kept = first->find_by_place(place)) digest = kept->digest;
      const auto kept = first->prolong(now, place, digest, decisions.number(8));
      if (kept) MUST_HOLD(first->find_by_place(place)->is_alive(now));
      first.drain(decisions.byte() == 0 ? ErrorCode::storage_failed : ErrorCode::none);
    }
    const RecordStoreStats stats = first->stats();
    MUST_HOLD(stats.records == first->size() && stats.tombstones <= stats.records);
  }
  check_digests(suite, records);
  if (!is_equal) return;
  // At one moment and within the quotas the order does not matter.
  std::ranges::reverse(records);
  for (const wire::Record& one : records) second.put(now, one);
  const std::set<std::string> keys = [&] {
    std::set<std::string> found;
    for (const wire::Record& one : records) {
      if (!one.legacy) found.insert(one.key);
      if (one.legacy) is_equal = false;  // Those have no version: the last one counts.
    }
    return found;
  }();
  for (const std::string& key : keys) {
    const Replica* left = first->find(now, key);
    const Replica* right = second->find(now, key);
    if (!is_equal) continue;
    MUST_HOLD((left == nullptr) == (right == nullptr));
    if (left != nullptr) MUST_HOLD(left->digest == right->digest);
  }
}

}  // namespace trestle::fuzz
