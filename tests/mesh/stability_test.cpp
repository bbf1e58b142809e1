#include "trestle/mesh/stability.hpp"

#include <map>

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Stability;
using mesh::StabilityReport;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

NodeId peer(std::uint64_t number) { return mesh_contact(number).id; }

TEST_CASE("a mesh without links is stable, and has nothing between its failures") {
  const StabilityReport report = Stability({}).report(kStart);
  CHECK(report.stable);
  CHECK(report.uptime_per_mille == 1000);
  CHECK_FALSE(report.between_failures);
  CHECK(report.covered == Duration::zero());
}

TEST_CASE("P-BM-9: stable from 99 % of uptime on, not below") {
  for (const auto& [down, is_stable] :
       std::map<Duration, bool>{{milliseconds(0), true},
                                {milliseconds(600), true},
                                {milliseconds(600) + Duration(1), false}}) {
    CAPTURE(down.count());
    Stability stability({});
    stability.on_up(kStart, peer(1));
    const Instant lost = kStart + seconds(30);
    if (down > Duration::zero()) {
      stability.on_down(lost, peer(1), false);
      stability.on_up(lost + down, peer(1));
    }
    const StabilityReport report = stability.report(kStart + seconds(60));
    CHECK(report.stable == is_stable);
    CHECK(report.covered == seconds(60));
  }
}

TEST_CASE(
    "a link that one side meant to end costs no uptime, one that broke does until it is back") {
  Stability stability({});
  stability.on_up(kStart, peer(1));
  stability.on_up(kStart, peer(2));
  stability.on_down(kStart + seconds(20), peer(1), true);
  StabilityReport report = stability.report(kStart + seconds(60));
  CHECK(report.uptime_per_mille == 1000);
  CHECK(report.unexpected == 0);
  CHECK_FALSE(report.between_failures);
  stability.on_down(kStart + seconds(60), peer(2), false);
  report = stability.report(kStart + seconds(80));  // of 40 + 60 s, 20 are missing
  CHECK(report.uptime_per_mille == 666);
  CHECK(report.unexpected == 1);
  CHECK(report.between_failures == seconds(40));
  CHECK_FALSE(report.stable);
  report = stability.report(kStart + minutes(10));  // who stays away is not waited for for ever
  CHECK(report.uptime_per_mille == 1000);
  CHECK(report.disconnects == 0);
}

TEST_CASE("changes beyond the bound shorten what a report covers, and it is right about the rest") {
  mesh::StabilityOptions options;
  options.events_max = 10;
  Stability stability(options);
  for (int second = 0; second < 40; ++second) {
    const Instant now = kStart + seconds(second);
    if (second % 2 == 0) {
      stability.on_up(now, peer(1));
    } else {
      stability.on_down(now, peer(1), false);
    }
  }
  CHECK(stability.events().size() == 10);
  const StabilityReport report = stability.report(kStart + seconds(40));
  CHECK(report.covered < seconds(11));
  CHECK(report.covered >= seconds(10));
  CHECK(report.connects + report.disconnects == 10);
  CHECK(report.uptime_per_mille >= 450);
  CHECK(report.uptime_per_mille <= 550);
}

/// Every millisecond of every peer, written down.
struct Diary {
  struct Moment {
    bool up = false;
    bool expected = false;
  };
  std::map<std::uint64_t, std::vector<Moment>> peers;
};

TEST_CASE(
    "P-BM-4, P-BM-5, P-BM-6, P-BM-7, P-BM-8: what is recorded and reckoned agrees with a diary of "
    "every millisecond") {
  constexpr int kLength = 90'000;  // milliseconds; the period is 60 s
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng rng = Rng(seed).fork("links");
    Stability stability({});
    struct Change {
      std::uint64_t peer;
      bool up;
      bool expected;
    };
    std::map<int, std::vector<Change>> changes;
    std::map<std::uint64_t, bool> up;
    for (std::uint64_t count = rng.below(60); count > 0; --count) {
      const int at = static_cast<int>(rng.below(kLength));
      const std::uint64_t number = 1 + rng.below(5);
      const bool meant = rng.chance(1, 3);
      changes[at].push_back({number, false, meant});
    }
    changes[0].push_back({1, false, false});
    std::map<std::uint64_t, Diary::Moment> states;
    std::map<std::uint64_t, std::vector<Diary::Moment>> diary;
    std::uint64_t connects = 0;
    std::uint64_t disconnects = 0;
    std::uint64_t unexpected = 0;
    std::size_t recorded = 0;
    int first = -1;
    for (int at = 0; at < kLength; ++at) {
      const Instant now = kStart + milliseconds(at);
      for (Change& change : changes[at]) {
        Diary::Moment& state = states[change.peer];
        if (first < 0) first = at;
        const bool in_period = at >= kLength - 60'000;
        ++recorded;
        if (state.up) {
          stability.on_down(now, peer(change.peer), change.expected);
          state = {false, !change.expected};
          disconnects += in_period ? 1 : 0;
          unexpected += in_period && !change.expected ? 1 : 0;
        } else {
          stability.on_up(now, peer(change.peer));
          state = {true, true};
          connects += in_period ? 1 : 0;
        }
      }
      for (std::uint64_t number = 1; number <= 5; ++number) {
        diary[number].push_back(states[number]);
      }
    }
    const StabilityReport report = stability.report(kStart + milliseconds(kLength));
    std::int64_t linked = 0;
    std::int64_t due = 0;
    for (auto& [number, moments] : diary) {
      // A peer that broke away before the period and never came back is not waited for.
      const auto begin = moments.begin() + (kLength - 60'000);
      auto back = begin;
      while (back != moments.end() && !back->up) ++back;
      for (auto moment = begin; moment != moments.end(); ++moment) {
        linked += moment->up ? 1 : 0;
        due += moment->expected && moment >= back ? 1 : 0;
      }
    }
    CHECK(report.covered == seconds(60));
    CHECK(report.connects == connects);
    CHECK(report.disconnects == disconnects);
    CHECK(report.unexpected == unexpected);
    CHECK(report.churn_per_minute_milli == 1000 * (connects + disconnects));
    if (due > 0) CHECK(report.uptime_per_mille == static_cast<std::uint32_t>(1000 * linked / due));
    CHECK(report.stable == (100 * linked >= 99 * due));
    if (unexpected == 0) {
      CHECK_FALSE(report.between_failures);
    } else {
      CHECK(report.between_failures ==
            Duration(milliseconds(linked)) / static_cast<std::int64_t>(unexpected));
    }
    CHECK(stability.events().size() <= recorded);
    bool was_up[6] = {};
    for (const mesh::StabilityEvent& event : stability.events()) {
      const std::uint64_t number = event.peer.low();
      if (event.at == stability.events().front().at) was_up[number] = !event.up;
      was_up[number] = event.up;
    }
    for (std::uint64_t number = 1; number <= 5; ++number) {
      if (report.covered == seconds(60) && was_up[number]) CHECK(states[number].up);
    }
  }
}

}  // namespace
}  // namespace trestle::test
