#include "trestle/link/keepalive.hpp"

#include <optional>

#include "catch.hpp"

using namespace trestle;
using link::Keepalive;
using Effect = link::Keepalive::Effect;
using namespace std::chrono_literals;

namespace {
constexpr Instant kStart = Instant(1000s);
constexpr link::KeepaliveOptions kUsual;
constexpr link::KeepaliveOptions kAlways{.pace = link::PingPace::always};
}  // namespace

TEST_CASE("a ping is due within thirty seconds, and not before the jitter allows") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Keepalive keepalive(kUsual, Rng(seed));
    keepalive.start(kStart);
    REQUIRE(keepalive.next_deadline() >= kStart + 27s);
    REQUIRE(keepalive.next_deadline() <= kStart + 30s);
  }
}

TEST_CASE("the first missed pong makes the link unhealthy, the third ends it") {
  Keepalive keepalive(kUsual, Rng(1));
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
  Keepalive keepalive(kUsual, Rng(1));
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
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart);
  CHECK(keepalive.round_trip() == 0us);
  keepalive.on_pong(kStart, 80ms);
  CHECK(keepalive.round_trip() == 80ms);
  keepalive.on_pong(kStart, 160ms);
  CHECK(keepalive.round_trip() == 90ms);
}

TEST_CASE("a link on which the peer talks is not pinged; silence is counted from its last word") {
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart);
  for (Duration heard = 10s; heard <= 100s; heard += 10s) {
    keepalive.on_heard(kStart + heard);
    keepalive.on_deadline(kStart + heard + 1s);
    CHECK_FALSE(keepalive.poll_effect());
    CHECK(keepalive.next_deadline() > kStart + heard + 1s);
  }
  keepalive.on_deadline(kStart + 129s);
  CHECK_FALSE(keepalive.poll_effect());
  keepalive.on_deadline(kStart + 130s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
}

TEST_CASE("the side that did not dial pings only where the other one's ping should have come") {
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart, link::PingPart::follows);
  for (Duration pinged = 30s; pinged <= 300s; pinged += 30s) {
    keepalive.on_deadline(kStart + pinged);
    CHECK_FALSE(keepalive.poll_effect());
    keepalive.on_heard(kStart + pinged);  // the leader's ping
  }
  keepalive.on_deadline(kStart + 339s);
  CHECK_FALSE(keepalive.poll_effect());
  keepalive.on_deadline(kStart + 340s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
}

TEST_CASE("POOL-04: a link that is always to be pinged is, whatever is heard on it") {
  Keepalive keepalive(kAlways, Rng(1));
  keepalive.start(kStart, link::PingPart::follows);
  keepalive.on_heard(kStart + 26s);
  keepalive.on_deadline(kStart + 30s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  keepalive.on_heard(kStart + 35s);
  keepalive.on_miss(kStart + 40s);
  CHECK(keepalive.poll_effect() == Effect::became_unhealthy);
}

TEST_CASE("P-CR-11: a half-open link that somebody wants to use is given up within forty seconds") {
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart);
  keepalive.on_heard(kStart + 20s);
  // A request leaves at 25 s and has no answer at 35 s.
  keepalive.on_unanswered(kStart + 35s, kStart + 25s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  keepalive.on_unanswered(kStart + 36s, kStart + 26s);  // pinged already
  CHECK_FALSE(keepalive.poll_effect());
  keepalive.on_miss(kStart + 45s);
  CHECK_FALSE(keepalive.is_healthy());
  keepalive.on_miss(kStart + 55s);
  keepalive.on_miss(kStart + 65s);
  std::optional<Effect> last;
  while (const auto effect = keepalive.poll_effect()) last = effect;
  CHECK(last == Effect::died);
}

TEST_CASE("one request that was not answered means nothing while the peer says other things") {
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart);
  keepalive.on_heard(kStart + 26s);
  keepalive.on_unanswered(kStart + 35s, kStart + 25s);
  CHECK_FALSE(keepalive.poll_effect());
}

TEST_CASE("a pong held up behind other words of the peer is not missed") {
  Keepalive keepalive(kUsual, Rng(1));
  keepalive.start(kStart);
  keepalive.on_deadline(kStart + 30s);
  CHECK(keepalive.poll_effect() == Effect::send_ping);
  keepalive.on_heard(kStart + 39s);
  keepalive.on_miss(kStart + 40s);
  CHECK_FALSE(keepalive.poll_effect());
  CHECK(keepalive.is_healthy());
  CHECK(keepalive.next_deadline() == kStart + 69s);
}
