#include "trestle/link/hedge_delay.hpp"

#include "catch.hpp"

using namespace trestle;
using link::HedgeDelay;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

}  // namespace

TEST_CASE("fewer than twenty answers say nothing") {
  HedgeDelay hedge;
  for (int count = 0; count < 19; ++count) hedge.add(kStart, 5ms);
  CHECK_FALSE(hedge.delay().has_value());
  hedge.add(kStart, 5ms);
  CHECK(hedge.delay().has_value());
}

TEST_CASE("the delay is the time within which nineteen of twenty answers come") {
  HedgeDelay hedge;
  for (int count = 0; count < 640; ++count) hedge.add(kStart, count % 20 == 0 ? 900ms : 5ms);
  REQUIRE(hedge.delay().has_value());
  CHECK(*hedge.delay() >= 5ms);
  CHECK(*hedge.delay() <= 6ms + 1ms);
}

TEST_CASE("what was slow a while ago is forgotten") {
  HedgeDelay hedge;
  for (int count = 0; count < 640; ++count) hedge.add(kStart, 900ms);
  CHECK(*hedge.delay() >= 900ms);
  for (int count = 0; count < 64; ++count) hedge.add(kStart + 11s, 5ms);
  CHECK(*hedge.delay() < 10ms);
}

TEST_CASE("the last full half speaks until the new one has enough, an old one does not") {
  HedgeDelay hedge;
  for (int count = 0; count < 64; ++count) hedge.add(kStart, 5ms);
  hedge.add(kStart + 11s, 5ms);
  CHECK(hedge.delay().has_value());
  hedge.add(kStart + 60s, 5ms);
  CHECK_FALSE(hedge.delay().has_value());
}
