#include "trestle/sim/churn.hpp"

#include <set>

#include "catch.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr NodeIndex kFirst = 3;
constexpr std::uint32_t kMembers = 1000;
constexpr NodeIndex kFirstNewcomer = kFirst + kMembers;

FaultScript churn_of(std::uint64_t seed, Stay stay = Stay::exponential) {
  return draw_churn({.percent_per_hour = 10, .stay = stay}, Rng(seed), kFirst, kMembers,
                    kFirstNewcomer, Instant(0s), Instant(6h));
}

TEST_CASE("ten percent an hour leave and as many come, each once") {
  const FaultScript script = churn_of(1);
  std::set<NodeIndex> left;
  std::set<NodeIndex> came;
  std::array<int, 3> ways{};
  for (std::size_t index = 0; index < script.size(); ++index) {
    const Fault& fault = script[index];
    if (index > 0) CHECK(script[index - 1].at <= fault.at);
    if (fault.kind == FaultKind::leave) {
      CHECK(left.insert(fault.node).second);
      CHECK((fault.node < kFirstNewcomer || came.contains(fault.node)));
      REQUIRE(fault.number < ways.size());
      ++ways[static_cast<std::size_t>(fault.number)];
    } else {
      REQUIRE(fault.kind == FaultKind::join);
      CHECK(fault.node >= kFirstNewcomer);
      CHECK(came.insert(fault.node).second);
    }
  }
  // 600 are expected; three standard deviations are 73.
  CHECK(left.size() > 500);
  CHECK(left.size() < 700);
  CHECK(came.size() + 30 > left.size());
  CHECK(came.size() <= left.size());
  CHECK(*came.rbegin() == kFirstNewcomer + came.size() - 1);
  CHECK(ways[0] > 200);
  CHECK(ways[1] > 100);
  CHECK(ways[2] > 100);
}

TEST_CASE("the same seed gives the same churn, no percent gives none") {
  CHECK(churn_of(1) == churn_of(1));
  CHECK_FALSE(churn_of(1) == churn_of(2));
  CHECK(draw_churn({.percent_per_hour = 0}, Rng(1), kFirst, kMembers, kFirstNewcomer, Instant(0s),
                   Instant(6h))
            .empty());
}

TEST_CASE("heavy-tailed stays have the same mean: most are short, some very long") {
  const auto shares = [](Stay stay) {
    const ChurnOptions options{.percent_per_hour = 100, .stay = stay};
    Rng rng(7);
    Duration sum{};
    int brief = 0;
    int endless = 0;
    for (int draw = 0; draw < 100'000; ++draw) {
      const Duration drawn = draw_stay(options, rng);
      sum += drawn;
      if (drawn < 6min) ++brief;
      if (drawn > 5h) ++endless;
    }
    CHECK(sum / 100'000 > 57min);
    CHECK(sum / 100'000 < 63min);
    return std::pair{brief, endless};
  };
  const auto [brief, endless] = shares(Stay::exponential);
  const auto [brief_tailed, endless_tailed] = shares(Stay::heavy_tailed);
  // 1 - exp(-1/10) and exp(-5); 1 - exp(-sqrt(2/10)) and exp(-sqrt(10)).
  CHECK((brief > 9'000 && brief < 10'000));
  CHECK((endless > 550 && endless < 800));
  CHECK((brief_tailed > 35'000 && brief_tailed < 37'000));
  CHECK((endless_tailed > 4'000 && endless_tailed < 4'500));
}

}  // namespace
}  // namespace trestle::sim::test
