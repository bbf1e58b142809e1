#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/assertion.hpp"
#include "trestle/base/time.hpp"

namespace trestle::sim {

/// What a scheduled event is about. Network events name a connection, the others a slot of the
/// world.
enum class EventKind : std::uint8_t {
  dial_arrives,       ///< The opening handshake reaches the listener.
  dial_concludes,     ///< Its answer reaches the dialler.
  dial_expires,       ///< The dialler's own bound.
  lane_due,           ///< The first item of one direction arrives.
  lane_drains,        ///< Bytes left for the kernel.
  lane_gives_up,      ///< Unacknowledged for too long.
  connection_broken,  ///< A reset reaches one end.
  stream_writes,      ///< An end of a stream of bytes writes what its turn has left.
  stream_tells,       ///< The bytes that came told it more than one thing.
  stream_deadline,
  crypto_done,
  disk_done,  ///< A sync ended.
  action,
};

/// One entry of the schedule: a plain value, so that the heap moves words and never allocates for
/// an event.
struct Event {
  Instant at{};
  std::uint64_t sequence = 0;
  EventKind kind = EventKind::action;
  std::uint8_t side = 0;         ///< Which end or direction of a connection.
  std::uint32_t slot = 0;        ///< Index into the owner's table.
  std::uint32_t generation = 0;  ///< Must match the slot's, else the event is stale and ignored.
};

/// Virtual time's agenda: a heap keyed (time, sequence). Events of one instant come in the order in
/// which they were ordered, so the order is total and the same with every standard library. Four
/// children a place: what is compared lies side by side, and a network of thousands is half as
/// deep.
class Scheduler {
 public:
  void add(Instant at, EventKind kind, std::uint32_t slot, std::uint32_t generation,
           std::uint8_t side = 0) {
    const Event event{at, ++last_sequence_, kind, side, slot, generation};
    std::size_t place = heap_.size();
    heap_.push_back(event);
    while (place > 0 && comes_before(event, heap_[(place - 1) / kChildren])) {
      heap_[place] = heap_[(place - 1) / kChildren];
      place = (place - 1) / kChildren;
    }
    heap_[place] = event;
  }

  Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }
  std::size_t size() const { return heap_.size(); }

  Event pop() {
    TRESTLE_ASSERT(!heap_.empty());
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static constexpr std::size_t kChildren = 4;

  static bool comes_before(const Event& left, const Event& right) {
    return left.at != right.at ? left.at < right.at : left.sequence < right.sequence;
  }

  /// Finds the place of an event, the first being free, and puts it there.
  void sink(const Event& event) {
    std::size_t place = 0;
    while (kChildren * place + 1 < heap_.size()) {
      const std::size_t begin = kChildren * place + 1;
      const std::size_t end = std::min(begin + kChildren, heap_.size());
      std::size_t first = begin;
      for (std::size_t child = begin + 1; child < end; ++child) {
        if (comes_before(heap_[child], heap_[first])) first = child;
      }
      if (!comes_before(heap_[first], event)) break;
      heap_[place] = heap_[first];
      place = first;
    }
    heap_[place] = event;
  }

  std::vector<Event> heap_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace trestle::sim
