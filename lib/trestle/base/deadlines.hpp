#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "trestle/base/assertion.hpp"
#include "trestle/base/time.hpp"

namespace trestle::inline base {

/// Many deadlines, one timer: a binary heap with an index from slot to place, so that a deadline
/// can be moved or removed in O(log n). Slots are small integers chosen by the owner (its own
/// table's indices). Equal instants come out by slot, so the order never depends on history.
class Deadlines {
 public:
  using Slot = std::uint32_t;
  /// Slots index an array: a wild one would cost its size in memory.
  static constexpr Slot kSlotsMax = 1u << 24;

  /// Sets or moves the deadline of `slot`. `kNever` removes it.
  void set(Slot slot, Instant at) {
    if (at == kNever) return erase(slot);
    TRESTLE_ASSERT(slot < kSlotsMax);
    if (slot >= places_.size()) places_.resize(std::size_t{slot} + 1, kAbsent);
    const Place place = places_[slot];
    if (place == kAbsent) {
      heap_.emplace_back();
      return rise(heap_.size() - 1, {at, slot});
    }
    if (heap_[place].at == at) return;
    settle(place, {at, slot});
  }

  void erase(Slot slot) {
    if (slot >= places_.size() || places_[slot] == kAbsent) return;
    const Place place = places_[slot];
    places_[slot] = kAbsent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place != heap_.size()) settle(place, last);
  }

  Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }
  std::size_t size() const { return heap_.size(); }

  /// The earliest slot that is due at `now`, if any. It stays: for owners that set every slot anew
  /// after its turn, which then moves within the heap once.
  std::optional<Slot> due(Instant now) const {
    if (heap_.empty() || heap_.front().at > now) return std::nullopt;
    return heap_.front().slot;
  }

  /// Removes and returns the earliest slot that is due at `now`, if any. A slot set anew to `now`
  /// or earlier is due again: who does that inside a loop over `pop_due` never leaves it.
  std::optional<Slot> pop_due(Instant now) {
    const std::optional<Slot> slot = due(now);
    if (slot) erase(*slot);
    return slot;
  }

 private:
  using Place = std::uint32_t;
  static constexpr Place kAbsent = std::numeric_limits<Place>::max();

  struct Entry {
    Instant at;
    Slot slot = 0;
    bool operator<(const Entry& other) const {
      return at != other.at ? at < other.at : slot < other.slot;
    }
  };

  void put(std::size_t place, const Entry& entry) {
    heap_[place] = entry;
    places_[entry.slot] = static_cast<Place>(place);
  }

  /// Finds the place of an entry, `place` being free, and puts it there.
  void settle(std::size_t place, const Entry& entry) {
    const bool rises = place > 0 && entry < heap_[(place - 1) / 2];
    if (rises) return rise(place, entry);
    sink(place, entry);
  }

  void rise(std::size_t place, const Entry& entry) {
    while (place > 0 && entry < heap_[(place - 1) / 2]) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    put(place, entry);
  }

  void sink(std::size_t place, const Entry& entry) {
    while (2 * place + 1 < heap_.size()) {
      std::size_t child = 2 * place + 1;
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (!(heap_[child] < entry)) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, entry);
  }

  std::vector<Entry> heap_;
  std::vector<Place> places_;
};

}  // namespace trestle::inline base
