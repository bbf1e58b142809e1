#include "trestle/bridge/turn_order.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::bridge {

TurnOrder::TurnOrder(const TurnOrderOptions& options)
    : options_(options),
      slot_links_(options.slots),
      line_links_(options.slots),
      lines_(options.slots),
      line_of_(options.slots, SlotLists::kNone) {
  // A line holds at least one slot, so there are never more lines than slots.
  unused_lines_.reserve(options.slots);
  for (std::size_t line = options.slots; line > 0; --line) {
    unused_lines_.push_back(static_cast<LineIndex>(line - 1));
  }
  index_.reserve(options.slots);
}

void TurnOrder::add(Priority priority, link::ConnectionId source, Slot slot) {
  TRESTLE_ASSERT(slot < options_.slots && line_of_[slot] == SlotLists::kNone);
  TRESTLE_ASSERT(static_cast<std::size_t>(priority) < kPriorities);
  const Key key{source, priority};
  Class& of = class_of(priority);
  const LineIndex* known = index_.find(key);
  LineIndex line = SlotLists::kNone;
  if (known != nullptr) {
    line = *known;
  } else {
    line = unused_lines_.back();
    unused_lines_.pop_back();
    lines_[line].key = key;
    index_.insert(key, line);
    line_links_.append(of.turns, line);
  }
  slot_links_.append(lines_[line].slots, slot);
  line_of_[slot] = line;
  ++of.waiting;
  ++waiting_;
}

TurnOrder::Class& TurnOrder::next_class() {
  Class* highest = nullptr;
  Class* overdue = nullptr;
  for (Class& of : classes_) {
    if (of.waiting == 0) continue;
    if (highest == nullptr) highest = &of;
    if (of.passed_over < options_.overtakes_max) continue;
    if (overdue == nullptr || of.passed_over > overdue->passed_over) overdue = &of;
  }
  TRESTLE_ASSERT(highest != nullptr);
  return overdue != nullptr ? *overdue : *highest;
}

std::optional<TurnOrder::Slot> TurnOrder::take_next() {
  if (waiting_ == 0) return std::nullopt;
  Class& of = next_class();
  for (Class& other : classes_) {
    if (&other != &of && other.waiting > 0) ++other.passed_over;
  }
  of.passed_over = 0;
  const LineIndex line = of.turns.first;
  const Slot slot = lines_[line].slots.first;
  if (lines_[line].slots.size > 1) {
    line_links_.remove(of.turns, line);
    line_links_.append(of.turns, line);
  }
  take_from(line, slot);
  return slot;
}

bool TurnOrder::remove(Slot slot) {
  TRESTLE_ASSERT(slot < options_.slots);
  const LineIndex line = line_of_[slot];
  if (line == SlotLists::kNone) return false;
  take_from(line, slot);
  return true;
}

void TurnOrder::take_from(LineIndex line, Slot slot) {
  const Key key = lines_[line].key;
  Class& of = class_of(key.priority);
  slot_links_.remove(lines_[line].slots, slot);
  line_of_[slot] = SlotLists::kNone;
  --waiting_;
  if (--of.waiting == 0) of.passed_over = 0;
  if (!lines_[line].slots.empty()) return;
  line_links_.remove(of.turns, line);
  index_.erase(key);
  unused_lines_.push_back(line);
}

std::size_t TurnOrder::waiting_of(link::ConnectionId source) const {
  std::size_t waiting = 0;
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    const LineIndex* line = index_.find({source, static_cast<Priority>(priority)});
    if (line != nullptr) waiting += lines_[*line].slots.size;
  }
  return waiting;
}

std::optional<TurnOrder::Slot> TurnOrder::displaced_by(Priority priority,
                                                       link::ConnectionId source) const {
  link::ConnectionId longest = source;
  std::size_t most = waiting_of(source) + 1;
  std::size_t held = 0;
  for (std::size_t place = 0; place < index_.size(); ++place) {
    const auto& [key, line] = index_.at_index(place);
    const bool is_first_line = place == 0 || index_.at_index(place - 1).first.source != key.source;
    held = (is_first_line ? 0 : held) + lines_[line].slots.size;
    if (held <= most) continue;
    most = held;
    longest = key.source;
  }
  for (std::size_t lowest = kPriorities; lowest > 0; --lowest) {
    const auto of = static_cast<Priority>(lowest - 1);
    const LineIndex* line = index_.find({longest, of});
    if (line == nullptr) continue;
    const bool may_go = longest != source || (of > priority && classes_[lowest - 1].waiting >
                                                                   options_.class_places_kept);
    if (may_go) return lines_[*line].slots.last;
  }
  return std::nullopt;
}

}  // namespace trestle::bridge
