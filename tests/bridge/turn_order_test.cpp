#include "trestle/bridge/turn_order.hpp"

#include <array>
#include <optional>
#include <vector>

#include "catch.hpp"
#include "desk_fixture.hpp"
#include "naive_turns.hpp"

namespace trestle::test {
namespace {

using bridge::Priority;
using bridge::TurnOrder;
using Slots = std::vector<TurnOrder::Slot>;

Slots take_all(TurnOrder& turns) {
  Slots taken;
  while (const auto slot = turns.take_next()) taken.push_back(*slot);
  return taken;
}

TEST_CASE("sources take turns and each keeps its own order") {
  TurnOrder turns({});
  for (const TurnOrder::Slot slot : {10u, 11u, 12u}) {
    turns.add(Priority::normal, desk_source(1), slot);
  }
  for (const TurnOrder::Slot slot : {20u, 21u}) turns.add(Priority::normal, desk_source(2), slot);
  turns.add(Priority::normal, desk_source(3), 30);
  CHECK(take_all(turns) == Slots{10, 20, 30, 11, 21, 12});
  CHECK(turns.waiting() == 0);
}

TEST_CASE("the higher class goes first, whoever came before") {
  TurnOrder turns({});
  turns.add(Priority::low, desk_source(2), 8);
  for (const TurnOrder::Slot slot : {7u, 1u, 5u}) {
    turns.add(Priority::normal, desk_source(1), slot);
  }
  turns.add(Priority::urgent, desk_source(3), 4);
  turns.add(Priority::urgent, desk_source(3), 9);
  turns.add(Priority::urgent, desk_source(1), 2);
  CHECK(take_all(turns) == Slots{4, 2, 9, 7, 1, 5, 8});
}

TEST_CASE("a class that waits is started in time, however many urgent ones keep coming") {
  constexpr std::size_t kOvertakes = 8;
  TurnOrder turns({.slots = 20, .overtakes_max = kOvertakes});
  // Three of each, and the urgent ones are made up for at once.
  TurnOrder::Slot next = 0;
  for (std::size_t of = 0; of < bridge::kPriorities; ++of) {
    for (int count = 0; count < 3; ++count) {
      turns.add(static_cast<Priority>(of), desk_source(1), next++);
    }
  }
  std::array<std::size_t, bridge::kPriorities> since{};
  std::array<std::size_t, bridge::kPriorities> longest{};
  for (int start = 0; start < 10'000; ++start) {
    const TurnOrder::Slot slot = *turns.take_next();
    const std::size_t of = slot / 3;
    for (std::size_t other = 0; other < bridge::kPriorities; ++other) {
      since[other] = other == of ? 0 : since[other] + 1;
      longest[other] = std::max(longest[other], since[other]);
    }
    turns.add(static_cast<Priority>(of), desk_source(1), slot);
  }
  CHECK(longest[0] <= bridge::kPriorities - 1);
  for (std::size_t of = 1; of < bridge::kPriorities; ++of) {
    CAPTURE(of);
    CHECK(longest[of] >= kOvertakes);
    CHECK(longest[of] <= kOvertakes + bridge::kPriorities - 2);
  }
}

TEST_CASE("an urgent request takes a place from its own source's lowest class, down to a floor") {
  TurnOrder turns({.slots = 10, .class_places_kept = 2});
  for (const TurnOrder::Slot slot : {0u, 1u, 2u}) turns.add(Priority::low, desk_source(1), slot);
  for (const TurnOrder::Slot slot : {3u, 4u, 5u}) {
    turns.add(Priority::normal, desk_source(1), slot);
  }
  CHECK(turns.displaced_by(Priority::urgent, desk_source(1)) == 2);
  CHECK(turns.remove(2));
  CHECK(turns.displaced_by(Priority::urgent, desk_source(1)) == 5);  // low is at its floor
  CHECK(turns.remove(5));
  CHECK_FALSE(turns.displaced_by(Priority::urgent, desk_source(1)).has_value());
  CHECK_FALSE(turns.displaced_by(Priority::low, desk_source(1)).has_value());
  // Another source takes what is over its share, of whatever class, from the lowest class first.
  CHECK(turns.displaced_by(Priority::low, desk_source(2)) == 1);
}

TEST_CASE("the turn order agrees with a naive model (10,000 cases)") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    bridge::TurnOrderOptions options{.slots = 16};
    options.overtakes_max = 1 + rng.below(5);
    options.class_places_kept = rng.below(3);
    TurnOrder turns(options);
    NaiveTurns model(options);
    for (int step = 0; step < 50; ++step) {
      const std::uint64_t source = rng.below(4);
      const auto priority = static_cast<Priority>(rng.below(bridge::kPriorities));
      const auto slot = static_cast<TurnOrder::Slot>(rng.below(options.slots));
      const bool waits =
          std::ranges::find(model.items, slot, &NaiveTurns::Item::number) != model.items.end();
      const std::uint64_t action = rng.below(5);
      if (action == 0) {
        REQUIRE(turns.take_next() == model.take_next());
      } else if (action == 1 || waits) {
        REQUIRE(turns.remove(slot) == model.remove(slot));
      } else {
        turns.add(priority, desk_source(source), slot);
        model.add(priority, source, slot);
      }
      REQUIRE(turns.waiting() == model.items.size());
      REQUIRE(turns.waiting_of(desk_source(source)) == model.waiting_of(source));
      REQUIRE(turns.displaced_by(priority, desk_source(source)) ==
              model.displaced_by(priority, source));
    }
  }
}

}  // namespace
}  // namespace trestle::test
