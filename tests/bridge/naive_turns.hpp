#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "trestle/bridge/turn_order.hpp"

namespace trestle::test {

/// The turn order as one would write it without a thought for its cost: one list of what waits, in
/// order of arrival, and everything else counted anew.
class NaiveTurns {
 public:
  struct Item {
    bridge::Priority priority{};
    std::uint64_t source = 0;
    std::uint64_t number = 0;
  };

  explicit NaiveTurns(const bridge::TurnOrderOptions& options) : options_(options) {}

  void add(bridge::Priority priority, std::uint64_t source, std::uint64_t number) {
    auto& turns = turns_[index(priority)];
    if (count(priority, source) == 0) turns.push_back(source);
    items.push_back({priority, source, number});
  }

  std::optional<std::uint64_t> take_next() {
    if (items.empty()) return std::nullopt;
    std::size_t chosen = bridge::kPriorities;
    for (std::size_t of = 0; of < bridge::kPriorities; ++of) {
      if (turns_[of].empty()) continue;
      if (chosen == bridge::kPriorities) chosen = of;
      const bool is_overdue = passed_over_[of] >= options_.overtakes_max;
      const bool beats =
          passed_over_[chosen] < options_.overtakes_max || passed_over_[of] > passed_over_[chosen];
      if (is_overdue && beats) chosen = of;
    }
    for (std::size_t of = 0; of < bridge::kPriorities; ++of) {
      passed_over_[of] = of == chosen || turns_[of].empty() ? 0 : passed_over_[of] + 1;
    }
    const auto priority = static_cast<bridge::Priority>(chosen);
    const std::uint64_t source = turns_[chosen].front();
    turns_[chosen].pop_front();
    const auto place = std::ranges::find_if(items, [&](const Item& item) {
      return item.priority == priority && item.source == source;
    });
    const std::uint64_t number = place->number;
    items.erase(place);
    if (count(priority, source) > 0) turns_[chosen].push_back(source);
    if (turns_[chosen].empty()) passed_over_[chosen] = 0;
    return number;
  }

  bool remove(std::uint64_t number) {
    const auto place = std::ranges::find(items, number, &Item::number);
    if (place == items.end()) return false;
    const Item gone = *place;
    items.erase(place);
    auto& turns = turns_[index(gone.priority)];
    if (count(gone.priority, gone.source) == 0) std::erase(turns, gone.source);
    if (turns.empty()) passed_over_[index(gone.priority)] = 0;
    return true;
  }

  std::size_t waiting_of(std::uint64_t source) const {
    return static_cast<std::size_t>(std::ranges::count(items, source, &Item::source));
  }

  std::optional<std::uint64_t> displaced_by(bridge::Priority priority, std::uint64_t source) const {
    std::vector<std::uint64_t> sources;
    for (const Item& item : items) sources.push_back(item.source);
    std::ranges::sort(sources);
    std::uint64_t longest = source;
    std::size_t most = waiting_of(source) + 1;
    for (const std::uint64_t other : sources) {
      if (waiting_of(other) <= most) continue;
      longest = other;
      most = waiting_of(other);
    }
    // The newest of the lowest class that may be touched.
    std::optional<Item> found;
    for (const Item& item : items) {
      if (item.source != longest) continue;
      if (longest == source) {
        if (item.priority <= priority) continue;
        const auto in_class = std::ranges::count(items, item.priority, &Item::priority);
        if (static_cast<std::size_t>(in_class) <= options_.class_places_kept) continue;
      }
      if (!found || item.priority >= found->priority) found = item;
    }
    return found ? std::optional(found->number) : std::nullopt;
  }

  std::vector<Item> items;

 private:
  static std::size_t index(bridge::Priority priority) { return static_cast<std::size_t>(priority); }
  std::size_t count(bridge::Priority priority, std::uint64_t source) const {
    return static_cast<std::size_t>(std::ranges::count_if(items, [&](const Item& item) {
      return item.priority == priority && item.source == source;
    }));
  }

  bridge::TurnOrderOptions options_;
  std::array<std::deque<std::uint64_t>, bridge::kPriorities> turns_;
  std::array<std::size_t, bridge::kPriorities> passed_over_{};
};

}  // namespace trestle::test
