#include "trestle/sim/exponential.hpp"

#include <vector>

#include "catch.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("exponential draws have the mean, the spread and the tail of the law") {
  Rng rng(1);
  constexpr int kDraws = 200'000;
  Duration sum{};
  int above_mean = 0;
  int above_three_means = 0;
  std::int64_t squares = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Duration wait = draw_exponential(rng, 1ms);
    CHECK(wait >= 0ms);
    sum += wait;
    squares += wait.count() * wait.count();
    if (wait > 1ms) ++above_mean;
    if (wait > 3ms) ++above_three_means;
  }
  const std::int64_t mean = sum.count() / kDraws;
  CHECK(mean >= 985);
  CHECK(mean <= 1005);  // half a microsecond is cut off each
  const std::int64_t variance = squares / kDraws - mean * mean;
  CHECK(variance >= 970'000);
  CHECK(variance <= 1'030'000);
  CHECK(above_mean >= kDraws * 363 / 1000);  // e^-1 = 0.3679
  CHECK(above_mean <= kDraws * 373 / 1000);
  CHECK(above_three_means >= kDraws * 48 / 1000);  // e^-3 = 0.0498
  CHECK(above_three_means <= kDraws * 52 / 1000);
}

TEST_CASE("exponential draws of one seed are these") {
  Rng rng(7);
  std::vector<Duration> drawn;
  for (int draw = 0; draw < 4; ++draw) drawn.push_back(draw_exponential(rng, 1s));
  Rng again(7);
  for (const Duration wait : drawn) CHECK(draw_exponential(again, 1s) == wait);
}

}  // namespace
}  // namespace trestle::sim::test
