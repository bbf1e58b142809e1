#include "trestle/dht/dht.hpp"

#include <algorithm>
#include <utility>

namespace trestle::dht {
namespace {

bool takes_part(const wire::Contact& contact) {
  return contact.role == wire::Role::node || contact.role == wire::Role::bridge;
}

}  // namespace

DhtState::DhtState(wire::Contact self, const DhtOptions& options, crypto::Suite& suite,
                   const Rng& rng)
    : self_(std::move(self)),
      options_(options),
      suite_(&suite),
      rng_(rng.fork("dht")),
      table_(self_.id, options.table),
      desk_(self_.id, options.network, options.records, options.desk, suite),
      republisher_(self_.id, options.republish, rng_),
      heard_(options.heard),
      latencies_(options.latencies),
      limits_(options.limits),
      pacing_(options.pacing),
      self_lookup_pace_(options.self_lookup_interval, options.self_lookup_interval_max) {}

Dht::Dht(wire::Contact self, const DhtOptions& options, crypto::Suite& suite, const Rng& rng)
    : DhtState(std::move(self), options, suite, rng) {}

Dht::~Dht() = default;

// ---- life

void Dht::restore(Instant now, std::vector<StoredRecord> records) {
  if (options_.data == DataPolicy::refuses_data) return;
  desk_.records().restore(now, std::move(records));
  restore_upkeep(now);
  pump_desk(now);
}

void Dht::on_wall_clock(Instant now, WallTime wall) {
  calendar_ = WallClock{now, wall};
  desk_.records().on_wall_clock(*calendar_);
}

void Dht::close(Instant now) {
  if (!open_) return;
  open_ = false;
  self_lookup_at_ = kNever;
  refresh_at_ = kNever;
  probe_at_ = kNever;
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    if (!operations_[slot]) continue;
    if (!operations_[slot]->lookup.is_ended()) ++counters_.lookups_ended;
    operations_[slot]->lookup.cancel(now, ErrorCode::shutting_down);
    end(slot, {.operation = operations_[slot]->id, .code = ErrorCode::shutting_down});
  }
  asks_.clear();
  republisher_.close();
  desk_.close();
  pump_desk(now);
}

// ---- links and hearsay

void Dht::on_link_up(Instant now, const wire::Contact& contact, const LinkOrigin& origin) {
  if (!open_ || !takes_part(contact) || contact.id == self_.id) return;
  desk_.on_link_up(contact.id, origin.groups.place);
  const bool first = links_.empty();
  links_.insert_or_assign(contact.id, contact);
  heard_.forget(contact.id);
  const Peer* known = table_.find(contact.id);
  const bool is_new = known == nullptr;
  const bool is_back = known != nullptr && table_.is_failed(*known);
  unproven_.erase(contact.id);
  if (origin.unproven) unproven_.insert(contact.id, *origin.unproven);
  table_.on_connected(now, contact, origin.groups);
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    if (!operations_[slot]) continue;
    operations_[slot]->lookup.on_link_up(now, contact);
    pump(now, slot);
  }
  if (options_.table.proximity == Proximity::by_round_trip && probe_at_ == kNever) {
    probe_at_ = jittered(now, options_.probe_interval);
  }
  if (refresh_at_ == kNever) refresh_at_ = jittered(now, options_.refresh_interval);
  if (options_.data == DataPolicy::keeps_data) republisher_.on_link_up(now, contact);
  if (first) begin_self_lookup(now);
  if (is_back) return on_returned(now);
  if (is_new) return on_neighbourhood_changed(now);
  plan_self_lookup(now);
}

void Dht::on_link_down(Instant now, const NodeId& peer, LinkEnding ending) {
  if (!links_.erase(peer)) return;
  desk_.on_link_down(peer);
  unproven_.erase(peer);
  silent_.erase(peer);
  table_.on_disconnected(now, peer);
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    if (!operations_[slot]) continue;
    operations_[slot]->lookup.on_link_down(now, peer);
    pump(now, slot);
  }
  // A peer that was let go is still one of our neighbours, and keeps what it kept.
  const bool is_lost = ending == LinkEnding::lost;
  const Peer* known = is_lost ? table_.find(peer) : nullptr;
  if (known != nullptr && known->failures == 0) table_.on_failure(now, peer);
  if (is_lost) republisher_.on_link_down(now, peer);
  if (links_.empty()) on_all_links_lost(now);
  if (is_lost) return on_neighbourhood_changed(now);
  plan_self_lookup(now);
}

void Dht::on_contact(Instant now, const wire::Contact& contact) {
  if (!open_ || !takes_part(contact) || contact.id == self_.id) return;
  if (links_.contains(contact.id) || contact.address.empty()) return;
  heard_.note(now, contact);
}

void Dht::on_unreachable(Instant now, const NodeId& peer) {
  table_.on_failure(now, peer);
  heard_.discredit(peer);
}

void Dht::on_round_trip(const NodeId& peer, Duration round_trip) {
  table_.on_round_trip(peer, round_trip);
}

void Dht::on_heard(Instant now, const NodeId& peer) { table_.on_seen(now, peer); }

// ---- time

Instant Dht::next_deadline() const {
  if (!open_) return kNever;
  Instant next = std::min({timers_.next(), desk_.next_deadline(), republisher_.next_deadline(),
                           self_lookup_at_, refresh_at_, probe_at_, pacing_.next_deadline()});
  if (!asks_.empty()) {
    const PendingAsk& oldest = asks_.at_index(0).second;
    next = std::min(next, after(oldest.issued, options_.ask_forgotten_after));
  }
  return next;
}

void Dht::on_deadline(Instant now) {
  if (!open_) return;
  desk_.on_deadline(now);
  pump_desk(now);
  forget_asks(now);
  release_asks(now);
  while (const auto slot = timers_.pop_due(now)) {
    Operation& operation = *operations_[*slot];
    operation.lookup.on_deadline(now);
    if (operation.write && operation.write->spread) operation.write->spread->on_deadline(now);
    pump(now, *slot);
  }
  keep_up(now);
  keep_alive(now);
}

// ---- look

DhtStats Dht::stats() const {
  DhtStats stats;
  static_cast<DhtCounters&>(stats) = counters_;
  stats.operations = static_cast<std::size_t>(
      std::count_if(operations_.begin(), operations_.end(),
                    [](const auto& operation) { return operation != nullptr; }));
  stats.links = links_.size();
  stats.contacts_heard = heard_.size();
  stats.pacing = pacing_.stats();
  stats.round_trip = latencies_.average();
  stats.table = table_.stats();
  stats.records = records().stats();
  stats.republish = republisher_.stats();
  stats.stores_accepted = stats.records.accepted;
  stats.stores_refused = stats.records.refused;
  stats.stores_busy = desk_.busy();
  return stats;
}

std::optional<Effect> Dht::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::dht
