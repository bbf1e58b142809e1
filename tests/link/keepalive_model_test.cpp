// The keepalive against the rule it follows, over 10,000 random peers.

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "trestle/link/keepalive.hpp"

using namespace trestle;
using link::Keepalive;
using Effect = link::Keepalive::Effect;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;
constexpr Instant kStart = Instant(1000s);
constexpr link::KeepaliveOptions kAlways{.pace = link::PingPace::always};
constexpr link::KeepaliveOptions kWhenSilent{.pace = link::PingPace::when_silent};

/// One link's pings, answered or missed at random, against a count of misses in a row.
struct Story {
  explicit Story(std::uint64_t seed)
      : rng(Rng(seed).fork("story")),
        pace(seed % 2 == 0 ? link::PingPace::always : link::PingPace::when_silent),
        machine(seed % 2 == 0 ? kAlways : kWhenSilent, Rng(seed)) {}

  Rng rng;
  link::PingPace pace;
  Keepalive machine;
  Instant now = kStart;
  Instant last_verdict = kStart;  ///< Start, pong or miss.
  unsigned misses = 0;
  bool is_pinged = false;
  bool is_dead = false;

  std::vector<Effect> drain() {
    std::vector<Effect> effects;
    while (const auto effect = machine.poll_effect()) effects.push_back(*effect);
    return effects;
  }

  /// POOL-04: the next ping leaves 27 to 30 s after the last verdict; where silence decides, 30 s
  /// after the last word.
  void wait_for_ping() {
    if (pace == link::PingPace::when_silent) {
      for (std::uint64_t words = rng.below(3); words > 0; --words) {
        now += rng.between(Duration::zero(), 29s);
        machine.on_heard(now);
        last_verdict = now;
      }
      // The timer follows the last word: it does not wake anybody who would find it too early.
      REQUIRE(machine.next_deadline() == last_verdict + 30s);
    }
    now = machine.next_deadline();
    REQUIRE(now >= last_verdict + (pace == link::PingPace::always ? 27s : 30s));
    REQUIRE(now <= last_verdict + 30s);
    machine.on_deadline(now);
    REQUIRE(drain() == std::vector{Effect::send_ping});
    REQUIRE(machine.next_deadline() == kNever);  // one ping at a time
    is_pinged = true;
  }

  void pong() {
    now += rng.between(1us, 10s);
    machine.on_pong(now, 5ms);
    REQUIRE(drain() == (misses > 0 ? std::vector{Effect::became_healthy} : std::vector<Effect>{}));
    REQUIRE(machine.is_healthy());
    misses = 0;
    is_pinged = false;
    last_verdict = now;
  }

  /// X12: unhealthy at the first miss and asked again at once, dead at the third.
  void miss() {
    now += 10s;
    machine.on_miss(now);
    ++misses;
    const auto effects = drain();
    REQUIRE_FALSE(machine.is_healthy());
    if (misses == 3) {
      REQUIRE(effects == std::vector{Effect::died});
      is_dead = true;
    } else if (misses == 1) {
      REQUIRE(effects == std::vector{Effect::became_unhealthy, Effect::send_ping});
    } else {
      REQUIRE(effects == std::vector{Effect::send_ping});
    }
    last_verdict = now;
  }
};

}  // namespace

TEST_CASE("the keepalive pings, doubts and gives up by the rule, over 10,000 peers") {
  int died = 0;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    story.machine.start(story.now);
    for (int step = 0; step < 40 && !story.is_dead; ++step) {
      if (!story.is_pinged) {
        story.wait_for_ping();
      } else if (story.rng.chance(3, 4)) {
        story.pong();
      } else {
        story.miss();
      }
    }
    died += story.is_dead ? 1 : 0;
  }
  CHECK(died > 1000);
  CHECK(died < 9000);
}

TEST_CASE(
    "P-ML-1: a stopped keepalive has no timer and says nothing, however often it was started") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    Keepalive& machine = story.machine;
    bool is_running = false;
    for (int step = 0; step < 30; ++step) {
      story.now += story.rng.between(Duration::zero(), 40s);
      switch (story.rng.below(5)) {
        case 0:
          machine.start(story.now);
          is_running = true;
          break;
        case 1:
          machine.stop();
          is_running = false;
          story.drain();
          break;
        case 2:
          machine.on_pong(story.now, 5ms);
          break;
        case 3:
          machine.on_miss(story.now);
          break;
        default:
          machine.on_deadline(story.now);
      }
      const std::vector<Effect> effects = story.drain();
      if (!effects.empty() && effects.back() == Effect::died) is_running = false;
      if (is_running) continue;
      REQUIRE(machine.next_deadline() == kNever);
      REQUIRE((effects.empty() || effects.back() == Effect::died));
    }
  }
}
