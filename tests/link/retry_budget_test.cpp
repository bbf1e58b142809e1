#include "trestle/link/retry_budget.hpp"

#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using link::RetryBudget;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

int take_all(RetryBudget& budget, Instant now) {
  int taken = 0;
  while (budget.take(now)) ++taken;
  return taken;
}

}  // namespace

TEST_CASE("without traffic the floor is there, and comes back one at a time") {
  RetryBudget budget({.percent = 10, .floor = 3, .floor_interval = 10min});
  CHECK(take_all(budget, kStart) == 3);
  CHECK(take_all(budget, kStart + 10min - 1us) == 0);
  CHECK(take_all(budget, kStart + 10min) == 1);
  CHECK(take_all(budget, kStart + 29min) == 1);
  CHECK(take_all(budget, kStart + 300min) == 3);
}

TEST_CASE("the floor gives nothing back while requests earn as much") {
  RetryBudget budget({.percent = 10, .floor = 2, .floor_interval = 10min});
  CHECK(take_all(budget, kStart) == 2);
  for (int count = 0; count < 10; ++count) budget.on_request();
  CHECK(take_all(budget, kStart + 5min) == 1);
  CHECK(take_all(budget, kStart + 10min) == 0);
  CHECK(take_all(budget, kStart + 20min) == 1);
}

TEST_CASE("a thousand sets with little traffic retry a tenth of it, though all of it fails") {
  constexpr std::uint64_t kSets = 1000;
  Rng rng(1);
  std::vector<RetryBudget> budgets(kSets, RetryBudget({}));
  std::vector<Instant> turns;
  for (std::uint64_t set = 0; set < kSets; ++set) turns.push_back(kStart + rng.between(0s, 10s));
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  for (int turn = 0; turn < 360; ++turn) {  // an hour of one request in 10 s from each
    for (std::uint64_t set = 0; set < kSets; ++set) {
      budgets[set].on_request();
      ++requests;
      retries += budgets[set].take(turns[set]) ? 1 : 0;
      turns[set] += 10s;
    }
  }
  CHECK(retries <= requests / 10 + kSets * link::RetryBudgetOptions{}.floor);
  CHECK(retries >= requests / 10);
}

TEST_CASE("ten requests pay for one retry") {
  RetryBudget budget({.percent = 10, .floor = 0});
  for (int count = 0; count < 9; ++count) budget.on_request();
  CHECK_FALSE(budget.take(kStart));
  budget.on_request();
  CHECK(budget.take(kStart));
  CHECK_FALSE(budget.take(kStart));
}

TEST_CASE("only so many retries are saved up") {
  RetryBudget budget({.percent = 10, .floor = 3, .saved_max = 50});
  for (int count = 0; count < 100'000; ++count) budget.on_request();
  CHECK(take_all(budget, kStart) == 50);
}

TEST_CASE("retries never exceed the share of the requests and the floor, whatever the order") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Rng rng(seed);
    const link::RetryBudgetOptions options{
        .percent = static_cast<std::uint32_t>(rng.below(30)),
        .floor = static_cast<std::uint32_t>(rng.below(4)),
        .floor_interval = rng.between(500ms, 20s),
        .saved_max = static_cast<std::uint32_t>(rng.below(20)),
    };
    RetryBudget budget(options);
    Instant now = kStart;
    std::uint64_t requests = 0;
    std::uint64_t retries = 0;
    for (int step = 0; step < 200; ++step) {
      if (rng.chance(1, 2)) {
        budget.on_request();
        ++requests;
      } else if (budget.take(now)) {
        ++retries;
      }
      now += rng.between(0ms, 300ms);
      const auto intervals = static_cast<std::uint64_t>((now - kStart) / options.floor_interval);
      const std::uint64_t given = options.floor == 0 ? 0 : intervals;
      CAPTURE(seed, step);
      REQUIRE(retries * 100 <= requests * options.percent + (options.floor + given) * 100);
    }
  }
}
