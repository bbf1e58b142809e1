#include "trestle/bridge/turn_order.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"

namespace trestle::bridge {

void TurnOrder::add(link::ConnectionId source, Slot slot) {
  const auto [line, is_new] = lines_.insert(source, {});
  if (is_new) turns_.push_back(source);
  line->push_back(slot);
  ++waiting_;
}

std::optional<TurnOrder::Slot> TurnOrder::take_next() {
  if (turns_.empty()) return std::nullopt;
  const link::ConnectionId source = turns_.front();
  turns_.erase(turns_.begin());
  std::deque<Slot>* line = lines_.find(source);
  TRESTLE_ASSERT(line != nullptr && !line->empty());
  const Slot slot = line->front();
  line->pop_front();
  --waiting_;
  if (line->empty()) {
    lines_.erase(source);
  } else {
    turns_.push_back(source);
  }
  return slot;
}

bool TurnOrder::remove(link::ConnectionId source, Slot slot) {
  std::deque<Slot>* line = lines_.find(source);
  if (line == nullptr) return false;
  const auto place = std::find(line->begin(), line->end(), slot);
  if (place == line->end()) return false;
  line->erase(place);
  --waiting_;
  if (line->empty()) {
    lines_.erase(source);
    turns_.erase(std::find(turns_.begin(), turns_.end(), source));
  }
  return true;
}

std::size_t TurnOrder::waiting_of(link::ConnectionId source) const {
  const std::deque<Slot>* line = lines_.find(source);
  return line != nullptr ? line->size() : 0;
}

std::optional<TurnOrder::Longest> TurnOrder::longest() const {
  std::optional<Longest> longest;
  for (const auto& [source, line] : lines_) {
    if (!longest || line.size() > longest->waiting) {
      longest = Longest{.source = source, .waiting = line.size(), .newest = line.back()};
    }
  }
  return longest;
}

}  // namespace trestle::bridge
