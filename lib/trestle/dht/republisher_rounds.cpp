// Rounds of offers under way, hand-overs to new neighbours, and what is spread for others.
#include <algorithm>
#include <utility>

#include "trestle/dht/republisher.hpp"

namespace trestle::dht {

// ---- rounds

void Republisher::begin_round(Instant now, Origin origin, Instant due,
                              std::vector<KeptRecord> records, std::vector<ReplicaTask> tasks) {
  if (tasks.empty()) return;
  for (const ReplicaTask& task : tasks) {
    if (task.kind == ReplicaTask::Kind::delegate) stats_.delegated += task.records.size();
  }
  rounds_.push_back({.id = ++last_round_,
                     .origin = origin,
                     .due = due,
                     .round = ReplicaRound(std::move(records), std::move(tasks), options_.round)});
  rounds_.back().round.start(now);
}

Republisher::ActiveRound* Republisher::round_of(UpkeepTicket ticket) {
  const auto id = static_cast<std::uint32_t>(ticket.value >> 32);
  const auto found = std::find_if(rounds_.begin(), rounds_.end(),
                                  [&](const ActiveRound& active) { return active.id == id; });
  return found == rounds_.end() ? nullptr : &*found;
}

std::size_t Republisher::rounds_of(Origin origin) const {
  return static_cast<std::size_t>(
      std::count_if(rounds_.begin(), rounds_.end(),
                    [&](const ActiveRound& active) { return active.origin == origin; }));
}

namespace {

RoundExchange exchange_of(UpkeepTicket ticket) {
  return {static_cast<std::uint32_t>(ticket.value)};
}

}  // namespace

void Republisher::on_answer(Instant now, UpkeepTicket ticket,
                            std::span<const wire::ReplicaState> states) {
  if (ActiveRound* active = round_of(ticket)) {
    active->round.on_answer(now, exchange_of(ticket), states);
    pump(now);
  }
}

void Republisher::on_stored(Instant now, UpkeepTicket ticket) {
  if (ActiveRound* active = round_of(ticket)) {
    active->round.on_stored(now, exchange_of(ticket));
    pump(now);
  }
}

void Republisher::on_failed(Instant now, UpkeepTicket ticket, ErrorCode code) {
  if (ActiveRound* active = round_of(ticket)) {
    active->round.on_failed(now, exchange_of(ticket), code);
    pump(now);
  }
}

void Republisher::pump(Instant now) {
  for (std::size_t index = 0; index < rounds_.size();) {
    ActiveRound& active = rounds_[index];
    const auto ticket = [&](RoundExchange exchange) {
      return UpkeepTicket{std::uint64_t{active.id} << 32 | exchange.value};
    };
    bool ended = false;
    while (auto effect = active.round.poll_effect()) {
      if (auto* offer = std::get_if<RoundOffer>(&*effect)) {
        outbox_.push(SendOffer{.ticket = ticket(offer->exchange),
                               .peer = std::move(offer->peer),
                               .offer = std::move(offer->offer),
                               .timeout = offer->timeout});
      } else if (auto* copy = std::get_if<RoundCopy>(&*effect)) {
        outbox_.push(SendCopy{.ticket = ticket(copy->exchange),
                              .peer = std::move(copy->peer),
                              .place = copy->place,
                              .digest = copy->digest,
                              .timeout = copy->timeout});
      } else {
        settle(now, active, std::get<RoundEnded>(*effect));
        ended = true;
      }
    }
    if (ended) {
      rounds_.erase(rounds_.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      ++index;
    }
  }
}

void Republisher::settle(Instant now, const ActiveRound& active, const RoundEnded& ended) {
  const RoundStats& sent = active.round.stats();
  stats_.sent.offers += sent.offers;
  stats_.sent.summaries += sent.summaries;
  stats_.sent.copies += sent.copies;
  stats_.sent.gifts += sent.gifts;
  stats_.sent.answers_senseless += sent.answers_senseless;
  for (const NodeId& silent : ended.silent) {
    std::erase_if(regions_, [&](const KnownRegion& known) {
      return std::any_of(known.contacts.begin(), known.contacts.end(),
                         [&](const wire::Contact& contact) { return contact.id == silent; });
    });
  }
  if (active.origin == Origin::hand_over) return;
  const auto& records = active.round.records();
  for (std::size_t index = 0; index < records.size(); ++index) {
    const KeptRecord& record = records[index];
    const KeptRecord* kept = schedule_.find(record.place);
    if (kept == nullptr || kept->digest != record.digest) continue;
    const RoundOutcome& outcome = ended.outcomes[index];
    const bool reached = outcome.copies > 0 || outcome.outdated;
    if (active.origin == Origin::spread) {
      if (reached) ++stats_.spread;
      continue;
    }
    // Somebody else's refresh came in between: its window has begun again.
    if (!schedule_.is_suspended(record.place)) continue;
    if (reached) {
      ++stats_.refreshed;
      failing_since_ = kNever;
      schedule_.on_refreshed(now, record.place, record.ends);
    } else {
      ++stats_.refreshes_failed;
      failing_since_ = std::min(failing_since_, active.due);
      schedule_.on_failed(now, record.place);
    }
  }
}

// ---- what our table knows

void Republisher::on_neighbours(Instant now, const FindNeighbours& asked,
                                const wire::Contacts& contacts) {
  if (!open_) return;
  if (asked.linked_only) {
    std::vector<NodeId> neighbours;
    for (const wire::Contact& contact : contacts) {
      if (keeps_replicas(contact)) neighbours.push_back(contact.id);
    }
    return watch_.note(now, neighbours);
  }
  if (asked.target == self_) {
    spread(now, contacts);
  } else {
    hand_over(now, asked.target, contacts);
    begin_hand_overs(now);
  }
  pump(now);
}

// ---- hand-overs

void Republisher::begin_hand_overs(Instant now) {
  // One view of the table at a time; it is answered before anything else happens.
  if (handing_over_ || rounds_of(Origin::hand_over) >= options_.hand_overs_max) return;
  handing_over_ = hand_overs_.take(now);
  if (!handing_over_) return;
  outbox_.push(FindNeighbours{.target = handing_over_->peer, .wanted = options_.nearest_wanted});
}

/// Whoever is among the nearest to a place and is not known to have the record gets an offer from
/// the few that are nearest to it.
void Republisher::hand_over(Instant now, const NodeId& peer, const wire::Contacts& contacts) {
  const auto part = std::exchange(handing_over_, std::nullopt);
  if (!part || part->peer != peer) return;
  const auto contact =
      std::find_if(contacts.begin(), contacts.end(),
                   [&](const wire::Contact& candidate) { return candidate.id == peer; });
  if (contact == contacts.end() || !keeps_replicas(*contact)) return;
  std::vector<KeptRecord> records;
  for (const NodeId& place : part->owed) {
    if (const KeptRecord* kept = schedule_.find(place)) records.push_back(*kept);
  }
  if (part->from) {
    const KeyRegion region = known_region(peer, contacts, options_.plan.copies);
    std::size_t examined = 0;
    std::optional<NodeId> next;
    schedule_.visit(region, std::max(*part->from, region.first), [&](const KeptRecord& record) {
      if (++examined > options_.hand_over.examined_max ||
          records.size() >= options_.round.summaries_per_offer_max) {
        next = record.place;
        return false;
      }
      const bool should_keep = rank_of(peer, record.place, contacts) + 1 < options_.plan.copies;
      const bool is_ours = rank_of(self_, record.place, contacts, peer) < options_.hand_over.givers;
      const bool is_settled = schedule_.refreshed(record.place) > part->since;
      if (should_keep && is_ours && !is_settled) records.push_back(record);
      return true;
    });
    if (next) hand_overs_.go_on(now, *part, *next);
  }
  if (records.empty()) return;
  ++stats_.hand_overs;
  ReplicaTask task{.peer = *contact, .kind = ReplicaTask::Kind::offer, .records = {}};
  for (std::uint32_t index = 0; index < records.size(); ++index) task.records.push_back(index);
  std::vector<ReplicaTask> tasks;
  tasks.push_back(std::move(task));
  begin_round(now, Origin::hand_over, now, std::move(records), std::move(tasks));
}

// ---- what others asked us to spread

void Republisher::spread(Instant now, const wire::Contacts& contacts) {
  std::vector<KeptRecord> records;
  FlatMap<NodeId, Delegated> waiting;
  const bool has_vacancy = rounds_of(Origin::spread) < options_.sweeps_max;
  for (const auto& [place, delegated] : delegated_) {
    if (delegated.until <= now) continue;
    // Until the content arrived that was offered.
    const KeptRecord* kept = schedule_.find(place);
    const bool is_here = kept != nullptr && kept->digest == delegated.digest;
    if (is_here && has_vacancy && records.size() < options_.records_per_sweep_max) {
      records.push_back(*kept);
    } else {
      waiting.insert(place, delegated);
    }
  }
  delegated_ = std::move(waiting);
  if (!delegated_.empty()) spread_at_ = after(now, options_.spread_wait);
  if (records.empty()) return;
  ReplicaPlan plan =
      plan_replicas(self_, self_, records, contacts, Delegation::never, options_.plan);
  begin_round(now, Origin::spread, now, std::move(records), std::move(plan.tasks));
}

}  // namespace trestle::dht
