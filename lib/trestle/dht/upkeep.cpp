// What is kept here is kept alive: the orders of our `Republisher`, and the offers of others.
#include <algorithm>
#include <utility>

#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/dht/refusal.hpp"

namespace trestle::dht {
namespace {

KeptRecord kept_record(const Replica& replica) {
  return {.place = replica.place,
          .version = replica.record.version,
          .digest = replica.digest,
          .ends = replica.ends,
          .legacy = replica.record.legacy};
}

void add_missing(wire::Contacts& contacts, wire::Contacts&& more) {
  for (wire::Contact& contact : more) {
    const bool known = std::any_of(contacts.begin(), contacts.end(), [&](const auto& known_one) {
      return known_one.id == contact.id;
    });
    if (!known) contacts.push_back(std::move(contact));
  }
}

}  // namespace

// ---- what is kept

void Dht::restore_upkeep(Instant now) {
  records().visit_range(KeyRegion{}.first, KeyRegion{}.last, [&](const Replica& replica) {
    if (replica.is_alive(now)) republisher_.on_restored(now, kept_record(replica));
    return true;
  });
}

/// Something was delivered under this key by `from`, and kept or not.
void Dht::note_delivery(Instant now, const std::string& key, const NodeId& from) {
  const NodeId place = crypto::place_of_key(*suite_, key);
  const Replica* kept = records().find_by_place(place);
  if (kept == nullptr || !kept->is_alive(now)) return;
  const KeptRecord* known = republisher_.schedule().find(place);
  if (known == nullptr || known->digest != kept->digest) {
    republisher_.on_kept(now, kept_record(*kept));
  } else if (kept->refreshed == now) {
    republisher_.on_refreshed(now, place, kept->ends, from);
  }
}

// ---- offers of others

wire::Message Dht::serve_offer(Instant now, const NodeId& from, const wire::ReplicaOffer& offer) {
  if (options_.data == DataPolicy::refuses_data) {
    ++counters_.data_refused;
    return refusal_with(ErrorCode::data_refused);
  }
  wire::ReplicaAnswer answer;
  answer.states.reserve(offer.records.size());
  for (const wire::ReplicaSummary& offered : offer.records) {
    const wire::ReplicaState state = judge_offer(now, offered);
    republisher_.on_offered(now, from, offered, state, offer.delegated);
    if (state == wire::ReplicaState::have) {
      const Instant ends = records().find_by_place(offered.place)->ends;
      republisher_.on_refreshed(now, offered.place, ends, from);
    }
    answer.states.push_back(state);
  }
  return answer;
}

wire::ReplicaState Dht::judge_offer(Instant now, const wire::ReplicaSummary& offered) {
  const wire::ReplicaState state = republisher_.judge(offered);
  switch (state) {
    case wire::ReplicaState::have: {
      const auto prolonged =
          desk_.records().prolong(now, offered.place, offered.digest, offered.left_ms);
      if (prolonged) return state;
      return prolonged.error() == ErrorCode::not_found ? wire::ReplicaState::need
                                                       : wire::ReplicaState::refused;
    }
    case wire::ReplicaState::need:
      if (!belongs_near(offered.place)) return wire::ReplicaState::refused;
      [[fallthrough]];
    case wire::ReplicaState::mismatch:
      if (offered.left_ms == 0 || records().is_read_only()) return wire::ReplicaState::refused;
      return state;
    case wire::ReplicaState::newer:
    case wire::ReplicaState::refused:
      return state;
  }
  return state;
}

/// Whether we may well be one of the nearest to a place. Tables differ, so twice as many nearer
/// ones as there are copies have to be known before an offer is turned down for it.
bool Dht::belongs_near(const NodeId& place) const {
  return table_.is_among_nearest(place, self_.id, 2 * options_.republish.plan.copies);
}

// ---- our own orders

void Dht::keep_alive(Instant now) {
  if (options_.data == DataPolicy::refuses_data) return;
  while (republisher_.next_deadline() <= now) {
    republisher_.on_deadline(now);
    pump_upkeep(now);
  }
}

void Dht::pump_upkeep(Instant now) {
  while (auto effect = republisher_.poll_effect()) {
    if (const auto* lookup = std::get_if<FindNearest>(&*effect)) {
      if (has_vacancy(Purpose::upkeep)) {
        begin(now, Purpose::upkeep, LookupKind::find_node, lookup->target, {});
      } else {
        republisher_.on_nearest(now, lookup->target, {});
      }
    } else if (const auto* neighbours = std::get_if<FindNeighbours>(&*effect)) {
      const Reach reach = neighbours->linked_only ? Reach::connected : Reach::usable;
      const auto contacts = table_.closest_contacts(neighbours->target, neighbours->wanted,
                                                    {.reach = reach, .excluding = {}});
      republisher_.on_neighbours(now, *neighbours, contacts);
    } else if (auto* offer = std::get_if<SendOffer>(&*effect)) {
      issue_upkeep(now, offer->ticket, std::move(offer->peer), std::move(offer->offer),
                   offer->timeout);
    } else if (auto* copy = std::get_if<SendCopy>(&*effect)) {
      send_copy(now, std::move(*copy));
    }
  }
}

void Dht::send_copy(Instant now, SendCopy&& copy) {
  const Replica* kept = records().find_by_place(copy.place);
  if (kept == nullptr || !kept->is_alive(now) || kept->digest != copy.digest) {
    return republisher_.on_failed(now, copy.ticket, ErrorCode::cancelled);
  }
  issue_upkeep(now, copy.ticket, std::move(copy.peer), wire::StoreRequest{kept->told(now)},
               copy.timeout);
}

void Dht::issue_upkeep(Instant now, UpkeepTicket ticket, wire::Contact&& peer,
                       wire::Message&& message, Duration timeout) {
  if (asks_.size() >= options_.asks_max) {
    return republisher_.on_failed(now, ticket, ErrorCode::busy);
  }
  const AskId ask{++last_ask_};
  asks_.insert(ask, {.slot = 0,
                     .operation = OperationId{ticket.value},
                     .peer = peer.id,
                     .issued = now,
                     .kind = AskKind::upkeep});
  ++counters_.asks;
  const bool is_paced = pace(now, Ask{.ask = ask,
                                      .peer = std::move(peer),
                                      .message = std::move(message),
                                      .timeout = timeout,
                                      .for_upkeep = true});
  if (!is_paced) republisher_.on_failed(now, ticket, ErrorCode::rate_limited);
}

/// Those who answered, and whom our table knows besides: the nearest name each other, and everybody
/// names the same twenty.
void Dht::on_upkeep_lookup_ended(Instant now, const NodeId& target, LookupEnded& ended) {
  if (ended.answered.empty()) {
    republisher_.on_nearest(now, target, {});
    return pump_upkeep(now);
  }
  const std::size_t wanted = options_.republish.nearest_wanted;
  wire::Contacts contacts = std::move(ended.answered);
  add_missing(contacts, table_.closest_contacts(target, wanted));
  std::sort(contacts.begin(), contacts.end(),
            [&](const auto& left, const auto& right) { return closer(target, left.id, right.id); });
  if (contacts.size() > wanted) contacts.resize(wanted);
  republisher_.on_nearest(now, target, contacts);
  pump_upkeep(now);
}

void Dht::settle_upkeep(Instant now, const PendingAsk& pending, const wire::Message& answer) {
  const UpkeepTicket ticket{pending.operation.value};
  if (const auto* states = std::get_if<wire::ReplicaAnswer>(&answer)) {
    republisher_.on_answer(now, ticket, states->states);
  } else if (std::holds_alternative<wire::StoreResponse>(answer)) {
    republisher_.on_stored(now, ticket);
  } else {
    const auto* failure = std::get_if<wire::Failure>(&answer);
    republisher_.on_failed(now, ticket,
                           failure != nullptr ? failure->code : ErrorCode::protocol_error);
  }
  pump_upkeep(now);
}

}  // namespace trestle::dht
