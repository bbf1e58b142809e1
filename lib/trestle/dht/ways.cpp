// The ways to a peer: how long they take, through whom they lead, and searches that the network
// carries for us.
#include <algorithm>
#include <array>
#include <utility>

#include "trestle/dht/dht.hpp"
#include "trestle/dht/next_hop.hpp"

namespace trestle::dht {

// ---- candidates

/// What we know of it ourselves goes before the contact that was named.
Candidate Dht::candidate(Instant now, const wire::Contact& contact) const {
  if (const Peer* peer = table_.find(contact.id)) return candidate(now, *peer);
  const wire::Contact* linked = links_.find(contact.id);
  return with_pace(
      now, {.contact = linked != nullptr ? *linked : contact, .connected = linked != nullptr});
}

Candidate Dht::candidate(Instant now, const Peer& peer) const {
  const wire::Contact* linked = links_.find(peer.contact.id);
  return with_pace(
      now, {.contact = linked != nullptr ? *linked : wire::Contact(peer.contact),
            .connected = linked != nullptr,
            .inactive = linked != nullptr && after(peer.seen, options_.inactive_after) < now});
}

/// How long it takes to answer, and whether it does.
Candidate Dht::with_pace(Instant now, Candidate made) const {
  const NodeId& id = made.contact.id;
  made.round_trip = latencies_.average();
  if (const PeerLatency* latency = latencies_.find(id)) {
    made.round_trip = latency->smoothed();
    made.patience = latency->p95();
    made.silent = latencies_.is_silent(now, id, options_.lookup.hedge_after_min);
  } else if (made.connected) {
    made.patience = latencies_.assumed_p95();
  }
  return made;
}

/// What we have proven of a peer ourselves goes before what others say of it (T9): its address, and
/// that it does not answer.
std::vector<Candidate> Dht::resolve(Instant now, const wire::Contacts& contacts,
                                    const NodeId& namer) const {
  std::vector<Candidate> candidates;
  candidates.reserve(std::min(contacts.size(), options_.lookup.contacts_per_answer_max));
  GroupCaps caps(options_.table.diversity.per_bucket_max);
  std::size_t read = 0;
  for (const wire::Contact& contact : contacts) {
    if (read++ == options_.lookup.contacts_per_answer_max) break;
    if (bounds_groups() && !caps.take(groups_of(contact))) continue;
    const Peer* peer = table_.find(contact.id);
    if (peer != nullptr && table_.is_failed(*peer)) continue;
    candidates.push_back(peer != nullptr ? candidate(now, *peer) : candidate(now, contact));
    Candidate& made = candidates.back();
    if (!made.connected && made.contact.address.empty()) made.through = way_to(contact.id, namer);
  }
  return candidates;
}

// ---- through others

std::optional<NodeId> Dht::next_hop(const NodeId& target, std::span<const NodeId> excluded) const {
  std::vector<Hop> hops;
  hops.reserve(links_.size());
  for (const auto& [id, contact] : links_) {
    if (contact.dialect == wire::Dialect::legacy) continue;
    if (std::find(excluded.begin(), excluded.end(), id) != excluded.end()) continue;
    const PeerLatency* latency = latencies_.find(id);
    const Duration known = latency != nullptr ? latency->smoothed() : latencies_.average();
    hops.push_back({.id = id, .round_trip = known});
  }
  return dht::next_hop(self_.id, target, hops);
}

/// Who named a peer that cannot be dialled has a link to it, so it goes first; but only where it
/// brings the question nearer, as everybody else.
std::optional<NodeId> Dht::way_to(const NodeId& peer, const std::optional<NodeId>& namer) const {
  const wire::Contact* linked = namer ? links_.find(*namer) : nullptr;
  if (linked != nullptr && linked->dialect != wire::Dialect::legacy &&
      closer(peer, *namer, self_.id)) {
    return *namer;
  }
  return next_hop(peer, std::array{peer});
}

/// The peer cannot be reached from here. If somebody else vouched for it, it may be from there
/// (LOOK-07, LOOK-09); and who has no room for a link, or is one too many for us, is there without
/// anybody's word.
bool Dht::ask_through(Instant now, const PendingAsk& pending, Operation& operation,
                      ErrorCode code) {
  const bool no_room = code == ErrorCode::busy;
  const bool out_of_reach = code == ErrorCode::unreachable;
  if (pending.carried || (!no_room && (!out_of_reach || pending.linked))) return false;
  Lookup& lookup = operation.lookup;
  const auto deadline = lookup.deadline_of(pending.peer);
  const auto step = lookup.step_of(pending.peer);
  if (!deadline || *deadline <= now || !step || (!step->named_by && !no_room)) return false;
  const auto through = way_to(pending.peer, step->named_by);
  const auto hindrance = no_room ? Lookup::Hindrance::no_room : Lookup::Hindrance::out_of_reach;
  if (!through || !lookup.reroute(pending.peer, *through, hindrance)) return false;
  wire::Contact peer;
  peer.id = pending.peer;
  wire::Message question = lookup.question_to(peer.role);
  if (!issue(now, pending.slot, AskKind::lookup, std::move(peer), std::move(question),
             *deadline - now, through)) {
    lookup.on_failed(now, pending.peer, ErrorCode::busy);
  }
  return true;
}

/// Two peers that dial each other at the same moment end with one connection of the two, and what
/// was asked on the other goes with it; or the question met the goodbye of a link that was idle for
/// too long. The peer is there all the same: it is asked once more.
bool Dht::ask_again(Instant now, const PendingAsk& pending, const Lookup& lookup) {
  const auto deadline = lookup.deadline_of(pending.peer);
  if (!deadline || *deadline <= now) return false;
  const wire::Contact* linked = links_.find(pending.peer);
  const Peer* known = table_.find(pending.peer);
  if (linked == nullptr && (known == nullptr || !known->known())) return false;
  wire::Contact peer = linked != nullptr ? *linked : wire::Contact(known->contact);
  wire::Message question = lookup.question_to(peer.role);
  if (!issue(now, pending.slot, AskKind::lookup, std::move(peer), std::move(question),
             *deadline - now)) {
    return false;
  }
  if (PendingAsk* repeated = asks_.find(AskId{last_ask_})) repeated->again = true;
  ++counters_.asks_repeated;
  return true;
}

// ---- carried by the network

/// Instead of starting the lookup, hands it to the best of our links. Its answer names those that
/// the lookup then begins with; without one it begins as any other.
bool Dht::begin_recursive(Instant now, Slot slot, LookupMode mode) {
  const Operation& operation = *operations_[slot];
  const bool fits =
      operation.purpose >= Purpose::find && operation.lookup.kind() == LookupKind::find_node;
  if (mode != LookupMode::recursive || !fits) return false;
  const NodeId target = operation.lookup.target();
  const auto hop = next_hop(target, {});
  if (!hop) return false;
  ++counters_.asks_recursive;
  return issue(now, slot, AskKind::recursive, wire::Contact(*links_.find(*hop)),
               wire::RecursiveFindRequest{.target = target, .originator = self_.id, .hop_count = 0},
               options_.recursive_timeout);
}

void Dht::settle_recursive(Instant now, Operation& operation, const NodeId& peer,
                           const wire::Message& answer) {
  if (const auto* found = std::get_if<wire::RecursiveFindResponse>(&answer)) {
    for (const Candidate& one : resolve(now, found->contacts, peer)) {
      operation.lookup.add_seed(one);
    }
  }
  operation.lookup.start(now);
}

// ---- what is told

/// A link whose keepalive is answered lives. If questions on it are not, the peer is broken where
/// no ping shows it.
void Dht::count_silence(const PendingAsk& pending, ErrorCode code) {
  if (code != ErrorCode::timeout || !pending.linked || !links_.contains(pending.peer)) return;
  const Peer* peer = table_.find(pending.peer);
  if (peer == nullptr || peer->seen <= pending.issued) return;
  ++counters_.deaf;
  const std::uint32_t silences = ++*silent_.insert(pending.peer, 0).first;
  if (silences != options_.deaf_after) return;
  outbox_.push(PeerDeaf{.peer = pending.peer, .questions = silences});
}

void Dht::tell_question(const PendingAsk& pending, const Operation& operation) {
  if (options_.questions == QuestionReport::none) return;
  const auto step = operation.lookup.step_of(pending.peer);
  if (!step) return;
  const Peer* peer = table_.find(pending.peer);
  outbox_.push(QuestionEnded{.operation = operation.id,
                             .step = *step,
                             .linked = links_.contains(pending.peer),
                             .failures = peer != nullptr ? peer->failures : 0u});
}

}  // namespace trestle::dht
