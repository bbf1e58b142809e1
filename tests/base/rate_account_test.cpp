#include "trestle/base/rate_account.hpp"

#include <cstdint>
#include <map>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1000s};

/// What a pace allows, by its definition: of any number of things that happened, the last one is
/// not sooner after the first than the pace can have earned what was not there at once.
bool keeps_to(const Pace& pace, const std::vector<Instant>& taken) {
  for (std::size_t first = 0; first < taken.size(); ++first) {
    for (std::size_t last = first; last < taken.size(); ++last) {
      const auto count = static_cast<std::int64_t>(last - first + 1);
      const auto earned = count - static_cast<std::int64_t>(pace.at_once);
      if (earned > 0 && taken[last] - taken[first] < pace.every * earned) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("an account has so many at once, and one more each time it has earned it") {
  constexpr Pace kPace{.every = 10s, .at_once = 3};
  RateAccount account;
  for (int count = 0; count < 3; ++count) CHECK(account.take(kStart, kPace));
  CHECK_FALSE(account.take(kStart, kPace));
  CHECK(account.wait(kStart, kPace) == 10s);
  CHECK_FALSE(account.take(kStart + 10s - Duration(1), kPace));
  CHECK(account.take(kStart + 10s, kPace));
  CHECK_FALSE(account.is_even(kStart + 40s - Duration(1)));
  CHECK(account.is_even(kStart + 40s));
  INFO("what is charged beyond what is there has to be earned first");
  for (int count = 0; count < 5; ++count) account.charge(kStart + 100s, kPace);
  CHECK(account.wait(kStart + 100s, kPace) == 30s);
}

TEST_CASE("no account gives more than its pace, and none less to whoever keeps to it") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const Pace pace{.every = Duration(1 + static_cast<std::int64_t>(rng.below(1'000'000))),
                    .at_once = static_cast<std::uint32_t>(1 + rng.below(5))};
    RateAccount account;
    std::vector<Instant> taken;
    Instant now = kStart;
    for (int step = 0; step < 60; ++step) {
      now += rng.between(Duration::zero(), pace.every * 2);
      const Duration wait = account.wait(now, pace);
      const bool is_given = account.take(now, pace);
      REQUIRE(is_given == (wait == Duration::zero()));
      std::vector<Instant> with_it = taken;
      with_it.push_back(now);
      REQUIRE(is_given == keeps_to(pace, with_it));
      if (is_given) taken = with_it;
    }
  }
}

TEST_CASE("a full table forgets who owes nothing, then who owes least") {
  constexpr Pace kPace{.every = 1s, .at_once = 10};
  RateAccounts<std::uint64_t> accounts(3);
  for (std::uint64_t key = 1; key <= 3; ++key) {
    for (std::uint64_t count = 0; count < 2 * key; ++count) accounts.charge(kStart, key, kPace);
  }
  CHECK_FALSE(accounts.has_place(kStart, 4));
  CHECK(accounts.has_place(kStart, 3));
  CHECK(accounts.take(kStart, 4, kPace));
  CHECK(accounts.size() == 3);
  INFO("the greediest is remembered, whoever comes");
  for (std::uint64_t key = 100; key < 1100; ++key) CHECK(accounts.take(kStart, key, kPace));
  CHECK(accounts.size() == 3);
  int left = 0;
  while (accounts.take(kStart, 3, kPace)) ++left;
  CHECK(left == 4);
  CHECK(accounts.has_place(kStart + 60s, 5));
  CHECK(accounts.size() == 0);
}

TEST_CASE("each has an account of its own") {
  constexpr Pace kPace{.every = 1s, .at_once = 5};
  RateAccounts<std::uint64_t> accounts(100);
  std::map<std::uint64_t, int> taken;
  Rng rng(7);
  for (int step = 0; step < 5000; ++step) {
    const std::uint64_t key = rng.below(50);
    taken[key] += accounts.take(kStart, key, kPace) ? 1 : 0;
  }
  for (const auto& [key, count] : taken) CHECK(count == 5);
}
