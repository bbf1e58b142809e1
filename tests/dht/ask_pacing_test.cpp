#include "trestle/dht/ask_pacing.hpp"

#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::random_id;
using Verdict = AskPacing::Verdict;

}  // namespace

TEST_CASE("RATE-05: a question to a peer that wants to be left alone waits as long as it said") {
  Rng rng(1);
  const NodeId limited = random_id(rng);
  const NodeId other = random_id(rng);
  AskPacing pacing({});
  CHECK(pacing.submit(at(1s), {1}, limited, at(11s), Plight::linked) == Verdict::send);
  pacing.on_limited(at(1s), limited, 2s);
  CHECK(pacing.submit(at(1s), {1}, limited, at(11s), Plight::linked) == Verdict::queued);
  CHECK(pacing.submit(at(2s), {2}, limited, at(12s), Plight::linked) == Verdict::queued);
  CHECK(pacing.submit(at(2s), {3}, other, at(12s), Plight::linked) == Verdict::send);
  CHECK(pacing.next_deadline() == at(3s));
  CHECK_FALSE(pacing.pop_due(at(2'999ms)));
  CHECK(pacing.pop_due(at(3s)) == AskId{1});
  CHECK(pacing.pop_due(at(3s)) == AskId{2});
  CHECK_FALSE(pacing.pop_due(at(3s)));
  CHECK(pacing.next_deadline() == kNever);
  CHECK(pacing.submit(at(3s), {4}, limited, at(12s), Plight::linked) == Verdict::send);
}

TEST_CASE("A question that could only be answered too late is refused with RATE_LIMITED") {
  Rng rng(2);
  const NodeId limited = random_id(rng);
  AskPacing pacing({});
  pacing.on_limited(at(1s), limited, 5s);
  const auto refused = pacing.submit(at(2s), {1}, limited, at(6s), Plight::linked);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == ErrorCode::rate_limited);
}

TEST_CASE("Nobody sends us into a circle, nobody sends us away for long") {
  Rng rng(3);
  const NodeId peer = random_id(rng);
  AskPacing pacing({});
  pacing.on_limited(at(1s), peer, 0s);
  CHECK(pacing.submit(at(1s), {1}, peer, at(11s), Plight::linked) == Verdict::queued);
  pacing.on_limited(at(2s), peer, std::chrono::hours(24));
  CHECK(pacing.submit(at(33s), {2}, peer, at(40s), Plight::linked) == Verdict::send);
}

TEST_CASE("RATE-02: a node without links may ask in spite of a wait, a lookup's worth a minute") {
  Rng rng(4);
  AskPacingOptions options;
  AskPacing pacing(options);
  const NodeId peer = random_id(rng);
  std::uint64_t number = 0;
  for (int minute = 0; minute < 3; ++minute) {
    const Instant now = at(1min * minute + 1s);
    pacing.on_limited(now, peer, 20s);
    CHECK(pacing.submit(now, {++number}, peer, at(1h), Plight::linked) == Verdict::queued);
    for (std::uint32_t count = 0; count < options.emergency.burst; ++count) {
      CHECK(pacing.submit(now, {++number}, peer, at(1h), Plight::isolated) == Verdict::send);
    }
    CHECK(pacing.submit(now, {++number}, peer, at(1h), Plight::isolated) == Verdict::queued);
  }
  CHECK(pacing.stats().emergencies == 3 * options.emergency.burst);
}

TEST_CASE("ROUTE-10: of many peers that want to be left alone a bounded number is remembered") {
  Rng rng(5);
  AskPacingOptions options;
  options.peers_max = 3;
  AskPacing pacing(options);
  std::vector<NodeId> peers;
  for (int count = 1; count <= 5; ++count) {
    peers.push_back(random_id(rng));
    pacing.on_limited(at(1s), peers.back(), count * 1s);
  }
  std::uint64_t number = 0;
  for (std::size_t index = 0; index < 5; ++index) {
    // Those whose wait would have ended first are forgotten.
    const auto verdict = pacing.submit(at(1s), {++number}, peers[index], at(11s), Plight::linked);
    CHECK(verdict == (index < 2 ? Verdict::send : Verdict::queued));
  }
}

TEST_CASE("P-CR-9: submitted = sent + queued + rejected, none vanishes, none is early") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    AskPacingOptions options;
    options.waiting_max = 1 + rng.below(40);
    AskPacing pacing(options);
    std::vector<NodeId> peers;
    for (int count = 0; count < 8; ++count) peers.push_back(random_id(rng));
    std::map<std::uint64_t, Instant> queued;  // not before
    std::map<NodeId, Instant> said;
    Instant now = at(1s);
    std::uint64_t number = 0;
    for (int step = 0; step < 2000; ++step) {
      now += rng.between(0s, 400ms);
      const NodeId& peer = peers[rng.below(peers.size())];
      const std::uint64_t action = rng.below(10);
      if (action < 6) {
        const Plight plight = rng.chance(1, 20) ? Plight::isolated : Plight::linked;
        const Instant deadline = now + rng.between(0s, 10s);
        const auto verdict = pacing.submit(now, {++number}, peer, deadline, plight);
        if (!verdict) CHECK(verdict.error() == ErrorCode::rate_limited);
        if (verdict && *verdict == Verdict::queued) queued[number] = said[peer];
      } else if (action < 8) {
        const Duration wait = rng.between(100ms, 5s);
        pacing.on_limited(now, peer, wait);
        said[peer] = std::max(said[peer], now + wait);
      } else if (action == 8) {
        if (!queued.empty() && rng.chance(1, 4)) {
          pacing.drop({queued.begin()->first});
          queued.erase(queued.begin());
        }
      } else {
        while (const auto ask = pacing.pop_due(now)) {
          REQUIRE(queued.contains(ask->value));
          REQUIRE(queued[ask->value] <= now);
          queued.erase(ask->value);
        }
        for (const auto& [ask, from] : queued) REQUIRE(from > now);
      }
      const AskPacingStats stats = pacing.stats();
      REQUIRE(stats.submitted == stats.sent + stats.queued + stats.rejected);
      REQUIRE(stats.queued == stats.released + stats.dropped + stats.waiting);
      REQUIRE(stats.waiting == queued.size());
      REQUIRE(stats.waiting <= options.waiting_max);
    }
    CHECK(pacing.stats().rejected > 0);
    CHECK(pacing.stats().released > 0);
  }
}

}  // namespace trestle::dht
