#include "trestle/dht/record_store.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

RecordStore::RecordStore(const NodeId& owner, const RecordStoreOptions& options)
    : owner_(owner), options_(options) {}

Result<Kept, ErrorCode> RecordStore::put(Instant now, const NodeId& source,
                                         const wire::Record& record) {
  on_deadline(now);
  if (record.key.empty() || record.key.size() > options_.key_bytes_max) {
    ++refused_;
    return refuse(ErrorCode::invalid_request);
  }
  if (record.value.size() > options_.value_bytes_max) {
    ++refused_;
    return refuse(ErrorCode::too_large);
  }
  const auto known = slot_by_key_.find(std::string_view(record.key));
  Entry* old = known == slot_by_key_.end() ? nullptr : &slots_[known->second];
  Instant expires = after(now, granted_ttl(record.ttl_ms));
  const bool same =
      old != nullptr && old->record.value == record.value && old->record.legacy == record.legacy;
  if (same) {
    old->expires = std::max(old->expires, expires);
    expiries_.set(known->second, old->expires);
    ++accepted_;
    return Kept::refreshed;
  }
  const std::size_t bytes = charge(record);
  if (!fits(source, bytes, old)) {
    ++refused_;
    return refuse(ErrorCode::store_full);
  }
  Slot slot = 0;
  if (old != nullptr) {
    slot = known->second;
    unbook(old->source, charge(old->record));
  } else {
    slot = vacant_slot();
    slot_by_key_.emplace(record.key, slot);
  }
  slots_[slot] = Entry{.record = record, .source = source, .expires = expires};
  book(source, bytes);
  expiries_.set(slot, expires);
  ++accepted_;
  return old != nullptr ? Kept::replaced : Kept::added;
}

std::optional<wire::Record> RecordStore::find(Instant now, std::string_view key) const {
  const auto known = slot_by_key_.find(key);
  if (known == slot_by_key_.end()) return std::nullopt;
  const Entry& entry = slots_[known->second];
  if (entry.expires <= now) return std::nullopt;
  wire::Record record = entry.record;
  // Rounded up: a record that still lives never travels as "no time stated".
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(entry.expires - now);
  record.ttl_ms = static_cast<std::uint64_t>(left.count());
  return record;
}

void RecordStore::on_deadline(Instant now) {
  while (const auto slot = expiries_.pop_due(now)) {
    drop(*slot);
    ++expired_;
  }
}

Duration RecordStore::granted_ttl(std::uint64_t ttl_ms) const {
  if (ttl_ms == 0) return options_.ttl_default;
  const auto max = std::chrono::floor<std::chrono::milliseconds>(options_.ttl_max);
  if (ttl_ms >= static_cast<std::uint64_t>(max.count())) return options_.ttl_max;
  return std::chrono::milliseconds(ttl_ms);
}

RecordStoreStats RecordStore::stats() const {
  return {.records = slot_by_key_.size(),
          .bytes = bytes_,
          .sources = usage_.size(),
          .accepted = accepted_,
          .refused = refused_,
          .expired = expired_};
}

std::size_t RecordStore::charge(const wire::Record& record) const {
  return record.key.size() + record.value.size() + options_.record_overhead_bytes;
}

bool RecordStore::fits(const NodeId& source, std::size_t bytes, const Entry* replaced) const {
  const std::size_t freed = replaced != nullptr ? charge(replaced->record) : 0;
  const std::size_t records = slot_by_key_.size() + (replaced != nullptr ? 0 : 1);
  if (records > options_.records_max) return false;
  if (bytes_ - freed + bytes > options_.bytes_max) return false;
  if (source == owner_) return true;
  Usage usage;
  if (const Usage* known = usage_.find(source)) usage = *known;
  if (replaced != nullptr && replaced->source == source) {
    --usage.records;
    usage.bytes -= freed;
  }
  return usage.records + 1 <= options_.records_per_source_max &&
         usage.bytes + bytes <= options_.bytes_per_source_max;
}

void RecordStore::book(const NodeId& source, std::size_t bytes) {
  Usage& usage = *usage_.insert(source, Usage{}).first;
  ++usage.records;
  usage.bytes += bytes;
  bytes_ += bytes;
}

void RecordStore::unbook(const NodeId& source, std::size_t bytes) {
  Usage* usage = usage_.find(source);
  TRESTLE_ASSERT(usage != nullptr);
  --usage->records;
  usage->bytes -= bytes;
  bytes_ -= bytes;
  if (usage->records == 0) usage_.erase(source);
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

void RecordStore::drop(Slot slot) {
  Entry& entry = slots_[slot];
  unbook(entry.source, charge(entry.record));
  slot_by_key_.erase(entry.record.key);
  entry = Entry{};
  vacant_.push_back(slot);
}

}  // namespace trestle::dht
