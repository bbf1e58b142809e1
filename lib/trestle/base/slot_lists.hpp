#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {

/// Many queues over one set of slots, none of which ever allocates: the links lie in one array, a
/// slot is on at most one list. Slots are small integers chosen by the owner (its own table's
/// indices). Everything is O(1).
///
///     links_   slot    0     1     2     3     4
///              next    -     4     -     1     -
///     List{first 3, last 4}:   3 -> 1 -> 4
class SlotLists {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = std::numeric_limits<Slot>::max();

  /// One queue; its owner keeps it.
  struct List {
    Slot first = kNone;
    Slot last = kNone;
    std::size_t size = 0;
    bool empty() const { return size == 0; }
  };

  explicit SlotLists(std::size_t slots) : links_(slots) {}

  /// So many slots from now on, at least as many as before.
  void grow(std::size_t slots) {
    TRESTLE_ASSERT(slots >= links_.size());
    links_.resize(slots);
  }

  void append(List& list, Slot slot) {
    Links& links = links_[slot];
    TRESTLE_ASSERT(!links.is_listed);
    links = {.previous = list.last, .next = kNone, .is_listed = true};
    (list.empty() ? list.first : links_[list.last].next) = slot;
    list.last = slot;
    ++list.size;
  }

  /// `slot` is on that list.
  void remove(List& list, Slot slot) {
    Links& links = links_[slot];
    TRESTLE_ASSERT(links.is_listed && list.size > 0);
    (links.previous == kNone ? list.first : links_[links.previous].next) = links.next;
    (links.next == kNone ? list.last : links_[links.next].previous) = links.previous;
    links = {};
    --list.size;
  }

  bool is_listed(Slot slot) const { return links_[slot].is_listed; }

 private:
  struct Links {
    Slot previous = kNone;
    Slot next = kNone;
    bool is_listed = false;
  };

  std::vector<Links> links_;
};

}  // namespace trestle::inline base
