// How our own questions end, and what an answer teaches.
#include <algorithm>
#include <utility>

#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

/// Whether the failure counts against the peer: silence and lies do; a refusal, our own doing, or
/// that it let an idle link go, do not.
bool counts_against_peer(ErrorCode code) {
  return code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::refused || code == ErrorCode::connection_lost ||
         code == ErrorCode::protocol_error || code == ErrorCode::unauthorized;
}

/// The connection ended, not the peer.
bool is_of_connection(ErrorCode code) {
  return code == ErrorCode::connection_lost || code == ErrorCode::duplicate_connection;
}

const wire::Contacts* contacts_in(const wire::Message& answer) {
  if (const auto* nodes = std::get_if<wire::FindNodeResponse>(&answer)) return &nodes->contacts;
  if (const auto* found = std::get_if<wire::RecursiveFindResponse>(&answer)) {
    return &found->contacts;
  }
  const auto* value = std::get_if<wire::FindValueResponse>(&answer);
  return value != nullptr && !value->found ? &value->contacts : nullptr;
}

}  // namespace

DhtState::Operation* Dht::operation_of(const PendingAsk& pending) {
  auto& operation = operations_[pending.slot];
  return operation && operation->id == pending.operation ? &*operation : nullptr;
}

/// The question that was answered, unless nobody waits for it any more.
std::optional<DhtState::PendingAsk> Dht::take_answered(Instant now, AskId ask) {
  PendingAsk* known = asks_.find(ask);
  if (!open_ || known == nullptr) {
    ++counters_.answers_late;
    return std::nullopt;
  }
  PendingAsk pending = std::move(*known);
  asks_.erase(ask);
  ++counters_.answers;
  settle_debt(pending);
  if (!pending.carried) {
    table_.on_seen(now, pending.peer);
    silent_.erase(pending.peer);
    latencies_.on_answered(now, pending.peer);
  }
  if (pending.linked && !pending.carried && !pending.was_held_back) {
    latencies_.add(now, pending.peer, now - pending.issued);
  }
  return pending;
}

void Dht::on_answer(Instant now, AskId ask, const wire::Message& answer) {
  const auto* failure = std::get_if<wire::Failure>(&answer);
  if (failure != nullptr && failure->code == ErrorCode::rate_limited &&
      wait_and_repeat(now, ask, *failure)) {
    return;
  }
  const auto pending = take_answered(now, ask);
  if (!pending || pending->kind == AskKind::probe) return;
  if (const wire::Contacts* contacts = contacts_in(answer)) learn(now, *contacts);
  if (pending->kind == AskKind::upkeep) return settle_upkeep(now, *pending, answer);
  Operation* operation = operation_of(*pending);
  if (operation == nullptr) {
    ++counters_.answers_late;
    return;
  }
  switch (pending->kind) {
    case AskKind::lookup:
      settle_lookup(now, *operation, pending->peer, answer);
      tell_question(*pending, *operation);
      break;
    case AskKind::recursive:
      settle_recursive(now, *operation, pending->peer, answer);
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
    ++counters_.answers_late;
    return;
  }
  if (pending->kind == AskKind::learn) {
    on_learned(now, pending->slot, &*record);
  } else if (pending->kind == AskKind::lookup) {
    operation->lookup.on_record(now, pending->peer, *record);
    tell_question(*pending, *operation);
  }
  pump(now, pending->slot);
}

void Dht::settle_lookup(Instant now, Operation& operation, const NodeId& peer,
                        const wire::Message& answer) {
  if (const wire::Contacts* contacts = contacts_in(answer)) {
    return operation.lookup.on_contacts(now, peer, resolve(now, *contacts, peer));
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
  PendingAsk pending = std::move(*known);
  asks_.erase(ask);
  pacing_.drop(ask);
  settle_debt(pending);
  Operation* operation = operation_of(pending);
  const bool is_there =
      code == ErrorCode::idle || (is_of_connection(code) && links_.contains(pending.peer));
  const bool may_repeat =
      pending.kind == AskKind::lookup && !pending.carried && !pending.again && is_there;
  if (may_repeat && operation != nullptr && ask_again(now, pending, operation->lookup)) return;
  ++counters_.asks_failed;
  if (!pending.carried && counts_against_peer(code)) {
    count_silence(pending, code);
    table_.on_failure(now, pending.peer);
    heard_.discredit(pending.peer);
  }
  if (pending.kind == AskKind::upkeep) {
    return settle_upkeep(now, pending, wire::Failure{code, 0, {}});
  }
  if (operation == nullptr) return;
  if (pending.kind == AskKind::lookup) {
    if (!ask_through(now, pending, *operation, code)) {
      operation->lookup.on_failed(now, pending.peer, code);
      tell_question(pending, *operation);
    }
  } else if (pending.kind == AskKind::recursive) {
    operation->lookup.start(now);
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
    ++counters_.asks_forgotten;
    on_ask_failed(now, AskId(ask), ErrorCode::timeout);
  }
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
    ++counters_.contacts_discovered;
    const Peer* known = table_.find(contact.id);
    outbox_.push(Discovered{known != nullptr ? known->contact : contact});
  }
}

}  // namespace trestle::dht
