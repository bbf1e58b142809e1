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
    if (places_[slot] == kAbsent) {
      places_[slot] = heap_.size();
      heap_.push_back({at, slot});
      rise(heap_.size() - 1);
      return;
    }
    const std::size_t place = places_[slot];
    heap_[place].at = at;
    rise(place);
    sink(places_[slot]);
  }

  void erase(Slot slot) {
    if (slot >= places_.size() || places_[slot] == kAbsent) return;
    const std::size_t place = places_[slot];
    places_[slot] = kAbsent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    heap_[place] = last;
    places_[last.slot] = place;
    rise(place);
    sink(places_[last.slot]);
  }

  Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }
  std::size_t size() const { return heap_.size(); }

  /// Removes and returns the earliest slot that is due at `now`, if any. A slot set anew to `now`
  /// or earlier is due again: who does that inside a loop over `pop_due` never leaves it.
  std::optional<Slot> pop_due(Instant now) {
    if (heap_.empty() || heap_.front().at > now) return std::nullopt;
    const Slot slot = heap_.front().slot;
    erase(slot);
    return slot;
  }

 private:
  static constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

  struct Entry {
    Instant at;
    Slot slot;
    bool operator<(const Entry& other) const {
      return at != other.at ? at < other.at : slot < other.slot;
    }
  };

  void swap(std::size_t left, std::size_t right) {
    std::swap(heap_[left], heap_[right]);
    places_[heap_[left].slot] = left;
    places_[heap_[right].slot] = right;
  }

  void rise(std::size_t place) {
    while (place > 0 && heap_[place] < heap_[(place - 1) / 2]) {
      swap(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }

  void sink(std::size_t place) {
    while (true) {
      std::size_t least = place;
      for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
        if (child < heap_.size() && heap_[child] < heap_[least]) least = child;
      }
      if (least == place) return;
      swap(place, least);
      place = least;
    }
  }

  std::vector<Entry> heap_;
  std::vector<std::size_t> places_;
};

}  // namespace trestle::inline base
