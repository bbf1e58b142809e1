#include "trestle/link/keepalive.hpp"

#include "catch.hpp"

using namespace trestle;
using link::Keepalive;
using Effect = link::Keepalive::Effect;
using namespace std::chrono_literals;

namespace {
constexpr Instant kStart = Instant(1000s);
}

TEST_CASE("a ping is due within thirty seconds, and not before the jitter allows") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Keepalive keepalive({}, Rng(seed));
    keepalive.start(kStart);
    REQUIRE(keepalive.next_deadline() >= kStart + 27s);
    REQUIRE(keepalive.next_deadline() <= kStart + 30s);
  }
}

TEST_CASE("the first missed pong makes the link unhealthy, the third ends it") {
  Keepalive keepalive({}, Rng(1));
  keepalive.start(kStart);
  keepalive.on_deadline(kStart + 30s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  keepalive.on_miss(kStart + 40s);
  CHECK(keepalive.poll_effect() == Effect::became_unhealthy);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  CHECK_FALSE(keepalive.is_healthy());
  keepalive.on_miss(kStart + 50s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  keepalive.on_miss(kStart + 60s);
  CHECK(keepalive.poll_effect() == Effect::died);
  CHECK(keepalive.next_deadline() == kNever);
}

TEST_CASE("a pong after a miss makes the link healthy again") {
  Keepalive keepalive({}, Rng(1));
  keepalive.start(kStart);
  keepalive.on_deadline(kStart + 30s);
  keepalive.on_miss(kStart + 40s);
  while (keepalive.poll_effect()) {
  }
  keepalive.on_pong(kStart + 41s, 1s);
  CHECK(keepalive.poll_effect() == Effect::became_healthy);
  CHECK(keepalive.is_healthy());
}

TEST_CASE("the round trip is smoothed by an eighth of each new sample") {
  Keepalive keepalive({}, Rng(1));
  keepalive.start(kStart);
  CHECK(keepalive.round_trip() == 0us);
  keepalive.on_pong(kStart, 80ms);
  CHECK(keepalive.round_trip() == 80ms);
  keepalive.on_pong(kStart, 160ms);
  CHECK(keepalive.round_trip() == 90ms);
}
