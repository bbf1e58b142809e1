// What users write: put, refresh, remove. One record, signed, at the nodes nearest to its key.
#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

/// A write meets newer versions twice at most: the one who always comes first has won by then.
constexpr std::uint32_t kAttemptsMax = 2;

std::uint64_t whole_milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

// ---- commands

Result<OperationId, ErrorCode> Dht::put(Instant now, std::string key, Bytes value, Duration ttl) {
  Write write;
  write.record.value = std::move(value);
  return begin_put(now, std::move(key), ttl, std::move(write));
}

Result<OperationId, ErrorCode> Dht::put_sealed(Instant now, std::string key, Duration ttl) {
  Write write;
  write.record.kind = wire::RecordKind::sealed;
  return begin_put(now, std::move(key), ttl, std::move(write));
}

Result<OperationId, ErrorCode> Dht::begin_put(Instant now, std::string key, Duration ttl,
                                              Write write) {
  if (const auto code = refusal(key)) return refuse(*code);
  if (ttl <= Duration::zero()) return refuse(ErrorCode::invalid_request);
  const bool is_too_large = write.record.value.size() > options_.records.value_bytes_max;
  if (is_too_large) return refuse(ErrorCode::too_large);
  const std::uint64_t ttl_ms = whole_milliseconds(records().granted_life(whole_milliseconds(ttl)));
  write.record.key = std::move(key);
  write.record.ttl_ms = ttl_ms;
  write.record.left_ms = ttl_ms;
  return begin_write(now, Purpose::put, std::move(write));
}

Result<OperationId, ErrorCode> Dht::refresh(Instant now, std::string key) {
  return begin_rewrite(now, Purpose::prolong, std::move(key));
}

Result<OperationId, ErrorCode> Dht::remove(Instant now, std::string key) {
  return begin_rewrite(now, Purpose::remove, std::move(key));
}

/// A write over what there is: taken from our own store if it is there, else looked for. In its
/// grace a record is still good for both.
Result<OperationId, ErrorCode> Dht::begin_rewrite(Instant now, Purpose purpose, std::string key) {
  if (const auto code = refusal(key)) return refuse(*code);
  Write write;
  write.record.key = std::move(key);
  write.record.author = options_.author;
  write.stage = Write::Stage::reading;
  if (purpose == Purpose::remove && !crypto::may_write(*suite_, write.record)) {
    return refuse(ErrorCode::unauthorized);
  }
  const NodeId place = crypto::place_of_key(*suite_, write.record.key);
  const Replica* kept = records().find_by_place(place);
  if (kept != nullptr && kept->record.key == write.record.key) {
    const bool is_deleted = kept->is_tombstone() && kept->is_alive(now);
    if (is_deleted) return end_at_once({.operation = {}, .code = ErrorCode::not_found});
    if (adopt(purpose, write, kept->record)) write.stage = Write::Stage::preparing;
  }
  return begin_write(now, purpose, std::move(write));
}

Result<OperationId, ErrorCode> Dht::begin_write(Instant now, Purpose purpose, Write write) {
  if (purpose == Purpose::put) {
    write.record.author = options_.author;
    if (!crypto::may_write(*suite_, write.record)) return refuse(ErrorCode::unauthorized);
  }
  if (!has_vacancy(purpose)) {
    ++counters_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  const NodeId place = crypto::place_of_key(*suite_, write.record.key);
  if (write.stage != Write::Stage::reading) {
    return begin(now, purpose, LookupKind::find_node, place, {}, std::move(write));
  }
  std::string key = write.record.key;
  return begin(now, purpose, LookupKind::find_value, place, std::move(key), std::move(write));
}

// ---- what is written

/// Builds on what is known under the key. False if there is nothing to build on: it is deleted.
bool Dht::adopt(Purpose purpose, Write& write, const wire::Record& known) const {
  const bool is_deleted = known.kind == wire::RecordKind::tombstone;
  if (purpose != Purpose::put && is_deleted) return false;
  if (purpose == Purpose::prolong) {
    write.record = known;
    write.record.left_ms = whole_milliseconds(records().granted_life(known.ttl_ms));
    write.is_signed = true;
    return true;
  }
  write.record.version = known.version;
  write.is_signed = false;
  if (purpose == Purpose::put) return true;
  // It has to outlive every copy of what it deletes.
  write.record.kind = wire::RecordKind::tombstone;
  write.record.ttl_ms = whole_milliseconds(records().granted_life(known.ttl_ms));
  write.record.left_ms = write.record.ttl_ms;
  return true;
}

/// Versions rise with the calendar, and in any case above what we know of the key (design section
/// 5).
void Dht::order_signature(Instant now, const Operation& operation, wire::Record& record) {
  std::uint64_t known = record.version;
  const Replica* kept = records().find_by_place(operation.lookup.target());
  if (kept != nullptr && !kept->record.legacy) known = std::max(known, kept->record.version);
  const auto today = calendar_ ? calendar_->at(now).time_since_epoch().count() : 0;
  record.version =
      std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(today, 0)), known + 1);
  if (record.kind == wire::RecordKind::sealed) {
    record.value.clear();
    return outbox_.push(SealValue{operation.id, record});
  }
  outbox_.push(
      SignRecord{operation.id, crypto::record_transcript(*suite_, options_.network, record)});
}

void Dht::on_value(OperationId operation, Bytes value) {
  TRESTLE_ASSERT(value.size() <= options_.records.value_bytes_max);
  const auto slot = slot_of(operation);
  if (!slot || !operations_[*slot]->write || operations_[*slot]->write->is_signed) return;
  wire::Record& record = operations_[*slot]->write->record;
  record.value = std::move(value);
  outbox_.push(SignRecord{operation, crypto::record_transcript(*suite_, options_.network, record)});
}

void Dht::on_signed(Instant now, OperationId operation, const wire::Signature& signature) {
  const auto slot = slot_of(operation);
  if (!slot || !operations_[*slot]->write || operations_[*slot]->write->is_signed) return;
  Write& write = *operations_[*slot]->write;
  write.record.signature = signature;
  write.is_signed = true;
  spread_if_ready(now, *slot);
  pump(now, *slot);
}

std::optional<Deadlines::Slot> Dht::slot_of(OperationId id) const {
  const auto place = std::find_if(operations_.begin(), operations_.end(),
                                  [&](const auto& one) { return one && one->id == id; });
  if (place == operations_.end()) return std::nullopt;
  return static_cast<Slot>(place - operations_.begin());
}

// ---- where it goes

void Dht::on_write_lookup_ended(Instant now, Slot slot, LookupEnded& ended) {
  Operation& operation = *operations_[slot];
  Write& write = *operation.write;
  if (write.stage == Write::Stage::preparing) {
    find_targets(now, write, operation.lookup.target(), std::move(ended.answered));
    return spread_if_ready(now, slot);
  }
  if (!ended.record) return end(slot, {.operation = operation.id, .code = ended.code});
  if (!adopt(operation.purpose, write, *ended.record)) {
    return end(slot, {.operation = operation.id, .code = ErrorCode::not_found});
  }
  write.stage = Write::Stage::preparing;
  if (!write.is_signed) order_signature(now, operation, write.record);
  const NodeId place = operation.lookup.target();
  look_up(now, slot, LookupKind::find_node, place, {});
}

/// The copies go to the k nearest that answered and keep data. We are one of them if fewer than k
/// of the others are nearer.
void Dht::find_targets(Instant now, Write& write, const NodeId& place, wire::Contacts&& answered) {
  const std::size_t wanted = options_.lookup.nearest;
  std::erase_if(answered, [](const wire::Contact& one) { return one.role == wire::Role::bridge; });
  answered = spread_over_groups(std::move(answered));
  const auto farther = std::find_if(answered.begin(), answered.end(), [&](const auto& contact) {
    return closer(place, self_.id, contact.id);
  });
  write.belongs_here = static_cast<std::size_t>(farther - answered.begin()) < wanted;
  const std::size_t others = wanted - (write.belongs_here ? 1 : 0);
  if (answered.size() > others) answered.resize(others);
  const std::uint32_t holders =
      holders_among(answered, answered.size()) + (write.belongs_here ? 1 : 0);
  floor_.note(now, holders);
  write.holders = std::max(holders, floor_.at(now));
  write.targets = std::move(answered);
}

void Dht::spread_if_ready(Instant now, Slot slot) {
  Operation& operation = *operations_[slot];
  Write& write = *operation.write;
  if (!write.targets || !write.is_signed) return;
  write.stage = Write::Stage::spreading;
  ++write.attempt;
  wire::Contacts targets = *write.targets;
  if (write.record.kind != wire::RecordKind::value) {
    // The old dialect cannot delete, and has no word for what is sealed.
    std::erase_if(targets, [](const auto& one) { return one.dialect == wire::Dialect::legacy; });
  }
  write.spread.emplace(write.record, std::move(targets), write.holders, options_.spread);
  if (!write.belongs_here) return write.spread->start(now, Spread::Here::not_nearest);
  write.spread->start(now, Spread::Here::syncing);
  // Ours, or somebody's that was verified when it came.
  const auto kept = desk_.keep(now, {operation.id, write.attempt},
                               crypto::VerifiedRecord::vouch_for(write.record));
  note_delivery(now, write.record.key, self_.id);
  if (!kept) {
    write.spread->on_synced_here(now, kept.error());
  } else if (*kept) {
    write.spread->on_synced_here(now, ErrorCode::none);
  }
  pump_desk(now);
}

// ---- how it goes on

void Dht::pump_write(Instant now, Slot slot) {
  Write& write = *operations_[slot]->write;
  if (!write.spread) return;
  while (auto order = write.spread->poll_effect()) {
    const NodeId peer = order->peer.id;
    if (!issue(now, slot, AskKind::store, std::move(order->peer), std::move(order->message),
               order->timeout)) {
      write.spread->on_refused(now, peer, ErrorCode::busy);
    }
  }
  if (write.is_told) {
    if (write.spread->is_ended()) end(slot, {});
    return;
  }
  if (write.spread->receipt().is_acknowledged()) {
    ++counters_.writes_acknowledged;
    tell(slot, ErrorCode::none);
    if (write.spread->is_ended()) return end(slot, {});
    return cut_oldest_spread();
  }
  if (write.is_learning) return;
  if (const auto newer_at = write.spread->take_outdated()) return learn(now, slot, *newer_at);
  if (!write.spread->is_ended()) return;
  const bool is_kept = write.spread->receipt().synced > 0 || !write.spread->kept_by().empty();
  if (is_kept) ++counters_.writes_weak;
  tell(slot, is_kept ? ErrorCode::none : write.spread->refusal());
  end(slot, {});
}

void Dht::tell(Slot slot, ErrorCode code) {
  const Operation& operation = *operations_[slot];
  Write& write = *operations_[slot]->write;
  const Receipt& receipt = write.spread->receipt();
  ++counters_.operations_ended;
  write.is_told = true;
  outbox_.push(Ended{.operation = operation.id,
                     .code = code,
                     .replicas = receipt.synced,
                     .replicas_wanted = receipt.wanted(),
                     .weak = code == ErrorCode::none && !receipt.is_acknowledged(),
                     .version = write.record.version,
                     .record = {},
                     .contacts = write.spread->kept_by()});
}

/// Too many writes that their users no longer wait for: the oldest has had its time.
void Dht::cut_oldest_spread() {
  std::size_t told = 0;
  std::optional<Slot> oldest;
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    const auto& operation = operations_[slot];
    if (!operation || !operation->write || !operation->write->is_told) continue;
    ++told;
    if (!oldest || operation->id < operations_[*oldest]->id) oldest = slot;
  }
  if (told <= options_.background_max) return;
  ++counters_.spreads_cut;
  end(*oldest, {});
}

// ---- somebody has a newer version

void Dht::learn(Instant now, Slot slot, const wire::Contact& newer_at) {
  Write& write = *operations_[slot]->write;
  write.is_learning = true;
  if (!issue(now, slot, AskKind::learn, wire::Contact(newer_at),
             wire::FindValueRequest{write.record.key}, options_.spread.timeout)) {
    on_learned(now, slot, nullptr);
    pump_write(now, slot);
  }
}

/// What somebody showed who said OUTDATED. Only a record that is newer than ours proves it: else
/// one liar among the nearest could forbid every write.
void Dht::on_learned(Instant now, Slot slot, const wire::Record* shown) {
  Operation& operation = *operations_[slot];
  Write& write = *operation.write;
  write.is_learning = false;
  if (write.is_told || shown == nullptr || !supersedes(now, *shown, write.record)) return;
  if (write.attempt >= kAttemptsMax) {
    tell(slot, ErrorCode::outdated);
    return end(slot, {});
  }
  if (!adopt(operation.purpose, write, *shown)) {
    tell(slot, ErrorCode::not_found);
    return end(slot, {});
  }
  ++counters_.writes_retried;
  write.stage = Write::Stage::preparing;
  write.spread.reset();
  if (!write.is_signed) order_signature(now, operation, write.record);
  spread_if_ready(now, slot);
}

/// Whether holders would rightly refuse ours for it. Versions from the future they refuse as well.
bool Dht::supersedes(Instant now, const wire::Record& shown, const wire::Record& ours) {
  if (shown.key != ours.key || shown.legacy) return false;
  if (ours.legacy) return true;
  if (calendar_) {
    const auto latest = calendar_->at(now) + std::chrono::floor<std::chrono::milliseconds>(
                                                 options_.records.version_ahead_max);
    if (shown.version > static_cast<std::uint64_t>(latest.time_since_epoch().count())) return false;
  }
  if (shown.version != ours.version) return shown.version > ours.version;
  return crypto::record_digest(*suite_, options_.network, shown) >
         crypto::record_digest(*suite_, options_.network, ours);
}

// ---- the disk

void Dht::on_persisted(Instant now, StorageTicket ticket, ErrorCode code) {
  desk_.on_persisted(ticket, code);
  pump_desk(now);
}

void Dht::pump_desk(Instant now) {
  while (auto effect = desk_.poll_effect()) {
    if (const auto* synced = std::get_if<SyncedHere>(&*effect)) {
      const auto slot = slot_of(synced->copy.operation);
      if (!slot) continue;
      const auto& write = operations_[*slot]->write;
      if (!write || !write->spread || write->attempt != synced->copy.attempt) continue;
      operations_[*slot]->write->spread->on_synced_here(now, synced->code);
      pump(now, *slot);
    } else if (auto* order = std::get_if<Persist>(&*effect)) {
      outbox_.push(std::move(*order));
    } else if (auto* answer = std::get_if<Respond>(&*effect)) {
      outbox_.push(std::move(*answer));
    } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
      outbox_.push(std::move(*record));
    }
  }
}

}  // namespace trestle::dht
