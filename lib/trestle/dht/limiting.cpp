// Limits in both directions: what we serve, how we take being limited, and how much of a choice may
// be in one hand.
#include <string>
#include <utility>

#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

constexpr const char* kRateLimited =
    "You ask this node more than it serves one peer; ask again after the wait, or another node.";

/// Peers of the old dialect have no word for a wait: they get an empty answer, as from a node that
/// knows nobody.
std::optional<wire::Message> empty_answer(const wire::Message& request) {
  if (std::holds_alternative<wire::FindNodeRequest>(request)) return wire::FindNodeResponse{};
  if (std::holds_alternative<wire::FindValueRequest>(request)) return wire::FindValueResponse{};
  return std::nullopt;
}

}  // namespace

// ---- serving

/// The answer to a request over the limit; nothing if it is within.
std::optional<wire::Message> Dht::refusal_of_rate(Instant now, const NodeId& from,
                                                  const wire::Message& request) {
  const link::RateKey* unproven = unproven_.find(from);
  const link::RateKey key = unproven != nullptr ? *unproven : link::RateKey::of_identity(from);
  const auto standing =
      unproven != nullptr ? ServingLimits::Standing::unproven : ServingLimits::Standing::proven;
  const NetworkState state = limits_.state(neighbourhood_known_, table_.size());
  const link::RateVerdict verdict = limits_.admit(now, key, standing, request, state);
  if (verdict.allowed) return std::nullopt;
  ++counters_.requests_limited;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(verdict.retry_after);
  if (verdict.crosses_threshold()) {
    outbox_.push(LogRecord{.level = verdict.refused == 1 ? LogLevel::info : LogLevel::warning,
                           .event = "dht.rate_limited",
                           .code = ErrorCode::rate_limited,
                           .peer = from,
                           .detail = std::to_string(verdict.refused) +
                                     " of its requests refused in a row, to wait " +
                                     std::to_string(wait.count()) + " ms"});
  }
  if (unproven != nullptr) {
    if (auto empty = empty_answer(request)) return empty;
  }
  return wire::Failure{.code = ErrorCode::rate_limited,
                       .retry_after_ms = static_cast<std::uint32_t>(wait.count()),
                       .text = kRateLimited};
}

// ---- groups

/// As it was met, else as it is said to be.
PeerGroups Dht::groups_of(const wire::Contact& contact) const {
  const Peer* known = table_.find(contact.id);
  if (known != nullptr && !known->groups.place.is_exempt()) return known->groups;
  return {.place = group_of_url(contact.address),
          .inviter = known != nullptr ? known->groups.inviter : PeerGroup{}};
}

wire::Contacts Dht::spread_over_groups(wire::Contacts chosen) const {
  if (!bounds_groups()) return chosen;
  GroupCaps caps(options_.table.diversity.per_table_max);
  std::erase_if(chosen,
                [&](const wire::Contact& contact) { return !caps.take(groups_of(contact)); });
  return chosen;
}

// ---- asking

/// Sends the question, or keeps it until its peer may be asked again. False if neither can be.
bool Dht::pace(Instant now, Ask&& ask) {
  PendingAsk& pending = *asks_.find(ask.ask);
  // What is only upkeep is never an emergency.
  const bool is_urgent = links_.empty() && pending.kind != AskKind::upkeep;
  const Plight plight = is_urgent ? Plight::isolated : Plight::linked;
  const Instant deadline = after(pending.issued, ask.timeout);
  const auto verdict = pacing_.submit(now, ask.ask, ask.peer.id, deadline, plight);
  if (!verdict) {
    asks_.erase(ask.ask);
    return false;
  }
  pending.order = std::make_unique<Ask>(std::move(ask));
  if (*verdict == AskPacing::Verdict::send) {
    send(now, pending, Ask(*pending.order));
  } else {
    pending.was_held_back = true;
  }
  return true;
}

void Dht::send(Instant now, PendingAsk& pending, Ask&& order) {
  pending.is_owed = pending.linked && !pending.carried;
  if (pending.is_owed) latencies_.on_asked(now, pending.peer);
  outbox_.push(std::move(order));
}

/// The question has ended, or waits here for its next turn.
void Dht::settle_debt(PendingAsk& pending) {
  if (std::exchange(pending.is_owed, false)) latencies_.on_ended(pending.peer);
}

/// The peer is there and will answer later: nothing counts against it. Its question waits, if its
/// own time allows, and the lookup asks others meanwhile. False: it has failed for good.
bool Dht::wait_and_repeat(Instant now, AskId ask, const wire::Failure& failure) {
  PendingAsk* known = asks_.find(ask);
  if (!open_ || known == nullptr) return false;
  known->was_held_back = true;
  const NodeId peer = known->peer;
  ++counters_.asks_limited;
  table_.on_seen(now, peer);
  settle_debt(*known);
  latencies_.on_answered(now, peer);
  pacing_.on_limited(now, peer, std::chrono::milliseconds(failure.retry_after_ms));
  look_elsewhere(now);
  known = asks_.find(ask);
  if (known == nullptr) return true;
  const PendingAsk& pending = *known;
  // A search that the network does not carry is our own at once.
  if (pending.kind == AskKind::recursive) return false;
  if (!pending.order || !is_awaited(pending)) return false;
  const Instant deadline = after(pending.issued, pending.order->timeout);
  return pacing_.submit(now, ask, pending.peer, deadline, Plight::linked).has_value();
}

/// Who is limited while it still looks for its neighbourhood turns to whomever it has heard of
/// (RATE-03); once, until it loses the neighbourhood again.
void Dht::look_elsewhere(Instant now) {
  if (neighbourhood_known_ || looked_elsewhere_) return;
  looked_elsewhere_ = true;
  heard_.visit([&](const wire::Contact& contact) {
    if (!links_.contains(contact.id)) outbox_.push(Discovered{contact});
  });
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    if (!operations_[slot] || operations_[slot]->purpose != Purpose::self_lookup) continue;
    heard_.visit([&](const wire::Contact& contact) {
      operations_[slot]->lookup.add_seed({.contact = contact, .connected = false});
    });
    pump(now, slot);
  }
}

/// Whether somebody still wants the answer.
bool Dht::is_awaited(const PendingAsk& pending) {
  return pending.kind == AskKind::upkeep || operation_of(pending) != nullptr;
}

void Dht::release_asks(Instant now) {
  while (const auto ask = pacing_.pop_due(now)) {
    PendingAsk* pending = asks_.find(*ask);
    if (pending == nullptr) continue;
    if (!is_awaited(*pending)) {
      asks_.erase(*ask);
      continue;
    }
    Ask order = *pending->order;
    order.timeout = after(pending->issued, order.timeout) - now;
    send(now, *pending, std::move(order));
  }
}

}  // namespace trestle::dht
