#include "trestle/pool/bridge_ejection.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "catch.hpp"

using namespace trestle;
using pool::BadAnswers;
using pool::BridgeHealth;
using pool::usable_bridges;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

/// One bridge: closed, trusted, or connected with one of two degrees of badness.
constexpr BridgeHealth kKinds[] = {{false, 0}, {true, 0}, {true, 3}, {true, 4}};

bool has(std::uint64_t mask, std::size_t index) { return (mask >> index & 1) != 0; }

/// Says of one case whether the rule holds in every point it promises.
void check(const std::vector<BridgeHealth>& health, std::uint32_t usable_min) {
  const std::uint64_t usable = usable_bridges(health, usable_min);
  std::uint32_t connected = 0;
  std::uint32_t trusted = 0;
  std::uint32_t worst_in = 0;
  std::uint32_t least_out = ~0u;
  for (std::size_t index = 0; index < health.size(); ++index) {
    const BridgeHealth& bridge = health[index];
    connected += bridge.is_connected ? 1 : 0;
    trusted += bridge.is_connected && bridge.badness == 0 ? 1 : 0;
    if (!bridge.is_connected) REQUIRE_FALSE(has(usable, index));
    if (bridge.is_connected && bridge.badness == 0) REQUIRE(has(usable, index));
    if (!bridge.is_connected) continue;
    if (has(usable, index)) {
      worst_in = std::max(worst_in, bridge.badness);
    } else {
      least_out = std::min(least_out, bridge.badness);
    }
  }
  REQUIRE(worst_in <= least_out);
  const auto count = static_cast<std::uint32_t>(std::popcount(usable));
  REQUIRE(count == std::min(connected, std::max(trusted, usable_min)));
  REQUIRE(usable >> health.size() == 0);
}

}  // namespace

TEST_CASE("the ejection rule holds for one to eight bridges in every state of health") {
  std::size_t cases = 0;
  for (std::size_t count = 1; count <= 8; ++count) {
    std::vector<BridgeHealth> health(count);
    const std::size_t states = std::size_t{1} << (2 * count);
    for (std::size_t state = 0; state < states; ++state) {
      for (std::size_t index = 0; index < count; ++index) {
        health[index] = kKinds[state >> (2 * index) & 3];
      }
      for (std::uint32_t usable_min = 0; usable_min <= 8; ++usable_min) {
        check(health, usable_min);
        ++cases;
      }
    }
  }
  CHECK(cases == 786'420);
}

TEST_CASE("with two bridges and one bad the good one stands alone") {
  const std::vector<BridgeHealth> health = {{true, 5}, {true, 0}};
  CHECK(usable_bridges(health, 1) == 0b10);
  CHECK(usable_bridges(health, 2) == 0b11);
}

TEST_CASE("when all are bad the least bad one stays, of equals the first") {
  const std::vector<BridgeHealth> health = {{true, 5}, {true, 3}, {true, 3}};
  CHECK(usable_bridges(health, 1) == 0b010);
}

TEST_CASE("three bad answers in a row are suspected for a while, a good one between them is not") {
  BadAnswers answers;
  const pool::EjectionOptions options;
  answers.on_bad_answer(kStart, options);
  answers.on_bad_answer(kStart, options);
  answers.on_good_answer();
  answers.on_bad_answer(kStart, options);
  answers.on_bad_answer(kStart, options);
  CHECK(answers.badness(kStart) == 0);
  answers.on_bad_answer(kStart, options);
  CHECK(answers.badness(kStart) == 3);
  CHECK(answers.badness(kStart + 30s) == 0);
}

TEST_CASE("after its time one bad answer more suspects it again, a good one clears it") {
  BadAnswers answers;
  const pool::EjectionOptions options;
  for (int count = 0; count < 3; ++count) answers.on_bad_answer(kStart, options);
  answers.on_bad_answer(kStart + 40s, options);
  CHECK(answers.badness(kStart + 41s) == 4);
  answers.on_good_answer();
  answers.on_bad_answer(kStart + 80s, options);
  CHECK(answers.badness(kStart + 80s) == 0);
}
