#include "trestle/dht/record_desk.hpp"

#include <algorithm>
#include <utility>

#include "trestle/dht/refusal.hpp"

namespace trestle::dht {
namespace {

/// The disk's answers that say how it stands, and not that it is broken.
bool is_told_as_it_is(ErrorCode code) {
  return code == ErrorCode::none || code == ErrorCode::store_full || code == ErrorCode::busy;
}

}  // namespace

RecordDesk::RecordDesk(const NodeId& owner, std::string network, const RecordStoreOptions& records,
                       const RecordDeskOptions& options, crypto::Suite& suite)
    : records_(owner, std::move(network), records, suite), options_(options) {}

// ---- commands

void RecordDesk::store(Instant now, RequestToken token, const NodeId& from, wire::Dialect dialect,
                       const crypto::VerifiedRecord& record) {
  if (waiting() >= options_.waiting_max) {
    ++busy_;
    return outbox_.push(Respond{token, refusal_with(ErrorCode::busy)});
  }
  const PeerGroup* group = groups_.find(from);
  const auto kept =
      records_.put(now, record,
                   {.by = dialect == wire::Dialect::legacy ? Deliverer::old_peer : Deliverer::peer,
                    .from = from,
                    .group = group != nullptr ? *group : PeerGroup{}});
  if (!kept) return outbox_.push(Respond{token, refusal_with(kept.error())});
  if (!kept->awaits) return outbox_.push(Respond{token, wire::StoreResponse{kept->outcome}});
  await(now, *kept->awaits, {.who = token, .outcome = kept->outcome, .ticket = *kept->awaits});
}

Result<bool, ErrorCode> RecordDesk::keep(Instant now, const OwnCopy& copy,
                                         const crypto::VerifiedRecord& record) {
  if (waiting() >= options_.waiting_max) return refuse(ErrorCode::busy);
  const auto kept = records_.put(now, record, {.by = Deliverer::ourselves});
  if (!kept) return refuse(kept.error());
  if (!kept->awaits) return true;
  await(now, *kept->awaits, {.who = copy, .outcome = kept->outcome, .ticket = *kept->awaits});
  return false;
}

void RecordDesk::close() {
  for (const auto& [ticket, slot] : by_ticket_) tell(waiters_[slot], ErrorCode::shutting_down);
  while (!by_ticket_.empty()) forget(by_ticket_.begin()->second);
}

// ---- who waits

void RecordDesk::await(Instant now, StorageTicket ticket, const Waiter& waiter) {
  Slot slot = 0;
  if (vacant_.empty()) {
    slot = static_cast<Slot>(waiters_.size());
    waiters_.push_back(waiter);
  } else {
    slot = vacant_.back();
    vacant_.pop_back();
    waiters_[slot] = waiter;
  }
  by_ticket_.emplace(ticket, slot);
  deadlines_.set(slot, after(now, options_.answer_within));
}

void RecordDesk::tell(const Waiter& waiter, ErrorCode code) {
  if (const auto* copy = std::get_if<OwnCopy>(&waiter.who)) {
    return outbox_.push(SyncedHere{*copy, code});
  }
  const auto token = std::get<RequestToken>(waiter.who);
  if (code == ErrorCode::none) {
    outbox_.push(Respond{token, wire::StoreResponse{waiter.outcome}});
  } else {
    outbox_.push(Respond{token, refusal_with(code)});
  }
}

void RecordDesk::forget(Slot slot) {
  const auto [first, last] = by_ticket_.equal_range(waiters_[slot].ticket);
  const auto place =
      std::find_if(first, last, [slot](const auto& entry) { return entry.second == slot; });
  by_ticket_.erase(place);
  deadlines_.erase(slot);
  vacant_.push_back(slot);
}

// ---- inputs

void RecordDesk::on_link_up(const NodeId& peer, PeerGroup group) {
  if (group.is_exempt()) {
    groups_.erase(peer);
  } else {
    groups_.insert_or_assign(peer, group);
  }
}

void RecordDesk::on_persisted(StorageTicket ticket, ErrorCode code) {
  const bool was_read_only = records_.is_read_only();
  records_.on_persisted(ticket, code);
  if (records_.is_read_only() && !was_read_only) {
    outbox_.push(LogRecord{LogLevel::error,
                           "store.read_only",
                           ErrorCode::storage_failed,
                           {},
                           "the disk did not take a record: this node serves what it has and keeps "
                           "nothing new until it is restarted with a disk that works"});
  }
  while (true) {
    const auto place = by_ticket_.lower_bound(ticket);
    if (place == by_ticket_.end() || place->first != ticket) return;
    tell(waiters_[place->second], is_told_as_it_is(code) ? code : ErrorCode::storage_failed);
    forget(place->second);
  }
}

// ---- time, drain

Instant RecordDesk::next_deadline() const {
  return std::min(records_.next_deadline(), deadlines_.next());
}

void RecordDesk::on_deadline(Instant now) {
  records_.on_deadline(now);
  while (const auto slot = deadlines_.pop_due(now)) {
    ++busy_;
    tell(waiters_[*slot], ErrorCode::busy);
    forget(*slot);
  }
}

std::optional<RecordDeskEffect> RecordDesk::poll_effect() {
  if (auto order = records_.poll_effect()) return std::move(*order);
  return outbox_.poll();
}

}  // namespace trestle::dht
