#include "trestle/link/backoff.hpp"

#include "catch.hpp"

using namespace trestle;
using namespace std::chrono_literals;

TEST_CASE("P-BR-3: waits lie between zero and 1, 2, 4, 8, 16, 30, 30 s") {
  const Duration ceilings[] = {1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s};
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    link::Backoff backoff({}, Rng(seed));
    for (const Duration ceiling : ceilings) {
      const auto wait = backoff.next();
      REQUIRE(wait.has_value());
      REQUIRE(*wait >= 0s);
      REQUIRE(*wait <= ceiling);
    }
  }
}

TEST_CASE("waits spread over the whole interval") {
  unsigned lower_half = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    link::Backoff backoff({}, Rng(seed));
    if (*backoff.next() < 500ms) ++lower_half;
  }
  CHECK(lower_half > 400);
  CHECK(lower_half < 600);
}

TEST_CASE("P-CR-3: an operation of five attempts waits four times") {
  link::Backoff backoff({.attempts_max = 4}, Rng(1));
  for (int wait = 0; wait < 4; ++wait) REQUIRE(backoff.next().has_value());
  CHECK_FALSE(backoff.next().has_value());
  backoff.reset();
  CHECK(backoff.next().has_value());
}

TEST_CASE("a backoff without end never overflows") {
  link::Backoff backoff({}, Rng(7));
  for (int wait = 0; wait < 10'000; ++wait) REQUIRE(*backoff.next() <= 30s);
}
