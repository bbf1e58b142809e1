#include "trestle/link/retry_budget.hpp"

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

TEST_CASE("without traffic the floor is there, and comes back one a second") {
  RetryBudget budget({.percent = 10, .floor = 3});
  CHECK(take_all(budget, kStart) == 3);
  CHECK(take_all(budget, kStart + 999ms) == 0);
  CHECK(take_all(budget, kStart + 1s) == 1);
  CHECK(take_all(budget, kStart + 100s) == 3);
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
      const auto seconds =
          std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() - 1000;
      const std::uint64_t given = options.floor == 0 ? 0 : static_cast<std::uint64_t>(seconds);
      CAPTURE(seed, step);
      REQUIRE(retries * 100 <= requests * options.percent + (options.floor + given) * 100);
    }
  }
}
