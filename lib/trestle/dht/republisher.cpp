// When something is refreshed, and where.
#include "trestle/dht/republisher.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

Republisher::Republisher(const NodeId& self, const RepublisherOptions& options, const Rng& rng)
    : self_(self),
      options_(options),
      rng_(rng.fork("republisher")),
      schedule_(options.refresh, rng_),
      hand_overs_(options.hand_over, rng_),
      watch_(options.watch) {
  TRESTLE_ASSERT(options.sweeps_max >= 1 && options.records_per_sweep_max >= 1);
  TRESTLE_ASSERT(options.nearest_wanted >= options.plan.copies);
  TRESTLE_ASSERT(options.regions_max >= 1 && options.repaired_at_once_max >= 1);
}

// ---- what is kept

void Republisher::on_kept(Instant now, const KeptRecord& record) { schedule_.on_kept(now, record); }

void Republisher::on_restored(Instant now, const KeptRecord& record) {
  schedule_.on_restored(now, record);
}

void Republisher::on_refreshed(Instant now, const NodeId& place, Instant ends, const NodeId& from) {
  if (from == self_) {
    schedule_.on_refreshed(now, place, ends);
    return;
  }
  const Word word = schedule_.on_word(now, place, ends, from);
  stats_.refreshed_by_others += word == Word::believed ? 1 : 0;
  stats_.words_doubted += word == Word::doubted ? 1 : 0;
}

// ---- the network

void Republisher::on_warm(Instant now) {
  if (warm_ || !open_) return;
  warm_ = true;
  held_until_ = after(now, rng_.between(Duration{}, options_.refresh.spread));
  outbox_.push(
      FindNeighbours{.target = self_, .wanted = options_.plan.copies, .linked_only = true});
}

void Republisher::on_cold() {
  warm_ = false;
  watch_.forget();
  regions_.clear();
}

void Republisher::on_link_up(Instant now, const wire::Contact& peer) {
  watch_.on_link_up(now, peer.id);
  // What comes later is brought to its holders by whoever writes it.
  const bool has_something = schedule_.size() > 0;
  if (open_ && has_something && keeps_replicas(peer)) hand_overs_.on_link_up(now, peer.id);
}

void Republisher::on_link_down(Instant now, const NodeId& peer) {
  watch_.on_link_down(now, peer);
  hand_overs_.on_link_down(peer);
}

wire::ReplicaState Republisher::judge(const wire::ReplicaSummary& offered) const {
  const KeptRecord* kept = schedule_.find(offered.place);
  if (kept == nullptr) return wire::ReplicaState::need;
  if (kept->digest == offered.digest) return wire::ReplicaState::have;
  if (kept->version != offered.version) {
    return kept->version > offered.version ? wire::ReplicaState::newer
                                           : wire::ReplicaState::mismatch;
  }
  return kept->digest > offered.digest ? wire::ReplicaState::newer : wire::ReplicaState::mismatch;
}

/// Another one did it only just now, and it lives no longer than we know: then it has been spread.
bool Republisher::is_worth_spreading(Instant now, const wire::ReplicaSummary& offered) const {
  const auto refreshed = schedule_.refreshed(offered.place);
  const KeptRecord* kept = schedule_.find(offered.place);
  if (!refreshed || kept == nullptr) return true;
  if (now - *refreshed >= options_.refresh.interval / 2) return true;
  const auto spread = std::chrono::floor<std::chrono::milliseconds>(options_.refresh.spread);
  return offered.left_ms > kept->summary(now).left_ms + static_cast<std::uint64_t>(spread.count());
}

void Republisher::on_offered(Instant now, const NodeId& from, const wire::ReplicaSummary& offered,
                             wire::ReplicaState said, bool delegated) {
  if (!open_) return;
  ++stats_.offered;
  bool spreads = delegated;
  switch (said) {
    case wire::ReplicaState::have:
      ++stats_.said_have;
      spreads = delegated && is_worth_spreading(now, offered);
      break;
    case wire::ReplicaState::need:
      ++stats_.said_need;
      break;
    case wire::ReplicaState::mismatch:
      ++stats_.said_mismatch;
      break;
    case wire::ReplicaState::newer:
      ++stats_.said_newer;
      spreads = false;
      hand_overs_.owe(now, from, offered.place);
      schedule_.hurry(now, offered.place, options_.newer_within);
      break;
    case wire::ReplicaState::refused:
      ++stats_.said_refused;
      spreads = false;
      break;
  }
  if (!spreads || delegated_.contains(offered.place)) return;
  if (delegated_.size() >= options_.delegated_max) return;
  delegated_.insert(offered.place,
                    {.digest = offered.digest, .until = after(now, options_.delegated_for)});
  spread_at_ = std::min(spread_at_, after(now, options_.spread_wait));
}

void Republisher::close() {
  open_ = false;
  rounds_.clear();
  looking_for_.reset();
  handing_over_.reset();
  delegated_.clear();
}

// ---- sweeps

/// One lookup at a time: what it finds often serves the next record too.
bool Republisher::may_begin() const {
  return open_ && warm_ && !looking_for_ && rounds_of(Origin::sweep) < options_.sweeps_max;
}

void Republisher::begin_sweep(Instant now, const NodeId& centre) {
  ++stats_.sweeps;
  const Instant due = schedule_.due_of(centre);
  stats_.lateness.add(now - due);
  if (const KnownRegion* known = known_region_of(now, centre)) {
    ++stats_.lookups_saved;
    return sweep(now, centre, *known);
  }
  schedule_.suspend(centre);
  looking_for_ = centre;
  looking_due_ = due;
  ++stats_.lookups;
  outbox_.push(FindNearest{.target = centre, .wanted = options_.nearest_wanted});
}

const Republisher::KnownRegion* Republisher::known_region_of(Instant now,
                                                             const NodeId& place) const {
  for (const KnownRegion& known : regions_) {
    const bool is_fresh = now < after(known.found, options_.region_fresh_for);
    if (is_fresh && known.region.contains(place)) return &known;
  }
  return nullptr;
}

void Republisher::on_nearest(Instant now, const NodeId& target, const wire::Contacts& contacts) {
  if (!open_ || looking_for_ != target) return;
  looking_for_.reset();
  if (contacts.empty()) {
    // Nobody answered: nor would anybody for the next record.
    ++stats_.refreshes_failed;
    failing_since_ = std::min(failing_since_, looking_due_);
    held_until_ = std::max(held_until_, after(now, options_.refresh.retry_min));
    if (schedule_.is_suspended(target)) schedule_.on_failed(now, target);
    return;
  }
  if (regions_.size() >= options_.regions_max) regions_.erase(regions_.begin());
  // A lookup is sure of the k nearest alone; who comes behind them may stand beside others that it
  // did not hear of.
  const std::size_t sure = std::min(contacts.size(), options_.plan.copies);
  regions_.push_back(
      {.region = known_region(target, std::span(contacts).first(sure), options_.plan.copies),
       .found = now,
       .contacts = contacts});
  sweep(now, target, regions_.back());
  pump(now);
}

void Republisher::sweep(Instant now, const NodeId& centre, const KnownRegion& known) {
  const Instant due = schedule_.due_of(centre);
  auto records = schedule_.take(now, known.region, centre, options_.records_per_sweep_max);
  if (records.empty()) return;
  ReplicaPlan plan = plan_replicas(self_, centre, records, known.contacts,
                                   Delegation::to_the_nearest, options_.plan);
  for (const std::uint32_t record : plan.alone) {
    schedule_.on_refreshed(now, records[record].place, records[record].ends);
  }
  begin_round(now, Origin::sweep, due, std::move(records), std::move(plan.tasks));
}

/// Everything is due within the spread, a part in each call.
void Republisher::repair(Instant now) {
  std::vector<NodeId> places;
  std::optional<NodeId> next;
  schedule_.visit(KeyRegion{}, *repairing_, [&](const KeptRecord& record) {
    if (places.size() == options_.repaired_at_once_max) {
      next = record.place;
      return false;
    }
    places.push_back(record.place);
    return true;
  });
  for (const NodeId& place : places) schedule_.hurry(now, place, options_.refresh.spread);
  repairing_ = next;
  repair_at_ = next ? after(now, options_.repair_pause) : kNever;
}

// ---- time

Instant Republisher::next_deadline() const {
  if (!open_) return kNever;
  Instant next = schedule_.next_end();
  for (const ActiveRound& active : rounds_) next = std::min(next, active.round.next_deadline());
  if (!warm_) return next;
  next = std::min({next, spread_at_, repair_at_, watch_.next_deadline(), watch_.next_note()});
  if (!handing_over_ && rounds_of(Origin::hand_over) < options_.hand_overs_max) {
    next = std::min(next, hand_overs_.next_deadline());
  }
  if (may_begin()) next = std::min(next, std::max(schedule_.next_due(), held_until_));
  return next;
}

void Republisher::on_deadline(Instant now) {
  if (!open_) return;
  schedule_.drop_ended(now);
  for (ActiveRound& active : rounds_) active.round.on_deadline(now);
  pump(now);
  if (!warm_) return;
  if (watch_.is_due(now) && options_.early_repair == EarlyRepair::within_the_spread) {
    ++stats_.repairs;
    repairing_ = NodeId{};
    repair_at_ = now;
  }
  if (repair_at_ <= now) repair(now);
  if (watch_.next_note() <= now) {
    watch_.note(now, {});
    outbox_.push(
        FindNeighbours{.target = self_, .wanted = options_.plan.copies, .linked_only = true});
  }
  if (spread_at_ <= now) {
    spread_at_ = kNever;
    outbox_.push(FindNeighbours{.target = self_, .wanted = options_.nearest_wanted});
  }
  begin_hand_overs(now);
  while (may_begin() && held_until_ <= now) {
    const auto due = schedule_.first_due(now);
    if (!due) break;
    begin_sweep(now, *due);
    pump(now);
  }
}

// ---- look

Duration Republisher::lag(Instant now) const {
  Instant oldest = std::min(schedule_.next_due(), failing_since_);
  if (looking_for_) oldest = std::min(oldest, looking_due_);
  for (const ActiveRound& active : rounds_) {
    if (active.origin == Origin::sweep) oldest = std::min(oldest, active.due);
  }
  return oldest < now ? now - oldest : Duration{};
}

RepublisherStats Republisher::stats() const {
  RepublisherStats stats = stats_;
  stats.records = schedule_.size();
  stats.rounds = rounds_.size();
  stats.next_due = schedule_.next_due();
  return stats;
}

std::optional<RepublisherEffect> Republisher::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::dht
