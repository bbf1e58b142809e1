// What a lookup knows of its candidates, and what it is told. Whom it asks is in
// lookup_progress.cpp.
#include "trestle/dht/lookup.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {
namespace {

constexpr std::uint8_t kEveryPath = 0xff;
/// The seeds of a search for a value and one answer. Entries are large: moving them is what growing
/// costs.
constexpr std::size_t kEntriesAtFirst = 40;

constexpr std::uint8_t bit_of(std::size_t path) { return static_cast<std::uint8_t>(1u << path); }

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
  TRESTLE_ASSERT(options.parallel_at_first >= 1);
  TRESTLE_ASSERT(options.nearest >= 1);
  TRESTLE_ASSERT(options.paths >= 1);
  TRESTLE_ASSERT(options.paths <= kLookupPathsMax);
  TRESTLE_ASSERT(options.quorum >= 1);
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

const Lookup::Entry* Lookup::entry_of(const NodeId& peer) const {
  const NodeId apart = distance(target_, peer);
  const std::size_t place = order_place(apart);
  if (place == order_.size()) return nullptr;
  const Entry& entry = entries_[order_[place]];
  return entry.distance == apart ? &entry : nullptr;
}

Lookup::Entry* Lookup::entry_of(const NodeId& peer) {
  return const_cast<Entry*>(std::as_const(*this).entry_of(peer));
}

void Lookup::add_seed(Candidate candidate) { name_candidate(std::move(candidate), std::nullopt); }

void Lookup::name_candidate(Candidate candidate, std::optional<Index> source) {
  const wire::Contact& contact = candidate.contact;
  if (ended_ || contact.id == self_) return;
  if (!candidate.connected && contact.address.empty() && !candidate.through) return;
  const std::uint16_t hops =
      source ? static_cast<std::uint16_t>(entries_[*source].hops + 1) : std::uint16_t{1};
  std::uint8_t paths = started_ ? kEveryPath : 0;
  if (source) paths = bit_of(entries_[*source].path);
  if (Entry* known = entry_of(contact.id)) {
    known->paths |= paths;
    if (known->state != State::fresh) return;
    if (!candidate.connected && !is_doubtful(*known)) return;
    known->candidate = std::move(candidate);
    known->source = source;
    known->hops = hops;
    return;
  }
  const NodeId apart = distance(target_, contact.id);
  const auto index = vacant_entry(apart);
  if (!index) return;
  entries_[*index] = Entry{.distance = apart,
                           .candidate = std::move(candidate),
                           .paths = paths,
                           .source = source,
                           .hops = hops};
  const std::size_t place = order_place(apart);
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), *index);
}

/// Where a candidate at this distance may live. Full means: the farthest that was never asked goes.
std::optional<Lookup::Index> Lookup::vacant_entry(const NodeId& distance) {
  if (entries_.size() < options_.candidates_max) {
    if (entries_.empty()) entries_.reserve(std::min(kEntriesAtFirst, options_.candidates_max));
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

/// What we know ourselves is dealt out, nearest first, so that every path has a good beginning and
/// none has all of it.
void Lookup::deal_paths() {
  for (std::size_t place = 0; place < order_.size(); ++place) {
    entries_[order_[place]].paths = bit_of(place % options_.paths);
  }
}

bool Lookup::is_doubtful(const Entry& entry) const {
  if (entry.candidate.silent) return true;
  if (entry.candidate.connected || !entry.source) return false;
  const Entry& source = entries_[*entry.source];
  return source.named_dead >= source.named_alive + options_.misleading_max;
}

// ---- inputs

void Lookup::start(Instant now) {
  TRESTLE_ASSERT(!started_);
  deal_paths();
  started_ = true;
  started_at_ = now;
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
  expire(now, *entry);
  advance(now);
  return nullptr;
}

void Lookup::count_answer(Instant now, Entry& entry) {
  if (entry.source) {
    Entry& source = entries_[*entry.source];
    ++source.named_alive;
    if (entry.state == State::straggler) --source.named_dead;
  }
  entry.state = State::answered;
  entry.ended_at = now;
  std::erase(in_flight_, static_cast<Index>(&entry - entries_.data()));
  ++stats_.answers;
  stats_.hops = std::max<std::uint32_t>(stats_.hops, entry.hops);
}

void Lookup::on_contacts(Instant now, const NodeId& peer, std::span<const Candidate> contacts) {
  Entry* entry = answered(now, peer);
  if (entry == nullptr) return;
  const Index index = static_cast<Index>(entry - entries_.data());
  count_answer(now, *entry);
  entry->contacts = static_cast<std::uint32_t>(contacts.size());
  const std::size_t read = std::min(contacts.size(), options_.contacts_per_answer_max);
  for (const Candidate& candidate : contacts.first(read)) name_candidate(candidate, index);
  advance(now);
}

void Lookup::on_record(Instant now, const NodeId& peer, const wire::Record& record) {
  if (kind_ != LookupKind::find_value || record.key != key_) {
    return on_failed(now, peer, ErrorCode::protocol_error);
  }
  Entry* entry = answered(now, peer);
  if (entry == nullptr) return;
  count_answer(now, *entry);
  if (!record_ || record.version > record_->version) {
    record_ = record;
    found_at_ = peer;
  }
  if (++records_found_ >= options_.quorum) return end(ErrorCode::none);
  advance(now);
}

void Lookup::on_failed(Instant now, const NodeId& peer, ErrorCode code) {
  Entry* entry = open_ask(peer);
  if (entry == nullptr) return;
  fail(now, *entry, code);
  advance(now);
}

void Lookup::fail(Instant now, Entry& entry, ErrorCode code) {
  // A straggler is counted as dead already, and was replaced.
  const bool straggled = entry.state == State::straggler;
  if (!straggled && !entry.hedged) ++stand_ins_due_;
  entry.state = State::failed;
  entry.code = code;
  entry.ended_at = now;
  std::erase(in_flight_, static_cast<Index>(&entry - entries_.data()));
  ++stats_.failures;
  if (!entry.source) return;
  Entry& source = entries_[*entry.source];
  if (straggled && !tells_absence(code)) --source.named_dead;
  if (!straggled && tells_absence(code)) ++source.named_dead;
}

void Lookup::expire(Instant now, Entry& entry) {
  ++stats_.timeouts;
  fail(now, entry, ErrorCode::timeout);
}

bool Lookup::reroute(const NodeId& peer, const NodeId& through, Hindrance hindrance) {
  const bool no_room = hindrance == Hindrance::no_room;
  std::size_t& count = no_room ? through_no_room_ : through_out_of_reach_;
  const std::size_t most = no_room ? options_.asks_through_busy_max : options_.asks_through_max;
  if (ended_ || count >= most || stats_.asks >= options_.asks_max) return false;
  Entry* entry = entry_of(peer);
  const bool open =
      entry != nullptr && (entry->state == State::asked || entry->state == State::straggler);
  if (!open || entry->candidate.through) return false;
  entry->candidate.through = through;
  ++count;
  ++stats_.asks;
  ++stats_.asks_through;
  return true;
}

void Lookup::on_link_up(Instant now, const wire::Contact& contact) {
  if (ended_) return;
  if (Entry* entry = entry_of(contact.id)) {
    entry->candidate.contact = contact;
    entry->candidate.connected = true;
    if (entry->state == State::fresh) entry->candidate.through.reset();
  } else {
    name_candidate({.contact = contact, .connected = true}, std::nullopt);
  }
  advance(now);
}

void Lookup::on_link_down(Instant now, const NodeId& peer) {
  if (ended_) return;
  Entry* entry = entry_of(peer);
  if (entry == nullptr) return;
  entry->candidate.connected = false;
  if (entry->state == State::fresh && entry->candidate.contact.address.empty()) {
    entry->state = State::failed;
  }
  advance(now);
}

// ---- time

/// Whoever has to be dialled first is given the round trips that takes: on a slow line they alone
/// are more than a second.
Instant Lookup::straggles_at(const Entry& entry) const {
  if (entry.linked_when_asked) return after(entry.asked_at, options_.straggler_after);
  const Duration dial = entry.candidate.round_trip * options_.dial_round_trips;
  return after(entry.asked_at, std::max(options_.straggler_after, dial));
}

Instant Lookup::next_deadline() const {
  if (!started_ || ended_) return kNever;
  Instant next = total_deadline_;
  for (const Index index : in_flight_) {
    const Entry& entry = entries_[index];
    next = std::min(next, entry.deadline);
    if (entry.state != State::asked) continue;
    next = std::min(next, straggles_at(entry));
    if (!entry.hedged) next = std::min(next, entry.hedge_at);
  }
  return next;
}

void Lookup::on_deadline(Instant now) {
  if (!started_ || ended_) return;
  const std::vector<Index> asked = in_flight_;
  for (const Index index : asked) {
    Entry& entry = entries_[index];
    if (entry.deadline <= now) {
      expire(now, entry);
    } else if (entry.state == State::straggler) {
      continue;
    } else if (straggles_at(entry) <= now) {
      if (!entry.hedged) ++hedges_due_;
      entry.state = State::straggler;
      if (entry.source) ++entries_[*entry.source].named_dead;
    } else if (!entry.hedged && entry.hedge_at <= now) {
      entry.hedge_at = kNever;
      if (stats_.hedges >= options_.hedges_max) continue;
      entry.hedged = true;
      ++stats_.hedges;
      ++hedges_due_;
    }
  }
  if (total_deadline_ <= now) {
    const bool useful = kind_ == LookupKind::find_node ? stats_.answers > 0 : records_found_ > 0;
    return end(useful ? ErrorCode::none : ErrorCode::timeout);
  }
  advance(now);
}

// ---- look

std::optional<Instant> Lookup::deadline_of(const NodeId& peer) const {
  const Entry* entry = entry_of(peer);
  const bool open =
      entry != nullptr && (entry->state == State::asked || entry->state == State::straggler);
  return open ? std::optional(entry->deadline) : std::nullopt;
}

bool Lookup::was_named(const NodeId& peer) const {
  const Entry* entry = entry_of(peer);
  return entry != nullptr && entry->source.has_value();
}

std::optional<LookupEffect> Lookup::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::dht
