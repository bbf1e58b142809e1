#include "trestle/dht/refresh_schedule.hpp"

#include <algorithm>
#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {
namespace {

/// How far the sweep of the first interval has to go to a place: its share of the key space, to
/// 16 bits (55 ms of an hour), so that no interval can overflow.
Duration sweep_time(const NodeId& place, Duration interval) {
  const auto share = static_cast<Duration::rep>(place.high() >> 48);
  return interval / 65'536 * share;
}

}  // namespace

wire::ReplicaSummary KeptRecord::summary(Instant now) const {
  // Rounded up, as every life that travels.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends - now).count();
  return {.place = place,
          .version = version,
          .left_ms = left > 0 ? static_cast<std::uint64_t>(left) : 0,
          .digest = digest};
}

RefreshSchedule::RefreshSchedule(const RefreshOptions& options, const Rng& rng)
    : options_(options), rng_(rng.fork("refresh")), teller_salt_(rng_.fork("tellers").next() | 1) {
  TRESTLE_ASSERT(options.interval > Duration{} && options.spread >= Duration{});
  TRESTLE_ASSERT(options.retry_min <= options.retry_max);
  TRESTLE_ASSERT(options.words_of_one_max >= 1);
}

void RefreshSchedule::on_kept(Instant now, const KeptRecord& record) {
  Entry& entry = enter(record);
  entry.refreshed = now;
  open_at(entry, after(now, options_.interval));
}

void RefreshSchedule::on_restored(Instant now, const KeptRecord& record) {
  Entry& entry = enter(record);
  entry.refreshed = now - options_.interval;
  open_at(entry, after(now, sweep_time(record.place, options_.interval)));
}

bool RefreshSchedule::on_refreshed(Instant now, const NodeId& place, Instant ends) {
  Entry* entry = entry_of(place);
  if (entry == nullptr) return false;
  prolong(*entry, ends);
  entry->refreshed = now;
  trust_again(*entry);
  open_at(*entry, after(now, options_.interval));
  return true;
}

Word RefreshSchedule::on_word(Instant now, const NodeId& place, Instant ends, const NodeId& from) {
  Entry* entry = entry_of(place);
  if (entry == nullptr) return Word::unknown_record;
  prolong(*entry, ends);
  if (from != entry->teller) {
    entry->teller = from;
    entry->put_off_by_teller = Duration{};
  }
  const Duration longest = options_.interval + options_.spread;
  const Duration more = std::min(now - entry->refreshed, longest);
  const std::uint64_t tellers = entry->tellers | teller_bit(from);
  const std::uint32_t words_max =
      std::min(options_.words_max,
               options_.words_of_one_max * static_cast<std::uint32_t>(std::popcount(tellers)));
  const bool is_doubtful = entry->put_off_by_teller + more > options_.words_of_one_max * longest ||
                           entry->put_off + more > words_max * longest;
  if (is_doubtful) return Word::doubted;
  entry->tellers = tellers;
  entry->put_off_by_teller += more;
  entry->put_off += more;
  entry->refreshed = now;
  open_at(*entry, after(now, options_.interval));
  return Word::believed;
}

void RefreshSchedule::trust_again(Entry& entry) {
  entry.put_off = Duration{};
  entry.put_off_by_teller = Duration{};
  entry.teller = NodeId{};
  entry.tellers = 0;
}

std::uint64_t RefreshSchedule::teller_bit(const NodeId& teller) const {
  constexpr unsigned kToSixBits = 58;
  return std::uint64_t{1} << ((teller.high() * teller_salt_) >> kToSixBits);
}

void RefreshSchedule::prolong(Entry& entry, Instant ends) {
  if (ends <= entry.record.ends) return;
  entry.record.ends = ends;
  ends_.set(slot_of(entry), ends);
}

void RefreshSchedule::on_failed(Instant now, const NodeId& place) {
  Entry* entry = entry_of(place);
  if (entry == nullptr) return;
  const Instant due = after(now, rng_.between(options_.retry_min, options_.retry_max));
  entry->opens = after(now, options_.retry_min);
  set_due(*entry, due);
}

void RefreshSchedule::hurry(Instant now, const NodeId& place, Duration within) {
  Entry* entry = entry_of(place);
  if (entry == nullptr || entry->suspended) return;
  const Instant due = after(now, rng_.between(Duration{}, within));
  if (due >= entry->due) return;
  entry->opens = std::min(entry->opens, due);
  set_due(*entry, due);
}

std::optional<NodeId> RefreshSchedule::first_due(Instant now) {
  const auto slot = dues_.pop_due(now);
  if (!slot) return std::nullopt;
  dues_.set(*slot, entries_[*slot].due);
  return entries_[*slot].record.place;
}

void RefreshSchedule::suspend(const NodeId& place) {
  Entry* entry = entry_of(place);
  if (entry == nullptr) return;
  entry->suspended = true;
  dues_.erase(slot_of(*entry));
}

std::vector<KeptRecord> RefreshSchedule::take(Instant now, const KeyRegion& region,
                                              const NodeId& centre, std::size_t records_max) {
  TRESTLE_ASSERT(region.contains(centre));
  std::vector<KeptRecord> taken;
  const auto consider = [&](auto begin, auto end) {
    for (auto place = begin; place != end && taken.size() < records_max; ++place) {
      Entry& entry = entries_[place->second];
      const bool is_open = entry.opens <= now && entry.record.ends > now;
      if (!is_open || (entry.suspended && place->first != centre)) continue;
      entry.suspended = true;
      dues_.erase(place->second);
      taken.push_back(entry.record);
    }
  };
  const auto from = slot_by_place_.lower_bound(centre);
  consider(from, slot_by_place_.upper_bound(region.last));
  consider(slot_by_place_.lower_bound(region.first), from);
  return taken;
}

bool RefreshSchedule::is_suspended(const NodeId& place) const {
  const auto found = slot_by_place_.find(place);
  return found != slot_by_place_.end() && entries_[found->second].suspended;
}

void RefreshSchedule::drop_ended(Instant now) {
  while (const auto slot = ends_.pop_due(now)) {
    dues_.erase(*slot);
    slot_by_place_.erase(entries_[*slot].record.place);
    vacant_.push_back(*slot);
  }
}

const KeptRecord* RefreshSchedule::find(const NodeId& place) const {
  const auto found = slot_by_place_.find(place);
  return found == slot_by_place_.end() ? nullptr : &entries_[found->second].record;
}

std::optional<Instant> RefreshSchedule::refreshed(const NodeId& place) const {
  const auto found = slot_by_place_.find(place);
  if (found == slot_by_place_.end()) return std::nullopt;
  return entries_[found->second].refreshed;
}

Instant RefreshSchedule::due_of(const NodeId& place) const {
  const auto found = slot_by_place_.find(place);
  return found == slot_by_place_.end() ? kNever : entries_[found->second].due;
}

RefreshSchedule::Entry* RefreshSchedule::entry_of(const NodeId& place) {
  const auto found = slot_by_place_.find(place);
  return found == slot_by_place_.end() ? nullptr : &entries_[found->second];
}

RefreshSchedule::Entry& RefreshSchedule::enter(const KeptRecord& record) {
  Slot slot = 0;
  if (const auto known = slot_by_place_.find(record.place); known != slot_by_place_.end()) {
    slot = known->second;
  } else {
    if (vacant_.empty()) {
      slot = static_cast<Slot>(entries_.size());
      entries_.emplace_back();
    } else {
      slot = vacant_.back();
      vacant_.pop_back();
    }
    slot_by_place_.emplace(record.place, slot);
  }
  entries_[slot].record = record;
  trust_again(entries_[slot]);
  ends_.set(slot, record.ends);
  return entries_[slot];
}

void RefreshSchedule::open_at(Entry& entry, Instant opens) {
  entry.opens = opens;
  set_due(entry, after(opens, rng_.between(Duration{}, options_.spread)));
}

void RefreshSchedule::set_due(Entry& entry, Instant due) {
  entry.due = due;
  entry.suspended = false;
  dues_.set(slot_of(entry), due);
}

}  // namespace trestle::dht
