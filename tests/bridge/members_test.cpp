#include "trestle/bridge/members.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "catch.hpp"
#include "desk_fixture.hpp"

namespace trestle::test {
namespace {

using std::chrono::seconds;

bridge::Members members(std::size_t members_max = 512, std::uint64_t seed = 1) {
  return bridge::Members(members_max, seconds(60), {}, Rng(seed));
}

TEST_CASE("every member is named equally often, and so is every pair") {
  constexpr std::uint64_t kMembers = 10;
  constexpr std::uint64_t kDraws = 10'000;
  bridge::Members known = members();
  for (std::uint64_t number = 1; number <= kMembers; ++number) {
    known.up(kStart, desk_contact(number));
  }
  std::array<std::uint64_t, kMembers> named{};
  std::array<std::array<std::uint64_t, kMembers>, kMembers> together{};
  for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
    const wire::Contacts chosen = known.choose_fresh(kStart, NodeId(777, 0, 0), 4);
    REQUIRE(chosen.size() == 4);
    for (const wire::Contact& first : chosen) {
      ++named[first.id.high() - 1];
      for (const wire::Contact& second : chosen) {
        if (first.id < second.id) ++together[first.id.high() - 1][second.id.high() - 1];
      }
    }
  }
  // Chi-square times the expected count, in integers. 1 % bounds: 21.7 for 9 and 69.0 for 44
  // degrees.
  const auto square = [](std::uint64_t seen, std::uint64_t expected) {
    const auto off = static_cast<std::int64_t>(seen) - static_cast<std::int64_t>(expected);
    return static_cast<std::uint64_t>(off * off);
  };
  constexpr std::uint64_t kExpected = kDraws * 4 / kMembers;
  std::uint64_t sum = 0;
  for (const std::uint64_t seen : named) sum += square(seen, kExpected);
  CHECK(sum < 21 * kExpected);
  constexpr std::uint64_t kExpectedPairs = kDraws * 6 / 45;
  std::uint64_t sum_of_pairs = 0;
  for (std::size_t first = 0; first < kMembers; ++first) {
    for (std::size_t second = first + 1; second < kMembers; ++second) {
      sum_of_pairs += square(together[first][second], kExpectedPairs);
    }
  }
  CHECK(sum_of_pairs < 69 * kExpectedPairs);
}

TEST_CASE("members are fresh for exactly the time stated") {
  bridge::Members known = members();
  known.up(kStart, desk_contact(1));
  CHECK(known.is_fresh(kStart + seconds(60), desk_contact(1).id));
  CHECK_FALSE(known.is_fresh(kStart + seconds(60) + Duration(1), desk_contact(1).id));
  known.heard(kStart + seconds(90), desk_contact(1).id);
  CHECK(known.is_fresh(kStart + seconds(150), desk_contact(1).id));
  known.silent(desk_contact(1).id);
  CHECK_FALSE(known.is_fresh(kStart + seconds(91), desk_contact(1).id));
  CHECK_FALSE(known.is_worth_asking(desk_contact(1).id));
}

TEST_CASE("the table is bounded, and a peer that changes its role moves") {
  bridge::Members known = members(3);
  for (std::uint64_t number = 1; number <= 5; ++number) {
    CHECK(known.up(kStart, desk_contact(number)) == (number <= 3));
  }
  CHECK(known.size() == 3);
  CHECK(known.up(kStart, desk_contact(2, wire::Role::bridge)));
  CHECK(known.size() == 2);
  CHECK(known.choose_bridges(kStart, {}, 20).size() == 1);
  known.down(desk_contact(2).id);
  CHECK(known.choose_bridges(kStart, {}, 20).empty());
}

TEST_CASE("those worth asking come in an order that depends on the seed alone") {
  std::set<std::vector<NodeId>> orders;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::vector<NodeId> order;
    for (int run = 0; run < 2; ++run) {
      bridge::Members known = members(512, seed);
      for (std::uint64_t number = 1; number <= 4; ++number) known.up(kStart, desk_contact(number));
      std::vector<NodeId> stale;
      known.order_stale(kStart + seconds(61), desk_contact(1).id, stale);
      REQUIRE(stale.size() == 3);
      if (run == 1) CHECK(stale == order);
      order = stale;
    }
    orders.insert(order);
  }
  CHECK(orders.size() == 6);
}

}  // namespace
}  // namespace trestle::test
