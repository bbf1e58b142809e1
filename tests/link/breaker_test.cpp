#include "trestle/link/breaker.hpp"

#include "catch.hpp"

using namespace trestle;
using link::Breaker;
using link::BreakerState;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);

void fail_times(Breaker& breaker, Instant now, int times) {
  for (int count = 0; count < times; ++count) breaker.on_failure(now, *breaker.acquire(now));
}

}  // namespace

TEST_CASE("five failures in a row open the breaker, four do not") {
  Breaker breaker;
  fail_times(breaker, kStart, 4);
  CHECK(breaker.state(kStart) == BreakerState::closed);
  fail_times(breaker, kStart, 1);
  CHECK(breaker.state(kStart) == BreakerState::open);
  CHECK_FALSE(breaker.acquire(kStart).has_value());
}

TEST_CASE("half of twenty results within ten seconds open it, nineteen do not") {
  Breaker breaker;
  for (int pair = 0; pair < 9; ++pair) {
    breaker.on_failure(kStart, *breaker.acquire(kStart));
    breaker.on_success(kStart, *breaker.acquire(kStart));
  }
  breaker.on_failure(kStart, *breaker.acquire(kStart));
  CHECK(breaker.state(kStart) == BreakerState::closed);
  breaker.on_success(kStart, *breaker.acquire(kStart));
  breaker.on_failure(kStart, *breaker.acquire(kStart));
  CHECK(breaker.state(kStart) == BreakerState::open);
}

TEST_CASE("results older than the window do not count") {
  Breaker breaker;
  for (int count = 0; count < 40; ++count) {
    const Instant now = kStart + count * 2s;
    if (count % 2 == 0) {
      breaker.on_failure(now, *breaker.acquire(now));
    } else {
      breaker.on_success(now, *breaker.acquire(now));
    }
  }
  CHECK(breaker.state(kStart + 80s) == BreakerState::closed);
}

TEST_CASE("one probe at a time while half-open, two successes close it") {
  Breaker breaker;
  fail_times(breaker, kStart, 5);
  const Instant later = kStart + 1s;
  CHECK(breaker.state(later) == BreakerState::half_open);
  const auto probe = breaker.acquire(later);
  REQUIRE(probe.has_value());
  CHECK(probe->is_probe);
  CHECK_FALSE(breaker.acquire(later).has_value());
  breaker.on_success(later, *probe);
  CHECK(breaker.state(later) == BreakerState::half_open);
  breaker.on_success(later, *breaker.acquire(later));
  CHECK(breaker.state(later) == BreakerState::closed);
}

TEST_CASE("a failed probe doubles the time open, up to thirty seconds") {
  Breaker breaker;
  fail_times(breaker, kStart, 5);
  Instant now = kStart;
  for (const Duration open_for : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    CHECK_FALSE(breaker.acquire(now + open_for - 1us).has_value());
    now += open_for;
    const auto probe = breaker.acquire(now);
    REQUIRE(probe.has_value());
    breaker.on_failure(now, *probe);
  }
}

TEST_CASE("a probe that never reports back is given up, and its late result does not count") {
  Breaker breaker;
  fail_times(breaker, kStart, 5);
  const auto lost = breaker.acquire(kStart + 1s);
  REQUIRE(lost.has_value());
  CHECK_FALSE(breaker.acquire(kStart + 15s).has_value());
  const Instant later = kStart + 16s;
  const auto next = breaker.acquire(later);
  REQUIRE(next.has_value());
  breaker.on_success(later, *lost);
  breaker.on_success(later, *lost);
  CHECK(breaker.state(later) == BreakerState::half_open);
  breaker.on_success(later, *next);
  breaker.on_success(later, *breaker.acquire(later));
  CHECK(breaker.state(later) == BreakerState::closed);
}

TEST_CASE("results from before the trip neither close nor re-open it") {
  Breaker breaker;
  const auto early = breaker.acquire(kStart);
  fail_times(breaker, kStart, 5);
  breaker.on_failure(kStart, *early);
  CHECK(breaker.times_opened() == 1);
  breaker.on_success(kStart + 1s, *early);
  CHECK(breaker.state(kStart + 1s) == BreakerState::half_open);
}

TEST_CASE("an attempt that tells nothing gives its probe back") {
  Breaker breaker;
  fail_times(breaker, kStart, 5);
  breaker.on_released(*breaker.acquire(kStart + 1s));
  CHECK(breaker.acquire(kStart + 1s).has_value());
}
