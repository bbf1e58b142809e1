#include "trestle/dht/record_store.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity.hpp"

namespace trestle::dht {
namespace {

/// Larger than any life a store grants, small enough to add.
constexpr std::uint64_t kLifeMsMax = std::uint64_t{365} * 24 * 3600 * 1000;

Duration milliseconds(std::uint64_t count) {
  return std::chrono::milliseconds(std::min(count, kLifeMsMax));
}

}  // namespace

// ---- a replica

std::uint64_t Replica::left_ms(Instant now) const {
  if (!is_alive(now)) return 0;
  // Rounded up: a record that lives never travels as one that has ended.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends - now);
  return static_cast<std::uint64_t>(left.count());
}

wire::Record Replica::told(Instant now) const {
  wire::Record told = record;
  told.left_ms = left_ms(now);
  return told;
}

// ---- commands

RecordStore::RecordStore(const NodeId& owner, std::string network,
                         const RecordStoreOptions& options, crypto::Suite& suite)
    : owner_(owner),
      network_(std::move(network)),
      options_(options),
      suite_(&suite),
      quotas_(owner, options.quotas) {
  TRESTLE_ASSERT(options.unwritten_divisor >= 1);
}

void RecordStore::restore(Instant now, std::vector<StoredRecord> records) {
  for (StoredRecord& stored : records) {
    const NodeId place = crypto::place_of_key(*suite_, stored.record.key);
    if (slot_by_place_.contains(place)) continue;
    const Duration life = milliseconds(stored.record.left_ms);
    const Duration over = milliseconds(stored.over_ms);
    const bool is_in_grace = life <= Duration::zero();
    if (is_in_grace && over >= granted_life(stored.record.ttl_ms)) {
      order(EraseRecord{std::move(stored.record.key)});
      continue;
    }
    Replica replica{.record = std::move(stored.record),
                    .place = place,
                    .charged_to = stored.charged_to,
                    .own = stored.own,
                    .received = now,
                    .refreshed = now};
    replica.digest = crypto::record_digest(*suite_, network_, replica.record);
    const Slot slot = vacant_slot();
    slot_by_place_.emplace(place, slot);
    Entry& entry = slots_[slot];
    entry.replica = std::move(replica);
    entry.in_grace = is_in_grace;
    if (entry.replica.is_tombstone()) ++stats_.tombstones;
    quotas_.book(charge(entry));
    set_life(now, slot, is_in_grace ? now - over : after(now, life));
    entry.written_ends = entry.replica.ends;
  }
}

Result<Kept, ErrorCode> RecordStore::put(Instant now, const crypto::VerifiedRecord& verified,
                                         const Delivery& delivery) {
  on_deadline(now);
  const wire::Record& record = *verified;
  const auto refused = [this](ErrorCode code) {
    ++stats_.refused;
    if (code == ErrorCode::outdated) ++stats_.outdated;
    return refuse(code);
  };
  if (const auto code = senseless(now, record)) return refused(*code);
  if (read_only_) return refused(ErrorCode::storage_failed);
  Replica replica{.record = {},
                  .place = crypto::place_of_key(*suite_, record.key),
                  .digest = crypto::record_digest(*suite_, network_, record),
                  .group = delivery.group,
                  .own = delivery.by == Deliverer::ourselves,
                  .received = now,
                  .refreshed = now};
  replica.charged_to = record.legacy ? delivery.from : crypto::node_id_of(*suite_, record.author);
  const auto known = slot_by_place_.find(replica.place);
  const Duration life = life_of(record);
  if (known != slot_by_place_.end()) {
    const Replica& kept = slots_[known->second].replica;
    // Two texts of one SHA-1: the first one has the place.
    if (kept.record.key != record.key) return refused(ErrorCode::refused);
    const Standing stands = standing(record, replica.digest, kept, delivery);
    if (stands == Standing::older) return refused(ErrorCode::outdated);
    if (stands == Standing::equal) {
      if (life > Duration::zero() && !wake(now, known->second)) {
        return refused(ErrorCode::store_full);
      }
      slots_[known->second].replica.own |= replica.own;
      ++stats_.accepted;
      return refresh(now, known->second, life);
    }
  }
  if (known == slot_by_place_.end() && life <= Duration::zero()) {
    return refused(ErrorCode::invalid_request);
  }
  replica.record = record;
  replica.ends = after(now, life);
  const std::optional<Slot> old =
      known == slot_by_place_.end() ? std::nullopt : std::optional(known->second);
  if (old) replica.forgotten_min = slots_[*old].replica.forgotten;
  if (!make_room(charge(replica, life > Duration::zero()), old)) {
    return refused(ErrorCode::store_full);
  }
  ++stats_.accepted;
  return write(now, old, std::move(replica));
}

Result<Kept, ErrorCode> RecordStore::prolong(Instant now, const NodeId& place,
                                             const wire::RecordDigest& digest,
                                             std::uint64_t left_ms) {
  on_deadline(now);
  const auto known = slot_by_place_.find(place);
  if (known == slot_by_place_.end()) return refuse(ErrorCode::not_found);
  Replica& kept = slots_[known->second].replica;
  if (kept.digest != digest) return refuse(ErrorCode::not_found);
  const std::uint64_t bound = kept.record.legacy ? kLifeMsMax : kept.record.ttl_ms;
  const Duration life = std::min(milliseconds(std::min(left_ms, bound)), options_.ttl_max);
  // Its author may have given it none, only to end an older one: nothing wakes it.
  if (life <= Duration::zero()) return refuse(ErrorCode::invalid_request);
  if (read_only_) return refuse(ErrorCode::storage_failed);
  if (!wake(now, known->second)) return refuse(ErrorCode::store_full);
  return refresh(now, known->second, life);
}

/// What no store should keep.
std::optional<ErrorCode> RecordStore::senseless(Instant now, const wire::Record& record) const {
  if (record.key.empty() || record.key.size() > options_.key_bytes_max) {
    return ErrorCode::invalid_request;
  }
  if (record.value.size() > options_.value_bytes_max) return ErrorCode::too_large;
  const bool is_tombstone = record.kind == wire::RecordKind::tombstone;
  if (is_tombstone && !record.value.empty()) return ErrorCode::invalid_request;
  if (record.legacy && record.kind != wire::RecordKind::value) return ErrorCode::invalid_request;
  if (!crypto::may_write(*suite_, record)) return ErrorCode::unauthorized;
  if (record.legacy || !calendar_) return std::nullopt;
  const auto ahead_max =
      std::chrono::floor<std::chrono::milliseconds>(options_.version_ahead_max).count();
  const auto latest = calendar_->at(now).time_since_epoch().count() + ahead_max;
  if (latest < 0 || record.version > static_cast<std::uint64_t>(latest)) {
    return ErrorCode::invalid_request;
  }
  return std::nullopt;
}

Duration RecordStore::life_of(const wire::Record& record) const {
  const std::uint64_t left =
      record.legacy ? record.left_ms : std::min(record.left_ms, record.ttl_ms);
  return std::min(milliseconds(left), options_.ttl_max);
}

Duration RecordStore::granted_life(std::uint64_t ttl_ms) const {
  return std::min(milliseconds(whole_life_ms(ttl_ms)), options_.ttl_max);
}

/// How a record compares with what is kept under its key. In the old dialect the last word counts;
/// between copies of two such values only the digest can decide.
RecordStore::Standing RecordStore::standing(const wire::Record& record,
                                            const wire::RecordDigest& digest, const Replica& kept,
                                            const Delivery& delivery) const {
  if (record.legacy != kept.record.legacy) {
    return record.legacy ? Standing::older : Standing::newer;
  }
  if (digest == kept.digest) return Standing::equal;
  if (record.legacy && delivery.by == Deliverer::old_peer) return Standing::newer;
  if (record.version != kept.record.version) {
    return record.version > kept.record.version ? Standing::newer : Standing::older;
  }
  return digest > kept.digest ? Standing::newer : Standing::older;
}

/// A record in its grace that is shown to live takes its share again; false if that is full.
bool RecordStore::wake(Instant now, Slot slot) {
  Entry& entry = slots_[slot];
  if (entry.replica.is_alive(now)) return true;
  const QuotaCharge asleep = charge(entry);
  QuotaCharge awake = asleep;
  awake.takes_share = true;
  if (quotas_.judge(awake, &asleep) != RecordQuotas::Verdict::fits) return false;
  quotas_.unbook(asleep);
  quotas_.book(awake);
  entry.in_grace = false;
  return true;
}

Kept RecordStore::refresh(Instant now, Slot slot, Duration life) {
  Entry& entry = slots_[slot];
  entry.replica.refreshed = now;
  if (life > Duration::zero()) {
    set_life(now, slot, std::max(entry.replica.ends, after(now, life)));
  }
  const Duration unwritten_max =
      std::min(options_.unwritten_max,
               granted_life(entry.replica.record.ttl_ms) / options_.unwritten_divisor);
  if (entry.is_unwritten || entry.replica.ends - entry.written_ends > unwritten_max) {
    // While an order is open nobody knows whether there is anything to be prolonged, or what.
    const bool is_certain = !entry.is_unwritten && !entry.open_order;
    const std::uint64_t left_ms = entry.replica.left_ms(now);
    write_out(slot, is_certain ? StorageChange(ProlongRecord{entry.replica.record.key, left_ms})
                               : StorageChange(written_form(now, entry.replica)));
  }
  return {.outcome = wire::StoreOutcome::refreshed, .awaits = entry.open_order};
}

Kept RecordStore::write(Instant now, std::optional<Slot> old, Replica&& replica) {
  const Slot slot = old ? *old : vacant_slot();
  Entry& entry = slots_[slot];
  if (old) {
    quotas_.unbook(charge(entry));
    if (entry.replica.is_tombstone()) --stats_.tombstones;
  } else {
    slot_by_place_.emplace(replica.place, slot);
  }
  const Instant ends = replica.ends;
  entry.replica = std::move(replica);
  entry.in_grace = ends <= now;
  if (entry.replica.is_tombstone()) ++stats_.tombstones;
  quotas_.book(charge(entry));
  set_life(now, slot, ends);
  write_out(slot, written_form(now, entry.replica));
  return {.outcome = wire::StoreOutcome::stored, .awaits = entry.open_order};
}

/// Whoever has outlived its life goes, the longest dead first, before anybody is refused.
bool RecordStore::make_room(const QuotaCharge& wanted, std::optional<Slot> replaced) {
  std::optional<QuotaCharge> freed;
  if (replaced) freed = charge(slots_[*replaced]);
  bool spared = false;
  RecordQuotas::Verdict verdict{};
  while ((verdict = quotas_.judge(wanted, freed ? &*freed : nullptr)) ==
         RecordQuotas::Verdict::store_full) {
    const auto slot = graces_.pop_due(kNever - Duration(1));
    if (!slot) break;
    if (slot == replaced) {
      spared = true;
      continue;
    }
    ++stats_.crowded_out;
    forget(*slot);
  }
  if (spared) graces_.set(*replaced, slots_[*replaced].replica.forgotten);
  return verdict == RecordQuotas::Verdict::fits;
}

QuotaCharge RecordStore::charge(const Replica& replica, bool takes_share) const {
  return {.source = replica.charged_to,
          .group = replica.group,
          .bytes = replica.record.key.size() + replica.record.value.size() +
                   options_.quotas.record_overhead_bytes,
          .takes_share = takes_share};
}

// ---- the disk

StorageTicket RecordStore::order(StorageChange change) {
  const StorageTicket ticket{++last_ticket_};
  outbox_.push(Persist{ticket, std::move(change)});
  return ticket;
}

WriteRecord RecordStore::written_form(Instant now, const Replica& replica) {
  return {{replica.told(now), replica.charged_to, replica.own}};
}

void RecordStore::write_out(Slot slot, StorageChange change) {
  Entry& entry = slots_[slot];
  entry.is_unwritten = false;
  entry.written_ends = entry.replica.ends;
  entry.open_order = order(std::move(change));
  open_orders_[*entry.open_order] = slot;
}

void RecordStore::on_persisted(StorageTicket ticket, ErrorCode code) {
  if (code == ErrorCode::storage_failed) read_only_ = true;
  if (code != ErrorCode::none) ++stats_.writes_failed;
  const auto open = open_orders_.find(ticket);
  if (open == open_orders_.end()) return;
  Entry& entry = slots_[open->second];
  if (code != ErrorCode::none) entry.is_unwritten = true;
  if (entry.open_order == ticket) entry.open_order.reset();
  open_orders_.erase(open);
}

// ---- time

Instant RecordStore::next_deadline() const { return std::min(lives_.next(), graces_.next()); }

void RecordStore::on_deadline(Instant now) {
  while (const auto slot = lives_.pop_due(now)) {
    Entry& entry = slots_[*slot];
    quotas_.unbook(charge(entry));
    entry.in_grace = true;
    quotas_.book(charge(entry));
    graces_.set(*slot, entry.replica.forgotten);
    ++stats_.ended;
  }
  while (const auto slot = graces_.pop_due(now)) forget(*slot);
}

void RecordStore::set_life(Instant now, Slot slot, Instant ends) {
  Replica& replica = slots_[slot].replica;
  replica.ends = ends;
  replica.forgotten =
      std::max(after(ends, granted_life(replica.record.ttl_ms)), replica.forgotten_min);
  if (replica.is_alive(now)) {
    graces_.erase(slot);
    lives_.set(slot, ends);
  } else {
    lives_.erase(slot);
    graces_.set(slot, replica.forgotten);
  }
}

RecordStore::Slot RecordStore::vacant_slot() {
  if (vacant_.empty()) {
    slots_.emplace_back();
    return static_cast<Slot>(slots_.size() - 1);
  }
  const Slot slot = vacant_.back();
  vacant_.pop_back();
  return slot;
}

void RecordStore::forget(Slot slot) {
  Entry& entry = slots_[slot];
  quotas_.unbook(charge(entry));
  if (entry.replica.is_tombstone()) --stats_.tombstones;
  if (entry.open_order) open_orders_.erase(*entry.open_order);
  slot_by_place_.erase(entry.replica.place);
  if (!read_only_) order(EraseRecord{std::move(entry.replica.record.key)});
  entry = Entry{};
  vacant_.push_back(slot);
}

// ---- look

const Replica* RecordStore::find(Instant now, std::string_view key) const {
  const Replica* kept = find_by_place(crypto::place_of_key(*suite_, key));
  return kept != nullptr && kept->is_alive(now) && kept->record.key == key ? kept : nullptr;
}

const Replica* RecordStore::find_by_place(const NodeId& place) const {
  const auto known = slot_by_place_.find(place);
  return known == slot_by_place_.end() ? nullptr : &slots_[known->second].replica;
}

RecordStoreStats RecordStore::stats() const {
  RecordStoreStats stats = stats_;
  stats.records = slot_by_place_.size();
  stats.bytes = quotas_.bytes();
  stats.sources = quotas_.sources();
  return stats;
}

}  // namespace trestle::dht
