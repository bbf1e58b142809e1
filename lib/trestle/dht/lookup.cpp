#include "trestle/dht/lookup.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {
namespace {

/// Whether the failure says that the peer is not there, rather than that it will not help.
bool tells_absence(ErrorCode code) {
  return code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::refused || code == ErrorCode::connection_lost;
}

}  // namespace

Lookup::Lookup(const NodeId& self, LookupKind kind, const NodeId& target, std::string key,
               const LookupOptions& options)
    : self_(self), kind_(kind), target_(target), key_(std::move(key)), options_(options) {
  TRESTLE_ASSERT(options.parallel_max >= 1);
  TRESTLE_ASSERT(options.nearest >= 1);
  TRESTLE_ASSERT(options.asks_max < options.candidates_max);
  TRESTLE_ASSERT(options.candidates_max <= std::numeric_limits<Index>::max());
  TRESTLE_ASSERT(kind == LookupKind::find_node || !key_.empty());
}

// ---- candidates

std::size_t Lookup::order_place(const NodeId& distance) const {
  const auto place = std::lower_bound(
      order_.begin(), order_.end(), distance,
      [&](Index index, const NodeId& wanted) { return entries_[index].distance < wanted; });
  return static_cast<std::size_t>(place - order_.begin());
}

Lookup::Entry* Lookup::entry_of(const NodeId& peer) {
  const NodeId apart = distance(target_, peer);
  const std::size_t place = order_place(apart);
  if (place == order_.size()) return nullptr;
  Entry& entry = entries_[order_[place]];
  return entry.distance == apart ? &entry : nullptr;
}

void Lookup::add_seed(const Candidate& candidate) { name_candidate(candidate, std::nullopt); }

void Lookup::name_candidate(const Candidate& candidate, std::optional<Index> source) {
  const wire::Contact& contact = candidate.contact;
  if (ended_ || contact.id == self_) return;
  if (!candidate.connected && contact.address.empty()) return;
  const std::uint16_t hops =
      source ? static_cast<std::uint16_t>(entries_[*source].hops + 1) : std::uint16_t{1};
  if (Entry* known = entry_of(contact.id)) {
    if (known->state != State::fresh) return;
    if (!candidate.connected && !is_doubtful(*known)) return;
    known->contact = contact;
    known->connected = candidate.connected;
    known->source = source;
    known->hops = hops;
    return;
  }
  const NodeId apart = distance(target_, contact.id);
  const auto index = vacant_entry(apart);
  if (!index) return;
  entries_[*index] = Entry{.distance = apart,
                           .contact = contact,
                           .connected = candidate.connected,
                           .source = source,
                           .hops = hops};
  const std::size_t place = order_place(apart);
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), *index);
}

/// Where a candidate at this distance may live. Full means: the farthest that was never asked goes.
std::optional<Lookup::Index> Lookup::vacant_entry(const NodeId& distance) {
  if (entries_.size() < options_.candidates_max) {
    entries_.emplace_back();
    return static_cast<Index>(entries_.size() - 1);
  }
  for (std::size_t place = order_.size(); place-- > 0;) {
    const Index index = order_[place];
    if (entries_[index].distance < distance) return std::nullopt;
    if (entries_[index].state != State::fresh) continue;
    order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(place));
    return index;
  }
  return std::nullopt;
}

bool Lookup::is_doubtful(const Entry& entry) const {
  if (entry.connected || !entry.source) return false;
  const Entry& source = entries_[*entry.source];
  return source.named_dead >= source.named_alive + options_.misleading_max;
}

// ---- inputs

void Lookup::start(Instant now) {
  TRESTLE_ASSERT(!started_);
  started_ = true;
  total_deadline_ = after(now, options_.timeout_total);
  advance(now);
}

void Lookup::cancel(Instant /*now*/, ErrorCode code) {
  if (!ended_) end(code);
}

Lookup::Entry* Lookup::open_ask(const NodeId& peer) {
  Entry* entry = ended_ ? nullptr : entry_of(peer);
  const bool open =
      entry != nullptr && (entry->state == State::asked || entry->state == State::straggler);
  if (!open) ++stats_.late_answers;
  return open ? entry : nullptr;
}

/// The asked peer, if its answer came in time.
Lookup::Entry* Lookup::answered(Instant now, const NodeId& peer) {
  Entry* entry = open_ask(peer);
  if (entry == nullptr || now < entry->deadline) return entry;
  ++stats_.late_answers;
  expire(*entry);
  advance(now);
  return nullptr;
}

void Lookup::on_contacts(Instant now, const NodeId& peer, std::span<const Candidate> contacts) {
  Entry* entry = answered(now, peer);
  if (entry == nullptr) return;
  const Index index = static_cast<Index>(entry - entries_.data());
  if (entry->source) {
    Entry& source = entries_[*entry->source];
    ++source.named_alive;
    if (entry->state == State::straggler) --source.named_dead;
  }
  entry->state = State::answered;
  std::erase(in_flight_, index);
  ++stats_.answers;
  stats_.hops = std::max<std::uint32_t>(stats_.hops, entry->hops);
  const std::size_t read = std::min(contacts.size(), options_.contacts_per_answer_max);
  for (const Candidate& candidate : contacts.first(read)) name_candidate(candidate, index);
  advance(now);
}

void Lookup::on_record(Instant now, const NodeId& peer, const wire::Record& record) {
  if (kind_ != LookupKind::find_value || record.key != key_) {
    return on_failed(now, peer, ErrorCode::protocol_error);
  }
  const Entry* entry = answered(now, peer);
  if (entry == nullptr) return;
  ++stats_.answers;
  stats_.hops = std::max<std::uint32_t>(stats_.hops, entry->hops);
  end(ErrorCode::none, record, peer);
}

void Lookup::on_failed(Instant now, const NodeId& peer, ErrorCode code) {
  Entry* entry = open_ask(peer);
  if (entry == nullptr) return;
  fail(*entry, code);
  advance(now);
}

void Lookup::fail(Entry& entry, ErrorCode code) {
  // A straggler is counted as dead already.
  const bool straggled = entry.state == State::straggler;
  entry.state = State::failed;
  std::erase(in_flight_, static_cast<Index>(&entry - entries_.data()));
  ++stats_.failures;
  if (!entry.source) return;
  Entry& source = entries_[*entry.source];
  if (straggled && !tells_absence(code)) --source.named_dead;
  if (!straggled && tells_absence(code)) ++source.named_dead;
}

void Lookup::expire(Entry& entry) {
  ++stats_.timeouts;
  fail(entry, ErrorCode::timeout);
}

void Lookup::on_link_up(Instant now, const wire::Contact& contact) {
  if (ended_) return;
  if (Entry* entry = entry_of(contact.id)) {
    entry->contact = contact;
    entry->connected = true;
  } else {
    name_candidate({.contact = contact, .connected = true}, std::nullopt);
  }
  advance(now);
}

void Lookup::on_link_down(Instant now, const NodeId& peer) {
  if (ended_) return;
  Entry* entry = entry_of(peer);
  if (entry == nullptr) return;
  entry->connected = false;
  if (entry->state == State::fresh && entry->contact.address.empty()) {
    entry->state = State::failed;
  }
  advance(now);
}

// ---- progress

void Lookup::advance(Instant now) {
  if (!started_ || ended_) return;
  ask_while_allowed(now, Belief::believed);
  Verdict state = verdict();
  if (state == Verdict::doubtful_left) {
    ask_while_allowed(now, Belief::all);
    state = Verdict::waiting;
  }
  if (state == Verdict::done) {
    const bool nobody = stats_.answers == 0;
    const ErrorCode found = kind_ == LookupKind::find_node ? ErrorCode::none : ErrorCode::not_found;
    end(nobody ? ErrorCode::unreachable : found);
  }
}

void Lookup::ask_while_allowed(Instant now, Belief belief) {
  auto busy = static_cast<std::size_t>(
      std::count_if(in_flight_.begin(), in_flight_.end(),
                    [&](Index index) { return entries_[index].state == State::asked; }));
  while (busy < options_.parallel_max) {
    Entry* entry = choose(belief);
    if (entry == nullptr) return;
    ask(now, *entry);
    ++busy;
  }
}

/// Among the nearest candidates that may still answer: the first distance class with somebody to
/// ask, and in it the nearest connected peer, else the nearest.
Lookup::Entry* Lookup::choose(Belief belief) {
  if (stats_.asks >= options_.asks_max) return nullptr;
  Entry* chosen = nullptr;
  std::size_t seen = 0;
  for (const Index index : order_) {
    Entry& entry = entries_[index];
    if (entry.state == State::failed || entry.state == State::straggler) continue;
    if (entry.state == State::fresh) {
      if (belief == Belief::believed && is_doubtful(entry)) continue;
      const bool same_class =
          chosen == nullptr || common_prefix_bits(target_, entry.contact.id) ==
                                   common_prefix_bits(target_, chosen->contact.id);
      if (!same_class) return chosen;
      if (entry.connected) return &entry;
      if (chosen == nullptr) chosen = &entry;
    }
    if (++seen == options_.nearest) break;
  }
  return chosen;
}

void Lookup::ask(Instant now, Entry& entry) {
  const Duration timeout =
      entry.connected ? options_.timeout_connected : options_.timeout_unconnected;
  entry.state = State::asked;
  entry.asked_at = now;
  entry.deadline = after(now, timeout);
  in_flight_.push_back(static_cast<Index>(&entry - entries_.data()));
  ++stats_.asks;
  LookupAsk order{.peer = entry.contact, .message = {}, .timeout = timeout};
  // A bridge refuses to be asked for values; it knows the way all the same (BRIDGE-11).
  if (kind_ == LookupKind::find_value && entry.contact.role != wire::Role::bridge) {
    order.message = wire::FindValueRequest{key_};
  } else {
    order.message = wire::FindNodeRequest{target_};
  }
  outbox_.push(std::move(order));
}

Lookup::Verdict Lookup::verdict() const {
  const bool may_ask = stats_.asks < options_.asks_max;
  std::size_t answers = 0;
  std::size_t stragglers = 0;
  bool doubtful = false;
  for (const Index index : order_) {
    const Entry& entry = entries_[index];
    switch (entry.state) {
      case State::failed:
        break;
      case State::asked:
        return Verdict::waiting;
      case State::straggler:
        ++stragglers;
        break;
      case State::fresh:
        if (!may_ask) break;
        if (!is_doubtful(entry)) return Verdict::waiting;
        doubtful = true;
        break;
      case State::answered:
        if (++answers < options_.nearest) break;
        return may_leave_stragglers(answers, stragglers) ? Verdict::done : Verdict::waiting;
    }
  }
  if (!may_leave_stragglers(answers, stragglers)) return Verdict::waiting;
  return doubtful ? Verdict::doubtful_left : Verdict::done;
}

/// A search for a value waits for everybody near: the one who is slow may be the one who has it.
bool Lookup::may_leave_stragglers(std::size_t answers, std::size_t stragglers) const {
  if (stragglers == 0) return true;
  return kind_ == LookupKind::find_node && answers >= stragglers * options_.answers_per_straggler;
}

void Lookup::end(ErrorCode code, std::optional<wire::Record> record, const NodeId& found_at) {
  ended_ = true;
  LookupEnded ended{.code = code,
                    .answered = {},
                    .record = std::move(record),
                    .found_at = found_at,
                    .stats = stats_};
  for (const Index index : order_) {
    if (entries_[index].state == State::answered) {
      ended.answered.push_back(entries_[index].contact);
    }
  }
  outbox_.push(std::move(ended));
}

// ---- time

Instant Lookup::next_deadline() const {
  if (!started_ || ended_) return kNever;
  Instant next = total_deadline_;
  for (const Index index : in_flight_) {
    const Entry& entry = entries_[index];
    next = std::min(next, entry.deadline);
    if (entry.state == State::asked) {
      next = std::min(next, after(entry.asked_at, options_.straggler_after));
    }
  }
  return next;
}

void Lookup::on_deadline(Instant now) {
  if (!started_ || ended_) return;
  const std::vector<Index> asked = in_flight_;
  for (const Index index : asked) {
    Entry& entry = entries_[index];
    if (entry.deadline <= now) {
      expire(entry);
    } else if (after(entry.asked_at, options_.straggler_after) <= now) {
      entry.state = State::straggler;
      if (entry.source) ++entries_[*entry.source].named_dead;
    }
  }
  if (total_deadline_ <= now) {
    const bool useful = kind_ == LookupKind::find_node && stats_.answers > 0;
    return end(useful ? ErrorCode::none : ErrorCode::timeout);
  }
  advance(now);
}

}  // namespace trestle::dht
