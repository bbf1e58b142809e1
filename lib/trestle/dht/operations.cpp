// Commands of users and what they set in motion: a lookup, then, for a put, the copies.
#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht {

// ---- commands

std::optional<ErrorCode> Dht::refusal(std::string_view key) const {
  if (!open_) return ErrorCode::shutting_down;
  if (options_.data == DataPolicy::refuses_data) return ErrorCode::unsupported;
  if (key.empty() || key.size() > options_.records.key_bytes_max) return ErrorCode::invalid_request;
  return std::nullopt;
}

Result<OperationId, ErrorCode> Dht::put(Instant now, std::string key, Bytes value, Duration ttl) {
  if (const auto code = refusal(key)) return refuse(*code);
  const auto ttl_ms = std::chrono::ceil<std::chrono::milliseconds>(ttl).count();
  if (ttl_ms <= 0) return refuse(ErrorCode::invalid_request);
  if (value.size() > options_.records.value_bytes_max) return refuse(ErrorCode::too_large);
  if (!has_vacancy(Purpose::put)) {
    ++stats_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  const NodeId place = crypto::place_of_key(*suite_, key);
  const Duration granted = records_.granted_ttl(static_cast<std::uint64_t>(ttl_ms));
  const auto granted_ms = std::chrono::ceil<std::chrono::milliseconds>(granted).count();
  wire::Record record{.key = std::move(key),
                      .value = std::move(value),
                      .ttl_ms = static_cast<std::uint64_t>(granted_ms)};
  return begin(now, Purpose::put, LookupKind::find_node, place, std::move(record));
}

Result<OperationId, ErrorCode> Dht::get(Instant now, std::string key) {
  if (const auto code = refusal(key)) return refuse(*code);
  if (auto record = records_.find(now, key)) {
    const OperationId operation{++last_operation_};
    ++stats_.operations_started;
    ++stats_.operations_ended;
    outbox_.push(Ended{.operation = operation, .replicas = 0, .record = std::move(record)});
    return operation;
  }
  if (!has_vacancy(Purpose::get)) {
    ++stats_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  const NodeId place = crypto::place_of_key(*suite_, key);
  return begin(now, Purpose::get, LookupKind::find_value, place,
               {.key = std::move(key), .value = {}});
}

Result<OperationId, ErrorCode> Dht::find(Instant now, const NodeId& target) {
  if (!open_) return refuse(ErrorCode::shutting_down);
  if (!has_vacancy(Purpose::find)) {
    ++stats_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  return begin(now, Purpose::find, LookupKind::find_node, target, {});
}

/// Upkeep has slots of its own: users cannot starve it, and it never makes a user wait.
bool Dht::has_vacancy(Purpose purpose) const {
  std::size_t users = 0;
  for (const auto& operation : operations_) {
    if (!operation) continue;
    if (operation->purpose == purpose && purpose >= Purpose::self_lookup) return false;
    if (operation->purpose < Purpose::self_lookup) ++users;
  }
  return purpose >= Purpose::self_lookup || users < options_.operations_max;
}

// ---- one operation

OperationId Dht::begin(Instant now, Purpose purpose, LookupKind kind, const NodeId& target,
                       wire::Record record) {
  const auto vacant = std::find(operations_.begin(), operations_.end(), std::nullopt);
  TRESTLE_ASSERT(vacant != operations_.end());
  const Slot slot = static_cast<Slot>(vacant - operations_.begin());
  LookupOptions lookup_options = options_.lookup;
  if (purpose == Purpose::self_lookup) lookup_options.timeout_total = options_.self_lookup_timeout;
  const OperationId id{++last_operation_};
  std::string key = kind == LookupKind::find_value ? record.key : std::string();
  vacant->emplace(
      Operation{.id = id,
                .purpose = purpose,
                .lookup = Lookup(self_.id, kind, target, std::move(key), lookup_options),
                .record = std::move(record),
                .replication = {},
                .kept_here = false});
  ++stats_.lookups_started;
  if (purpose < Purpose::self_lookup) ++stats_.operations_started;
  seed((*vacant)->lookup);
  (*vacant)->lookup.start(now);
  pump(now, slot);
  return id;
}

/// The nearest we know; while those are few, also peers we only heard of and some that failed.
void Dht::seed(Lookup& lookup) {
  std::vector<PeerIndex> known(options_.seeds_max);
  const std::size_t count =
      table_.closest(lookup.target(), {.reach = Reach::usable, .excluding = {}}, known);
  for (std::size_t index = 0; index < count; ++index) {
    const Peer& peer = table_.at(known[index]);
    lookup.add_seed({.contact = peer.contact, .connected = peer.connected});
  }
  if (count >= options_.lookup.nearest) return;
  seed_failed(lookup);
  heard_.visit([&](const wire::Contact& contact) {
    lookup.add_seed({.contact = contact, .connected = false});
  });
}

/// Peers that failed of late may be back. Without any link all of them are tried; with one, a few
/// drawn at random, since each costs dials and the dead of a small network are soon its majority.
void Dht::seed_failed(Lookup& lookup) {
  std::vector<PeerIndex> failed(options_.seeds_max);
  failed.resize(table_.closest(lookup.target(), {.reach = Reach::failed, .excluding = {}}, failed));
  std::size_t wanted = links_.empty() ? failed.size() : options_.failed_seeds_max;
  for (; wanted > 0 && !failed.empty(); --wanted) {
    const std::size_t drawn = rng_.below(failed.size());
    const Peer& peer = table_.at(failed[drawn]);
    lookup.add_seed({.contact = peer.contact, .connected = peer.connected});
    failed[drawn] = failed.back();
    failed.pop_back();
  }
}

void Dht::pump(Instant now, Slot slot) {
  pump_lookup(now, slot);
  if (operations_[slot] && operations_[slot]->replication) pump_replication(now, slot);
  if (!operations_[slot]) return;
  const Operation& operation = *operations_[slot];
  timers_.set(slot, operation.replication ? operation.replication->next_deadline()
                                          : operation.lookup.next_deadline());
}

void Dht::pump_lookup(Instant now, Slot slot) {
  while (operations_[slot]) {
    auto effect = operations_[slot]->lookup.poll_effect();
    if (!effect) return;
    if (auto* ended = std::get_if<LookupEnded>(&*effect)) {
      on_lookup_ended(now, slot, *ended);
      continue;
    }
    auto& order = std::get<LookupAsk>(*effect);
    const NodeId peer = order.peer.id;
    if (!issue(now, slot, AskKind::lookup, std::move(order.peer), std::move(order.message),
               order.timeout)) {
      operations_[slot]->lookup.on_failed(now, peer, ErrorCode::busy);
    }
  }
}

void Dht::pump_replication(Instant now, Slot slot) {
  while (operations_[slot]) {
    Operation& operation = *operations_[slot];
    auto effect = operation.replication->poll_effect();
    if (!effect) return;
    if (auto* ended = std::get_if<ReplicationEnded>(&*effect)) {
      const auto replicas =
          static_cast<std::uint32_t>(ended->kept_by.size() + (operation.kept_here ? 1 : 0));
      end(slot, {.operation = operation.id,
                 .code = replicas > 0 ? ErrorCode::none : ended->code,
                 .replicas = replicas,
                 .record = {},
                 .contacts = std::move(ended->kept_by)});
      return;
    }
    auto& order = std::get<ReplicationAsk>(*effect);
    const NodeId peer = order.peer.id;
    if (!issue(now, slot, AskKind::store, std::move(order.peer), std::move(order.message),
               order.timeout)) {
      operation.replication->on_refused(now, peer, ErrorCode::busy);
    }
  }
}

bool Dht::issue(Instant now, Slot slot, AskKind kind, wire::Contact&& peer, wire::Message&& message,
                Duration timeout) {
  if (asks_.size() >= options_.asks_max) return false;
  const AskId ask{++last_ask_};
  asks_.insert(ask, {.slot = slot,
                     .operation = operations_[slot]->id,
                     .peer = peer.id,
                     .issued = now,
                     .kind = kind});
  ++stats_.asks;
  outbox_.push(
      Ask{.ask = ask, .peer = std::move(peer), .message = std::move(message), .timeout = timeout});
  return true;
}

void Dht::on_lookup_ended(Instant now, Slot slot, LookupEnded& ended) {
  ++stats_.lookups_ended;
  stats_.lookup_hops += ended.stats.hops;
  Operation& operation = *operations_[slot];
  const OperationId id = operation.id;
  switch (operation.purpose) {
    case Purpose::put:
      return begin_replication(now, slot, ended);
    case Purpose::get:
      return end(slot, {.operation = id, .code = ended.code, .record = std::move(ended.record)});
    case Purpose::find:
      if (ended.answered.size() > options_.lookup.nearest) {
        ended.answered.resize(options_.lookup.nearest);
      }
      return end(slot,
                 {.operation = id, .code = ended.code, .contacts = std::move(ended.answered)});
    case Purpose::self_lookup:
      end(slot, {.operation = id});
      return on_self_lookup_ended(now, ended);
    case Purpose::refresh:
      end(slot, {.operation = id});
      // A refresh renews what a look-up of ourselves has confirmed, or takes it back.
      if (neighbourhood_confirmed_at_) confirm_neighbourhood(now, ended.stats);
      return plan_self_lookup(now);
  }
}

/// The copies go to the k nearest that answered and keep data. We are one of them if fewer than k
/// of the others are nearer.
void Dht::begin_replication(Instant now, Slot slot, LookupEnded& ended) {
  Operation& operation = *operations_[slot];
  const NodeId& place = operation.lookup.target();
  const std::size_t wanted = options_.lookup.nearest;
  wire::Contacts& targets = ended.answered;
  std::erase_if(targets,
                [](const wire::Contact& contact) { return contact.role == wire::Role::bridge; });
  const auto farther = std::find_if(targets.begin(), targets.end(), [&](const auto& contact) {
    return closer(place, self_.id, contact.id);
  });
  ErrorCode refused_here = ErrorCode::unreachable;
  if (static_cast<std::size_t>(farther - targets.begin()) < wanted) {
    const auto kept = records_.put(now, self_.id, operation.record);
    operation.kept_here = kept.has_value();
    if (!kept) refused_here = kept.error();
  }
  const std::size_t others = wanted - (operation.kept_here ? 1 : 0);
  if (targets.size() > others) targets.resize(others);
  if (targets.empty()) {
    return end(slot, {.operation = operation.id,
                      .code = operation.kept_here ? ErrorCode::none : refused_here,
                      .replicas = operation.kept_here ? 1u : 0u});
  }
  operation.replication.emplace(std::move(operation.record), std::move(targets),
                                options_.replication);
  operation.replication->start(now);
}

void Dht::end(Slot slot, Ended ended) {
  const bool of_user = operations_[slot]->purpose < Purpose::self_lookup;
  operations_[slot].reset();
  timers_.erase(slot);
  if (!of_user) return;
  ++stats_.operations_ended;
  outbox_.push(std::move(ended));
}

}  // namespace trestle::dht
