#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/slot_lists.hpp"
#include "trestle/bridge/admission_policy.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::bridge {

struct TurnOrderOptions {
  /// Slots are smaller than this number.
  std::size_t slots = 110;
  /// A class with waiting requests is passed over so many times at most, plus once for each other
  /// class that has waited too long as well. At 8, a flood of urgent newcomers leaves one start in
  /// nine to each of the others.
  std::size_t overtakes_max = 8;
  /// Requests of a class that a more urgent one never pushes out of a full queue: one in ten of the
  /// places.
  std::size_t class_places_kept = 10;
};

/// Who is next: the highest class, within it sources in turn (T21), within a source in order of
/// arrival (X10). A policy without time. It holds slot numbers of its owner and allocates nothing
/// after it was made.
///
///     urgent   source 3: 4 -> 9    source 1: 2
///     high     (nobody)
///     normal   source 1: 7 -> 1 -> 5
///     low      source 2: 8                        next are 4, 2, 9, 7, 1, 5, 8
///
/// A pair of class and source with somebody waiting is a line.
class TurnOrder {
 public:
  using Slot = SlotLists::Slot;

  explicit TurnOrder(const TurnOrderOptions& options);

  void add(Priority priority, link::ConnectionId source, Slot slot);
  /// Nothing when nobody waits.
  std::optional<Slot> take_next();
  /// True if the slot was waiting.
  bool remove(Slot slot);

  std::size_t waiting() const { return waiting_; }
  std::size_t waiting_of(link::ConnectionId source) const;
  /// Who has to go so that a request of that class and source may wait, when all places are taken;
  /// nothing if the arriving one has to go itself. Always the newest of a line:
  ///  * of the source that holds most places, if that is over one more than the arriving source
  ///    has (one more is no advantage: taking it would only swap the roles), from its lowest class;
  ///  * else of the same source, from its lowest class below the arriving one.
  /// So no source loses places to a class that another one claims.
  std::optional<Slot> displaced_by(Priority priority, link::ConnectionId source) const;

 private:
  using LineIndex = SlotLists::Slot;
  struct Key {
    link::ConnectionId source;
    Priority priority = Priority::normal;
    friend constexpr auto operator<=>(const Key&, const Key&) = default;
  };
  struct Line {
    Key key;
    SlotLists::List slots;
  };
  struct Class {
    SlotLists::List turns;  ///< Its lines, the next one first.
    std::size_t waiting = 0;
    std::size_t passed_over = 0;  ///< Starts of other classes since its own, while it waited.
  };

  Class& class_of(Priority priority) { return classes_[static_cast<std::size_t>(priority)]; }
  Class& next_class();
  void take_from(LineIndex line, Slot slot);

  TurnOrderOptions options_;
  SlotLists slot_links_;
  SlotLists line_links_;
  std::vector<Line> lines_;
  std::vector<LineIndex> unused_lines_;
  std::vector<LineIndex> line_of_;  ///< By slot; kNone when it does not wait.
  FlatMap<Key, LineIndex> index_;   ///< The lines in use; those of one source are neighbours.
  std::array<Class, kPriorities> classes_;
  std::size_t waiting_ = 0;
};

}  // namespace trestle::bridge
