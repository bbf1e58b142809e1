#include "trestle/base/deadlines.hpp"

#include <algorithm>
#include <map>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

/// The reference: all deadlines in a map, the earliest found by looking at each.
class Model {
 public:
  void set(Deadlines::Slot slot, Instant at) {
    deadlines_.erase(slot);
    if (at != kNever) deadlines_[slot] = at;
  }
  void erase(Deadlines::Slot slot) { deadlines_.erase(slot); }
  std::size_t size() const { return deadlines_.size(); }
  Instant next() const {
    Instant earliest = kNever;
    for (const auto& [slot, at] : deadlines_) earliest = std::min(earliest, at);
    return earliest;
  }
  std::optional<Deadlines::Slot> pop_due(Instant now) {
    const Instant earliest = next();
    if (earliest == kNever || earliest > now) return std::nullopt;
    for (const auto& [slot, at] : deadlines_) {
      if (at != earliest) continue;
      const Deadlines::Slot due = slot;
      deadlines_.erase(due);
      return due;
    }
    return std::nullopt;
  }

 private:
  std::map<Deadlines::Slot, Instant> deadlines_;
};

}  // namespace

TEST_CASE("deadlines come out as a sorted list would give them") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Deadlines deadlines;
    Model model;
    Instant now{};
    const std::uint64_t slots = 1 + rng.below(40);
    for (int step = 0; step < 300; ++step) {
      const auto slot = static_cast<Deadlines::Slot>(rng.below(slots));
      switch (rng.below(6)) {
        case 0:
        case 1:
        case 2: {
          // Few different instants, so that many are equal.
          const std::uint64_t wait = rng.below(10);
          const Instant at = now + Duration(static_cast<Duration::rep>(wait));
          deadlines.set(slot, at);
          model.set(slot, at);
          break;
        }
        case 3:
          deadlines.erase(slot);
          model.erase(slot);
          break;
        case 4:
          deadlines.set(slot, kNever);
          model.set(slot, kNever);
          break;
        default: {
          const std::uint64_t passed = rng.below(5);
          now += Duration(static_cast<Duration::rep>(passed));
          const std::uint64_t pops = rng.below(4);
          for (std::uint64_t pop = 0; pop < pops; ++pop) {
            const auto due = deadlines.due(now);
            const auto popped = deadlines.pop_due(now);
            REQUIRE(popped == model.pop_due(now));
            REQUIRE(due == popped);
          }
        }
      }
      REQUIRE(deadlines.next() == model.next());
      REQUIRE(deadlines.size() == model.size());
    }
    // The rest, to the end.
    while (model.size() > 0) REQUIRE(deadlines.pop_due(kNever) == model.pop_due(kNever));
    REQUIRE_FALSE(deadlines.pop_due(kNever).has_value());
  }
}

TEST_CASE("without deadlines the next one is never") {
  Deadlines deadlines;
  CHECK(deadlines.next() == kNever);
  CHECK_FALSE(deadlines.pop_due(kNever).has_value());
  deadlines.erase(7);
  CHECK(deadlines.size() == 0);
}

TEST_CASE("equal instants come out by slot, whatever was set first") {
  Deadlines deadlines;
  for (const Deadlines::Slot slot : {5u, 1u, 9u, 0u}) deadlines.set(slot, Instant{1s});
  for (const Deadlines::Slot slot : {0u, 1u, 5u, 9u}) CHECK(deadlines.pop_due(Instant{1s}) == slot);
}

TEST_CASE("nothing is due before its time") {
  Deadlines deadlines;
  deadlines.set(0, Instant{2s});
  CHECK_FALSE(deadlines.pop_due(Instant{2s} - 1us).has_value());
  CHECK(deadlines.pop_due(Instant{2s}) == 0u);
}

TEST_CASE("a moved deadline counts at its new instant alone") {
  Deadlines deadlines;
  deadlines.set(0, Instant{1s});
  deadlines.set(1, Instant{2s});
  deadlines.set(0, Instant{3s});
  CHECK(deadlines.size() == 2);
  CHECK(deadlines.pop_due(Instant{9s}) == 1u);
  CHECK(deadlines.pop_due(Instant{9s}) == 0u);
  CHECK_FALSE(deadlines.pop_due(Instant{9s}).has_value());
}
