#include "trestle/link/rate_limiter.hpp"

#include <map>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::link {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant{} + since_start; }
RateKey peer(std::uint64_t number) { return RateKey::of_identity({number, 0, 0}); }
ConnectionId connection(std::uint64_t serial) { return {ConnectionOwner::node, serial}; }

constexpr Rate kOnePerSecond{.interval = 1s, .per_interval = 1, .burst = 3};

}  // namespace

TEST_CASE("A burst passes, then one request in each interval") {
  RateLimiter limiter(8);
  for (int count = 0; count < 3; ++count) {
    CHECK(limiter.take(at(10s), peer(1), 0, kOnePerSecond).allowed);
  }
  const RateVerdict refused = limiter.take(at(10s), peer(1), 0, kOnePerSecond);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.retry_after == 1s);
  CHECK_FALSE(limiter.take(at(10'999ms), peer(1), 0, kOnePerSecond).allowed);
  CHECK(limiter.take(at(11s), peer(1), 0, kOnePerSecond).allowed);
  CHECK_FALSE(limiter.take(at(11s), peer(1), 0, kOnePerSecond).allowed);
}

TEST_CASE("P-CR-8: whoever keeps to the published rate is never refused, whatever its pattern") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const Rate rate{
        .interval = Duration(100'000 + static_cast<Duration::rep>(rng.below(3'000'000))),
        .per_interval = static_cast<std::uint32_t>(1 + rng.below(60)),
        .burst = static_cast<std::uint32_t>(60 + rng.below(500))};
    RateLimiter limiter(4);
    // The envelope: in no stretch of time more than burst + whole intervals x per_interval.
    Instant now = at(1s);
    std::vector<Instant> asked;
    for (int step = 0; step < 3000; ++step) {
      if (rng.chance(1, 3)) now += rng.between(0s, rate.interval);
      bool within = true;
      for (std::size_t first = asked.size(); first-- > 0 && within;) {
        const auto span = static_cast<std::uint64_t>((now - asked[first]) / rate.interval);
        within = asked.size() - first + 1 <= rate.burst + span * rate.per_interval;
      }
      if (!within) continue;
      asked.push_back(now);
      REQUIRE(limiter.take(now, peer(1), 0, rate).allowed);
    }
    CHECK(asked.size() > rate.burst / 2);
  }
}

TEST_CASE("RATE-07: no more than burst and rate together pass, and nobody pays for another") {
  Rng rng(4);
  RateLimiter limiter(64);
  const Rate rate{.interval = 500ms, .per_interval = 8, .burst = 32};
  Instant now = at(1s);
  std::uint64_t passed = 0;
  for (int step = 0; step < 20'000; ++step) {
    now += rng.between(0s, 5ms);
    if (limiter.take(now, peer(1), 0, rate).allowed) ++passed;
    if (step % 1000 == 0) CHECK(limiter.take(now, peer(2), 0, rate).allowed);
    if (step % 1000 == 0) CHECK(limiter.take(now, peer(1), 1, rate).allowed);
  }
  const auto intervals = static_cast<std::uint64_t>((now - at(1s)) / 500ms);
  CHECK(passed <= 32 + (intervals + 1) * 8);
  CHECK(passed >= 32 + (intervals - 1) * 8);
}

TEST_CASE("The stated wait is enough for an interval's worth of requests") {
  RateLimiter limiter(4);
  const Rate rate{.interval = 2s, .per_interval = 64, .burst = 512};
  Instant now = at(1s);
  while (limiter.take(now, peer(1), 0, rate).allowed) {
  }
  const RateVerdict refused = limiter.take(now, peer(1), 0, rate);
  CHECK(refused.retry_after <= 2001ms);
  now += refused.retry_after;
  for (int count = 0; count < 64; ++count) CHECK(limiter.take(now, peer(1), 0, rate).allowed);
  CHECK_FALSE(limiter.take(now, peer(1), 0, rate).allowed);
}

TEST_CASE("RATE-04: a rate that shrinks with the network's state counts at once") {
  RateLimiter limiter(4);
  Rate rate{.interval = 500ms, .per_interval = 4, .burst = 8};
  for (int count = 0; count < 8; ++count) CHECK(limiter.take(at(0s), peer(1), 0, rate).allowed);
  rate.interval = 2s;  // four are there again, and from now on one comes every 500 ms
  for (int count = 0; count < 4; ++count) CHECK(limiter.take(at(500ms), peer(1), 0, rate).allowed);
  CHECK_FALSE(limiter.take(at(999ms), peer(1), 0, rate).allowed);
  CHECK(limiter.take(at(1s), peer(1), 0, rate).allowed);
  CHECK_FALSE(limiter.take(at(1s), peer(1), 0, rate).allowed);
}

TEST_CASE("RATE-06: of many refusals the first, tenth, hundredth are worth a line") {
  RateLimiter limiter(4);
  std::vector<std::uint64_t> told;
  for (int count = 0; count < 5000; ++count) {
    const RateVerdict verdict = limiter.take(at(1s), peer(1), 0, kOnePerSecond);
    CHECK((verdict.allowed || verdict.refused > 0));
    if (verdict.crosses_threshold()) told.push_back(verdict.refused);
  }
  CHECK(told == std::vector<std::uint64_t>{1, 10, 100, 1000});
  CHECK(limiter.take(at(60s), peer(1), 0, kOnePerSecond).allowed);
  for (int count = 0; count < 2; ++count) limiter.take(at(60s), peer(1), 0, kOnePerSecond);
  CHECK(limiter.take(at(60s), peer(1), 0, kOnePerSecond).refused == 1);
}

TEST_CASE("Reconnecting brings nothing: the bucket belongs to the identity, not to the link") {
  RateLimiter limiter(4);
  while (limiter.take(at(1s), peer(1), 0, kOnePerSecond).allowed) {
  }
  for (std::uint64_t other = 2; other < 4; ++other) {
    CHECK(limiter.take(at(1s), peer(other), 0, kOnePerSecond).allowed);
  }
  CHECK_FALSE(limiter.take(at(1s), peer(1), 0, kOnePerSecond).allowed);
}

TEST_CASE("ROUTE-10: the table is bounded, and full buckets are not remembered") {
  RateLimiter limiter(16);
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    limiter.take(at(1s), peer(number), 0, kOnePerSecond);
    REQUIRE(limiter.size() <= 16);
  }
  limiter.take(at(1min), peer(1), 0, kOnePerSecond);
  CHECK(limiter.size() == 1);
}

TEST_CASE("ROUTE-10: where there is no room, the peer that asked least recently is forgotten") {
  RateLimiter limiter(2);
  while (limiter.take(at(1'000ms), peer(1), 0, kOnePerSecond).allowed) {
  }
  while (limiter.take(at(1'001ms), peer(2), 0, kOnePerSecond).allowed) {
  }
  limiter.take(at(1'002ms), peer(1), 0, kOnePerSecond);
  limiter.take(at(1'003ms), peer(3), 0, kOnePerSecond);
  CHECK_FALSE(limiter.take(at(1'004ms), peer(1), 0, kOnePerSecond).allowed);
  CHECK(limiter.take(at(1'005ms), peer(2), 0, kOnePerSecond).allowed);
}

TEST_CASE("Peers that prove nothing are counted by address, behind a proxy by connection") {
  const auto key = [](std::string_view address, std::uint64_t serial) {
    return RateKey::of_unproven(address, connection(serial));
  };
  CHECK(key("192.0.2.7", 1) == key("192.0.2.7", 2));
  CHECK(key("192.0.2.7", 1) != key("192.0.2.8", 1));
  CHECK(key("2001:db8:1:2::9", 1) == key("2001:db8:1:2:ffff::", 2));
  CHECK(key("2001:db8:1:2::9", 1) != key("2001:db8:1:3::9", 1));
  for (const std::string_view local : {"127.0.0.1", "::1", "10.0.0.2", "", "gibberish"}) {
    CHECK(key(local, 1) != key(local, 2));
    CHECK(key(local, 1) == RateKey::of_connection(connection(1)));
  }
  CHECK(RateKey::of_identity({1, 0, 0}) != RateKey::of_connection(connection(1)));
}

}  // namespace trestle::link
