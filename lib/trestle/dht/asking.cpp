// How our own questions end, and what an answer teaches.
#include <algorithm>
#include <utility>

#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

/// Whether the failure counts against the peer: silence and lies do, a refusal or our own doing
/// does not.
bool counts_against_peer(ErrorCode code) {
  return code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::refused || code == ErrorCode::connection_lost ||
         code == ErrorCode::protocol_error || code == ErrorCode::unauthorized;
}

const wire::Contacts* contacts_in(const wire::Message& answer) {
  if (const auto* nodes = std::get_if<wire::FindNodeResponse>(&answer)) return &nodes->contacts;
  const auto* value = std::get_if<wire::FindValueResponse>(&answer);
  return value != nullptr && !value->found ? &value->contacts : nullptr;
}

}  // namespace

Dht::Operation* Dht::operation_of(const PendingAsk& pending) {
  auto& operation = operations_[pending.slot];
  return operation && operation->id == pending.operation ? &*operation : nullptr;
}

/// The question that was answered, unless nobody waits for it any more.
std::optional<Dht::PendingAsk> Dht::take_answered(Instant now, AskId ask) {
  PendingAsk* known = asks_.find(ask);
  if (!open_ || known == nullptr) {
    ++stats_.answers_late;
    return std::nullopt;
  }
  table_.on_seen(now, known->peer);
  PendingAsk pending = std::move(*known);
  asks_.erase(ask);
  ++stats_.answers;
  return pending;
}

void Dht::on_answer(Instant now, AskId ask, const wire::Message& answer) {
  const auto* failure = std::get_if<wire::Failure>(&answer);
  if (failure != nullptr && failure->code == ErrorCode::rate_limited &&
      wait_and_repeat(now, ask, *failure)) {
    return;
  }
  auto pending = take_answered(now, ask);
  if (!pending || pending->kind == AskKind::probe) return;
  if (const wire::Contacts* contacts = contacts_in(answer)) learn(now, *contacts);
  if (pending->kind == AskKind::upkeep) return settle_upkeep(now, *pending, answer);
  Operation* operation = operation_of(*pending);
  if (operation == nullptr) {
    ++stats_.answers_late;
    return;
  }
  switch (pending->kind) {
    case AskKind::lookup:
      settle_lookup(now, *operation, pending->peer, answer);
      break;
    case AskKind::store:
      settle_store(now, *operation, *pending, answer);
      break;
    case AskKind::learn:
      on_learned(now, pending->slot, nullptr);
      break;
    case AskKind::upkeep:
    case AskKind::probe:
      break;
  }
  pump(now, pending->slot);
}

void Dht::on_record(Instant now, AskId ask, const crypto::VerifiedRecord& record) {
  const auto pending = take_answered(now, ask);
  if (!pending) return;
  if (pending->kind == AskKind::upkeep)
    return settle_upkeep(now, *pending, wire::FindValueResponse{});
  Operation* operation = operation_of(*pending);
  if (operation == nullptr) {
    ++stats_.answers_late;
    return;
  }
  if (pending->kind == AskKind::learn) {
    on_learned(now, pending->slot, &*record);
  } else if (pending->kind == AskKind::lookup) {
    operation->lookup.on_record(now, pending->peer, *record);
  }
  pump(now, pending->slot);
}

void Dht::settle_lookup(Instant now, Operation& operation, const NodeId& peer,
                        const wire::Message& answer) {
  if (const wire::Contacts* contacts = contacts_in(answer)) {
    return operation.lookup.on_contacts(now, peer, resolve(*contacts));
  }
  // A record comes by `on_record`, or it was not verified.
  const auto* failure = std::get_if<wire::Failure>(&answer);
  operation.lookup.on_failed(now, peer,
                             failure != nullptr ? failure->code : ErrorCode::protocol_error);
}

void Dht::settle_store(Instant now, Operation& operation, const PendingAsk& pending,
                       const wire::Message& answer) {
  Write* write = operation.write ? &*operation.write : nullptr;
  if (write == nullptr || !write->spread || write->attempt != pending.attempt) return;
  if (std::holds_alternative<wire::StoreResponse>(answer)) {
    return write->spread->on_kept(now, pending.peer);
  }
  const auto* failure = std::get_if<wire::Failure>(&answer);
  write->spread->on_refused(now, pending.peer,
                            failure != nullptr ? failure->code : ErrorCode::protocol_error);
}

void Dht::on_ask_failed(Instant now, AskId ask, ErrorCode code) {
  PendingAsk* known = asks_.find(ask);
  if (!open_ || known == nullptr) return;
  const PendingAsk pending = std::move(*known);
  asks_.erase(ask);
  pacing_.drop(ask);
  ++stats_.asks_failed;
  if (counts_against_peer(code)) {
    table_.on_failure(now, pending.peer);
    heard_.discredit(pending.peer);
  }
  if (pending.kind == AskKind::upkeep) {
    return settle_upkeep(now, pending, wire::Failure{code, 0, {}});
  }
  Operation* operation = operation_of(pending);
  if (operation == nullptr) return;
  if (pending.kind == AskKind::lookup) {
    operation->lookup.on_failed(now, pending.peer, code);
  } else if (pending.kind == AskKind::learn) {
    on_learned(now, pending.slot, nullptr);
  } else {
    settle_store(now, *operation, pending, wire::Failure{code, 0, {}});
  }
  pump(now, pending.slot);
}

/// Questions whose end nobody reported. They were issued in the order of their ids, so the oldest
/// come first. Their operations have long gone on without them.
void Dht::forget_asks(Instant now) {
  while (!asks_.empty()) {
    const auto& [ask, pending] = asks_.at_index(0);
    if (after(pending.issued, options_.ask_forgotten_after) > now) return;
    ++stats_.asks_forgotten;
    on_ask_failed(now, AskId(ask), ErrorCode::timeout);
  }
}

/// What we have proven of a peer ourselves goes before what others say of it (T9): its address, and
/// that it does not answer.
std::vector<Candidate> Dht::resolve(const wire::Contacts& contacts) const {
  std::vector<Candidate> candidates;
  candidates.reserve(std::min(contacts.size(), options_.lookup.contacts_per_answer_max));
  GroupCaps caps(options_.table.diversity.per_bucket_max);
  std::size_t read = 0;
  for (const wire::Contact& contact : contacts) {
    if (read++ == options_.lookup.contacts_per_answer_max) break;
    if (bounds_groups() && !caps.take(groups_of(contact))) continue;
    const Peer* peer = table_.find(contact.id);
    if (peer != nullptr && table_.is_failed(*peer)) continue;
    if (const wire::Contact* linked = links_.find(contact.id)) {
      candidates.push_back({.contact = *linked, .connected = true});
    } else if (peer != nullptr) {
      candidates.push_back({.contact = peer->contact, .connected = false});
    } else {
      candidates.push_back({.contact = contact, .connected = false});
    }
  }
  return candidates;
}

/// News of dialable peers goes to the owner, which decides whom to dial. Bounded by the contacts
/// read from an answer, and by our own questions.
void Dht::learn(Instant now, const wire::Contacts& contacts) {
  std::size_t read = 0;
  for (const wire::Contact& contact : contacts) {
    if (read++ == options_.lookup.contacts_per_answer_max) return;
    const bool takes_part = contact.role == wire::Role::node || contact.role == wire::Role::bridge;
    if (!takes_part || contact.address.empty() || contact.id == self_.id) continue;
    if (links_.contains(contact.id) || !heard_.note(now, contact)) continue;
    ++stats_.contacts_discovered;
    const Peer* known = table_.find(contact.id);
    outbox_.push(Discovered{known != nullptr ? known->contact : contact});
  }
}

}  // namespace trestle::dht
