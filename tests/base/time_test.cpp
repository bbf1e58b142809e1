#include "trestle/base/time.hpp"

#include "catch.hpp"

using namespace trestle;
using namespace std::chrono_literals;

TEST_CASE("after adds, and stops at never instead of overflowing") {
  const Instant now{5s};
  CHECK(after(now, 3s) == Instant{8s});
  CHECK(after(now, 0s) == now);
  CHECK(after(now, Duration::max()) == kNever);
  CHECK(after(kNever, 1us) == kNever);
  CHECK(after(kNever, 0us) == kNever);
  CHECK(after(kNever - 1us, 1us) == kNever);
  CHECK(after(kNever - 2us, 1us) == kNever - 1us);
  CHECK(after(Instant{}, Duration::max()) == kNever);
}

TEST_CASE("after goes back for a negative wait") { CHECK(after(Instant{5s}, -2s) == Instant{3s}); }

TEST_CASE("a wall clock counts steady time from its reference") {
  const WallClock clock{Instant{10s}, WallTime{1'700'000'000'000ms}};
  CHECK(clock.at(Instant{10s}) == WallTime{1'700'000'000'000ms});
  CHECK(clock.at(Instant{12s} + 345'678us) == WallTime{1'700'000'002'345ms});
  CHECK(clock.at(Instant{9s}) == WallTime{1'699'999'999'000ms});
}

TEST_CASE("a wall clock that was set again follows the new calendar") {
  WallClock clock{Instant{10s}, WallTime{1'000'000ms}};
  clock = {Instant{20s}, WallTime{500'000ms}};
  CHECK(clock.at(Instant{21s}) == WallTime{501'000ms});
}

TEST_CASE("never is later than every instant") {
  CHECK(Instant{} < kNever);
  CHECK(Instant{24h * 365 * 100} < kNever);
}
