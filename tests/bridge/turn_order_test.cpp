#include "trestle/bridge/turn_order.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "catch.hpp"
#include "desk_fixture.hpp"

namespace trestle::test {
namespace {

TEST_CASE("sources take turns and each keeps its own order") {
  bridge::TurnOrder turns;
  for (const bridge::TurnOrder::Slot slot : {10u, 11u, 12u}) turns.add(desk_source(1), slot);
  for (const bridge::TurnOrder::Slot slot : {20u, 21u}) turns.add(desk_source(2), slot);
  turns.add(desk_source(3), 30);
  std::vector<bridge::TurnOrder::Slot> taken;
  while (const auto slot = turns.take_next()) taken.push_back(*slot);
  CHECK(taken == std::vector<bridge::TurnOrder::Slot>{10, 20, 30, 11, 21, 12});
  CHECK(turns.waiting() == 0);
  CHECK_FALSE(turns.longest().has_value());
}

TEST_CASE("the turn order agrees with a naive model") {
  // The model: one list of (source, slot) in order of arrival, and the sources in order of turns.
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    bridge::TurnOrder turns;
    std::deque<std::pair<std::uint64_t, bridge::TurnOrder::Slot>> waiting;
    std::deque<std::uint64_t> order;
    const auto holds = [&](std::uint64_t source) {
      return std::any_of(waiting.begin(), waiting.end(),
                         [&](const auto& entry) { return entry.first == source; });
    };
    for (bridge::TurnOrder::Slot step = 0; step < 60; ++step) {
      const std::uint64_t source = rng.below(4);
      switch (rng.below(4)) {
        case 0: {
          std::optional<bridge::TurnOrder::Slot> expected;
          if (!order.empty()) {
            const std::uint64_t next = order.front();
            order.pop_front();
            const auto place = std::find_if(waiting.begin(), waiting.end(),
                                            [&](const auto& entry) { return entry.first == next; });
            expected = place->second;
            waiting.erase(place);
            if (holds(next)) order.push_back(next);
          }
          REQUIRE(turns.take_next() == expected);
          break;
        }
        case 1: {
          const auto slot = static_cast<bridge::TurnOrder::Slot>(rng.below(step + 1));
          const auto place = std::find(waiting.begin(), waiting.end(), std::pair{source, slot});
          REQUIRE(turns.remove(desk_source(source), slot) == (place != waiting.end()));
          if (place == waiting.end()) break;
          waiting.erase(place);
          if (!holds(source)) order.erase(std::find(order.begin(), order.end(), source));
          break;
        }
        default:
          if (!holds(source)) order.push_back(source);
          waiting.emplace_back(source, step);
          turns.add(desk_source(source), step);
      }
      REQUIRE(turns.waiting() == waiting.size());
      REQUIRE(turns.waiting_of(desk_source(source)) ==
              static_cast<std::size_t>(
                  std::count_if(waiting.begin(), waiting.end(),
                                [&](const auto& entry) { return entry.first == source; })));
    }
  }
}

}  // namespace
}  // namespace trestle::test
