#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::test {

/// What every machine of the house obeys, whatever it does (style: laws). A fixture joins with
///
///     struct Fixture {
///       explicit Fixture(std::uint64_t seed);
///       void act(Instant now, Rng& rng);          // one random command or input
///       Instant next_deadline() const;
///       void on_deadline(Instant now);
///       std::vector<std::string> drain(Instant now);  // every effect, as text
///       void shut(Instant now);                   // whatever ends the machine; nothing if none
///       static constexpr bool kEnds = true;       // whether silence is promised after shut
///       void act_late(Instant now, Rng& rng);     // with kEnds: what may still come afterwards
///     };
inline constexpr Instant kLawEpoch = Instant(std::chrono::seconds(1000));

template <typename Fixture>
std::vector<std::string> live_through(std::uint64_t seed, int steps) {
  Fixture fixture(seed);
  Rng rng = Rng(seed).fork("script");
  Instant now = kLawEpoch;
  std::vector<std::string> history;
  const auto drain = [&] {
    for (std::string& effect : fixture.drain(now)) history.push_back(std::move(effect));
  };
  for (int step = 0; step < steps; ++step) {
    const Duration pause = rng.between(Duration::zero(), std::chrono::seconds(4));
    const Instant until = now + pause;
    while (fixture.next_deadline() <= until) {
      now = std::max(now, fixture.next_deadline());
      fixture.on_deadline(now);
      drain();
      INFO("law: after on_deadline(now) the next deadline lies ahead (no spinning timer)");
      CAPTURE(seed, step);
      REQUIRE(fixture.next_deadline() > now);
    }
    now = until;
    const Instant before = fixture.next_deadline();
    fixture.on_deadline(now);
    CAPTURE(seed, step);
    INFO("law: an early on_deadline does no harm");
    REQUIRE(fixture.drain(now).empty());
    REQUIRE(fixture.next_deadline() == before);
    fixture.act(now, rng);
    drain();
    INFO("law: a drained machine has nothing more to say");
    REQUIRE(fixture.drain(now).empty());
  }
  if constexpr (Fixture::kEnds) {
    fixture.shut(now);
    drain();
    INFO("law: silence after the end, whatever still arrives (P-ML-1)");
    CAPTURE(seed);
    REQUIRE(fixture.next_deadline() == kNever);
    for (int late = 0; late < 20; ++late) {
      now += rng.between(Duration::zero(), std::chrono::hours(1));
      fixture.on_deadline(now);
      fixture.act_late(now, rng);
      REQUIRE(fixture.drain(now).empty());
      REQUIRE(fixture.next_deadline() == kNever);
    }
  }
  return history;
}

/// Runs a fixture through `seeds` random lives and checks every law on each.
template <typename Fixture>
void obey_the_laws(std::uint64_t seeds = 50, int steps = 200) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto first = live_through<Fixture>(seed, steps);
    const auto second = live_through<Fixture>(seed, steps);
    INFO("law: the same seed gives the same effects");
    CAPTURE(seed);
    REQUIRE(first == second);
  }
}

}  // namespace trestle::test
