// The look-ups of users and of upkeep. What a put does beyond them is in writing.cpp.
#include <algorithm>
#include <iterator>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht {

namespace {

/// Slots beside those of users: one look-up of ourselves, one refresh, one
/// for the copies of records.
constexpr std::size_t kUpkeepSlots = 3;

}  // namespace

// ---- commands

std::optional<ErrorCode> Dht::refusal(std::string_view key) const {
  if (!open_) return ErrorCode::shutting_down;
  if (options_.data == DataPolicy::refuses_data) return ErrorCode::unsupported;
  if (key.empty() || key.size() > options_.records.key_bytes_max) return ErrorCode::invalid_request;
  return std::nullopt;
}

Result<OperationId, ErrorCode> Dht::get(Instant now, std::string key, const LookupWish& wish) {
  if (const auto code = refusal(key)) return refuse(*code);
  if (!wish.is_possible()) return refuse(ErrorCode::invalid_request);
  const Replica* kept = records().find(now, key);
  if (kept != nullptr && wish.paths == 1) {
    if (kept->is_tombstone()) return end_at_once({.operation = {}, .code = ErrorCode::not_found});
    return end_at_once({.operation = {}, .record = kept->told(now)});
  }
  if (!has_vacancy(Purpose::get)) {
    ++counters_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  const NodeId place = crypto::place_of_key(*suite_, key);
  return begin(now, Purpose::get, LookupKind::find_value, place, std::move(key), {}, wish);
}

Result<OperationId, ErrorCode> Dht::find(Instant now, const NodeId& target,
                                         const LookupWish& wish) {
  if (!open_) return refuse(ErrorCode::shutting_down);
  if (!wish.is_possible()) return refuse(ErrorCode::invalid_request);
  if (!has_vacancy(Purpose::find)) {
    ++counters_.operations_refused;
    return refuse(ErrorCode::busy);
  }
  return begin(now, Purpose::find, LookupKind::find_node, target, {}, {}, wish);
}

/// Upkeep has slots of its own: users cannot starve it, and it never makes a user wait.
bool Dht::has_vacancy(Purpose purpose) const {
  std::size_t users = 0;
  for (const auto& operation : operations_) {
    if (!operation) continue;
    if (operation->purpose == purpose && purpose >= Purpose::self_lookup) return false;
    const bool is_told = operation->write && operation->write->is_told;
    if (operation->purpose < Purpose::self_lookup && !is_told) ++users;
  }
  return purpose >= Purpose::self_lookup || users < options_.operations_max;
}

// ---- one operation

OperationId Dht::begin(Instant now, Purpose purpose, LookupKind kind, const NodeId& target,
                       std::string key, std::optional<Write> write, const LookupWish& wish) {
  auto vacant = std::find(operations_.begin(), operations_.end(), nullptr);
  if (vacant == operations_.end()) {
    const std::size_t slots = options_.operations_max + options_.background_max + kUpkeepSlots;
    TRESTLE_ASSERT(operations_.size() < slots);
    operations_.emplace_back();
    vacant = std::prev(operations_.end());
  }
  const Slot slot = static_cast<Slot>(vacant - operations_.begin());
  const OperationId id{++last_operation_};
  *vacant = std::make_unique<Operation>(
      Operation{.id = id,
                .purpose = purpose,
                .lookup = Lookup(self_.id, LookupKind::find_node, target, {}, options_.lookup),
                .write = std::move(write)});
  // One of ourselves counts when it has ended: only then is the last bucket our neighbourhood.
  if (purpose != Purpose::self_lookup) refresh_turns_.on_lookup(now, bucket_of(target));
  if (purpose < Purpose::self_lookup) ++counters_.operations_started;
  auto& own_write = operations_[slot]->write;
  if (own_write && own_write->stage == Write::Stage::preparing && !own_write->is_signed) {
    order_signature(now, *operations_[slot], own_write->record);
  }
  look_up(now, slot, kind, target, std::move(key), wish);
  pump(now, slot);
  return id;
}

/// The answer is known already.
OperationId Dht::end_at_once(Ended ended) {
  ended.operation = OperationId{++last_operation_};
  ++counters_.operations_started;
  ++counters_.operations_ended;
  outbox_.push(ended);
  return ended.operation;
}

/// Begins the operation's lookup, in the place of one that has ended.
void Dht::look_up(Instant now, Slot slot, LookupKind kind, const NodeId& target, std::string key,
                  const LookupWish& wish) {
  Operation& operation = *operations_[slot];
  operation.lookup =
      Lookup(self_.id, kind, target, std::move(key), lookup_options(operation.purpose, wish));
  ++counters_.lookups_started;
  seed(now, operation.lookup);
  if (!begin_recursive(now, slot, wish.mode.value_or(options_.mode))) operation.lookup.start(now);
}

LookupOptions Dht::lookup_options(Purpose purpose, const LookupWish& wish) const {
  LookupOptions made = options_.lookup;
  if (purpose == Purpose::self_lookup) made.timeout_total = options_.self_lookup_timeout;
  if (purpose == Purpose::refresh) made.nearest = std::min(made.nearest, options_.refresh_answers);
  made.steps = wish.steps;
  if (wish.paths > 1) {
    made.paths = wish.paths;
    made.quorum = options_.critical_quorum;
  }
  return made;
}

/// The nearest we know; while those are few, also peers we only heard of and some that failed.
void Dht::seed(Instant now, Lookup& lookup) {
  // A search for a value ends with the first that has it: it needs no others to fill its answers.
  const bool ends_early = lookup.kind() == LookupKind::find_value;
  std::vector<PeerIndex> known(ends_early ? options_.lookup.nearest : options_.seeds_max);
  const std::size_t count =
      table_.closest(lookup.target(), {.reach = Reach::usable, .excluding = {}}, known);
  for (std::size_t index = 0; index < count; ++index) {
    lookup.add_seed(candidate(now, table_.at(known[index])));
  }
  if (count >= options_.lookup.nearest) return;
  seed_failed(now, lookup);
  GroupCaps caps(options_.table.diversity.per_bucket_max);
  heard_.visit([&](const wire::Contact& contact) {
    if (bounds_groups() && !caps.take(groups_of(contact))) return;
    lookup.add_seed(candidate(now, contact));
  });
}

/// Peers that failed of late may be back. Without any link all of them are tried; with one, a few
/// drawn at random, since each costs dials and the dead of a small network are soon its majority.
void Dht::seed_failed(Instant now, Lookup& lookup) {
  std::vector<PeerIndex> failed(options_.seeds_max);
  failed.resize(table_.closest(lookup.target(), {.reach = Reach::failed, .excluding = {}}, failed));
  std::size_t wanted = links_.empty() ? failed.size() : options_.failed_seeds_max;
  for (; wanted > 0 && !failed.empty(); --wanted) {
    const std::size_t drawn = rng_.below(failed.size());
    lookup.add_seed(candidate(now, table_.at(failed[drawn])));
    failed[drawn] = failed.back();
    failed.pop_back();
  }
}

void Dht::pump(Instant now, Slot slot) {
  pump_lookup(now, slot);
  if (operations_[slot] && operations_[slot]->write) pump_write(now, slot);
  if (!operations_[slot]) return;
  const Operation& operation = *operations_[slot];
  const Instant next = operation.lookup.next_deadline();
  const bool spreads = operation.write && operation.write->spread;
  timers_.set(slot, spreads ? std::min(next, operation.write->spread->next_deadline()) : next);
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
               order.timeout, order.through)) {
      operations_[slot]->lookup.on_failed(now, peer, ErrorCode::busy);
    }
  }
}

bool Dht::issue(Instant now, Slot slot, AskKind kind, wire::Contact&& peer, wire::Message&& message,
                Duration timeout, const std::optional<NodeId>& through) {
  if (asks_.size() >= options_.asks_max) return false;
  const AskId ask{++last_ask_};
  asks_.insert(ask, {.slot = slot,
                     .operation = operations_[slot]->id,
                     .peer = peer.id,
                     .issued = now,
                     .kind = kind,
                     .attempt = operations_[slot]->write ? operations_[slot]->write->attempt : 0,
                     .linked = links_.contains(peer.id),
                     .carried = through.has_value()});
  ++counters_.asks;
  if (through) ++counters_.asks_through;
  return pace(now, Ask{.ask = ask,
                       .peer = std::move(peer),
                       .message = std::move(message),
                       .timeout = timeout,
                       .through = through,
                       .for_upkeep = is_upkeep(operations_[slot]->purpose)});
}

void Dht::on_lookup_ended(Instant now, Slot slot, LookupEnded& ended) {
  ++counters_.lookups_ended;
  counters_.lookup_hops += ended.stats.hops;
  counters_.hedges += ended.stats.hedges;
  Operation& operation = *operations_[slot];
  const OperationId id = operation.id;
  switch (operation.purpose) {
    case Purpose::put:
    case Purpose::prolong:
    case Purpose::remove:
      // Whoever cannot be reached cannot keep a copy for us.
      std::erase_if(ended.answered, [&](const wire::Contact& contact) {
        return std::find(ended.answered_through.begin(), ended.answered_through.end(),
                         contact.id) != ended.answered_through.end();
      });
      return on_write_lookup_ended(now, slot, ended);
    case Purpose::get:
      compare_with_own(now, operation.lookup.key(), ended);
      if (ended.record && ended.record->kind == wire::RecordKind::tombstone) {
        ended.code = ErrorCode::not_found;
        ended.record.reset();
      }
      return end(slot, {.operation = id,
                        .code = ended.code,
                        .record = std::move(ended.record),
                        .steps = std::move(ended.steps)});
    case Purpose::find:
      if (ended.answered.size() > options_.lookup.nearest) {
        ended.answered.resize(options_.lookup.nearest);
      }
      return end(slot, {.operation = id,
                        .code = ended.code,
                        .contacts = std::move(ended.answered),
                        .steps = std::move(ended.steps)});
    case Purpose::self_lookup:
      end(slot, {.operation = id});
      return on_self_lookup_ended(now, ended);
    case Purpose::refresh:
      end(slot, {.operation = id});
      // A refresh renews what a look-up of ourselves has confirmed, or takes it back.
      if (neighbourhood_confirmed_at_) confirm_neighbourhood(now, ended.stats);
      return plan_self_lookup(now);
    case Purpose::upkeep: {
      const NodeId target = operation.lookup.target();
      end(slot, {.operation = id});
      return on_upkeep_lookup_ended(now, target, ended);
    }
  }
}

/// A copy of our own, if it is newer than what was found, or nothing was.
void Dht::compare_with_own(Instant now, const std::string& key, LookupEnded& ended) {
  const Replica* kept = records().find(now, key);
  if (kept == nullptr) return;
  if (ended.record && !ended.record->legacy) {
    if (kept->record.legacy || kept->record.version < ended.record->version) return;
    const auto digest = crypto::record_digest(*suite_, options_.network, *ended.record);
    if (kept->record.version == ended.record->version && kept->digest <= digest) return;
  }
  ended.code = ErrorCode::none;
  ended.record = kept->told(now);
}

/// Whoever has been told already is not told again.
void Dht::end(Slot slot, Ended ended) {
  const Operation& operation = *operations_[slot];
  const bool is_told = operation.write && operation.write->is_told;
  const bool of_user = operation.purpose < Purpose::self_lookup;
  operations_[slot].reset();
  timers_.erase(slot);
  if (!of_user || is_told) return;
  ++counters_.operations_ended;
  outbox_.push(std::move(ended));
}

}  // namespace trestle::dht
