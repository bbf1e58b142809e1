#include "trestle/base/rotating_subset.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{48h};

NodeId id(std::uint64_t number) { return {number, number * 3, static_cast<std::uint32_t>(number)}; }

/// The subset of an asker among that many candidates.
std::vector<std::uint64_t> subset(const RotatingSubset& rotating, Instant now, const NodeId& asker,
                                  std::uint64_t candidates) {
  const RotatingSubset::Order order = rotating.order(now, asker);
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 0; number < candidates; ++number) numbers.push_back(number);
  std::ranges::sort(numbers, {}, [&](std::uint64_t number) {
    return order.place_of(rotating.mark_of(id(number)));
  });
  numbers.resize(std::min<std::size_t>(rotating.size(), candidates));
  return numbers;
}

}  // namespace

TEST_CASE("an asker's few are the same until the turn is over, then others") {
  const RotatingSubset rotating({.size = 20, .turn = 24h}, Rng(1));
  const auto first = subset(rotating, kStart, id(5000), 1000);
  CHECK(subset(rotating, kStart + 24h - Duration(1), id(5000), 1000) == first);
  const auto second = subset(rotating, kStart + 24h, id(5000), 1000);
  std::set<std::uint64_t> both(first.begin(), first.end());
  both.insert(second.begin(), second.end());
  CHECK(both.size() > 35);
}

TEST_CASE("one who goes is replaced by one, the others stay") {
  const RotatingSubset rotating({.size = 20, .turn = 24h}, Rng(1));
  const auto all = subset(rotating, kStart, id(5000), 1000);
  // The last candidate is no longer there: whoever was not it stands where it stood.
  const auto fewer = subset(rotating, kStart, id(5000), 999);
  std::set<std::uint64_t> either(all.begin(), all.end());
  either.insert(fewer.begin(), fewer.end());
  CHECK(either.size() <= 21);
}

TEST_CASE("over many askers every candidate is named equally often, under every secret") {
  constexpr std::uint64_t kCandidates = 50;
  constexpr std::uint64_t kAskers = 10'000;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    const RotatingSubset rotating({.size = 5, .turn = 24h}, Rng(seed));
    std::vector<std::uint64_t> named(kCandidates);
    for (std::uint64_t asker = 0; asker < kAskers; ++asker) {
      for (const std::uint64_t one : subset(rotating, kStart, id(9000 + asker), kCandidates)) {
        ++named[one];
      }
    }
    // Chi-square times the expected count over 49 degrees of freedom; the 0.1 % bound is 85.4.
    constexpr std::uint64_t kExpected = kAskers * 5 / kCandidates;
    std::uint64_t sum = 0;
    for (const std::uint64_t count : named) {
      const std::uint64_t off = count > kExpected ? count - kExpected : kExpected - count;
      sum += off * off;
    }
    CHECK(sum < 85 * kExpected);
  }
}

TEST_CASE("who knows no secret cannot tell whose few an id will be among") {
  std::set<std::vector<std::uint64_t>> seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const RotatingSubset rotating({.size = 20, .turn = 24h}, Rng(seed));
    seen.insert(subset(rotating, kStart, id(5000), 1000));
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("what is drawn are some of the asker's few, each equally often and in any order") {
  constexpr std::uint64_t kFew = 20;
  constexpr std::size_t kWanted = 4;
  constexpr int kDraws = 20'000;
  const RotatingSubset rotating({.size = kFew, .turn = 24h}, Rng(1));
  Rng rng(7);
  for (const std::uint64_t all : std::vector<std::uint64_t>{1, 3, 4, 20, 21, 32, 500}) {
    CAPTURE(all);
    const auto few = subset(rotating, kStart, id(5000), all);
    const std::size_t named = std::min(kWanted, few.size());
    std::map<std::uint64_t, int> first;
    std::map<std::uint64_t, int> drawn;
    std::vector<RotatingSubset::Candidate> candidates;
    for (int draw = 0; draw < kDraws; ++draw) {
      candidates.clear();
      const auto order = rotating.order(kStart, id(5000));
      for (std::uint64_t number = 0; number < all; ++number) {
        candidates.push_back({order.place_of(rotating.mark_of(id(number))), number});
      }
      rotating.draw(candidates, kWanted, rng);
      REQUIRE(candidates.size() == named);
      ++first[candidates.front().index];
      for (const auto& one : candidates) ++drawn[one.index];
    }
    CHECK(drawn.size() == few.size());
    for (const std::uint64_t number : few) {
      CAPTURE(number);
      // Six standard deviations of a binomial at most.
      const int share = kDraws / static_cast<int>(few.size());
      CHECK(std::abs(first[number] - share) < 430);
      CHECK(std::abs(drawn[number] - share * static_cast<int>(named)) < 430);
    }
  }
}
