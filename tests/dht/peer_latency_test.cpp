#include "trestle/dht/peer_latency.hpp"

#include <map>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::random_id;

}  // namespace

TEST_CASE("P-KR-9: who was never measured counts as the average of those who were, or 100 ms") {
  PeerLatencies latencies{PeerLatenciesOptions{}};
  CHECK(latencies.average() == 100ms);
  Rng rng(9);
  std::map<NodeId, PeerLatency> model;
  for (int step = 0; step < 2000; ++step) {
    const NodeId id =
        model.empty() || rng.chance(1, 20)
            ? random_id(rng)
            : std::next(model.begin(), static_cast<long>(rng.below(model.size())))->first;
    if (rng.chance(1, 30)) {
      latencies.forget(id);
      model.erase(id);
    } else {
      const Duration sample = rng.between(Duration(0ms), Duration(300ms));
      latencies.add(at(1s * step), id, sample);
      model[id].add(sample);
    }
    REQUIRE(latencies.size() == model.size());
    std::int64_t sum = 0;
    for (const auto& [known, latency] : model) {
      REQUIRE(latencies.find(known)->smoothed() == latency.smoothed());
      sum += latency.smoothed().count();
    }
    const Duration expected =
        model.empty() ? Duration(100ms) : Duration(sum / static_cast<std::int64_t>(model.size()));
    REQUIRE(latencies.average() == expected);
  }
}

TEST_CASE("The smoothed round trip follows its samples, the bound lies above 19 of 20 of them") {
  Rng rng(3);
  PeerLatency latency;
  CHECK_FALSE(latency.is_known());
  const auto sample = [&](Duration typical) {
    // One in fifty takes ten times as long.
    const Duration wait = rng.between(typical, typical * 2);
    return rng.chance(1, 50) ? wait * 10 : wait;
  };
  for (const Duration typical : {Duration(20ms), Duration(2ms), Duration(80ms)}) {
    for (int settle = 0; settle < 500; ++settle) latency.add(sample(typical));
    int above = 0;
    constexpr int kSamples = 4000;
    for (int count = 0; count < kSamples; ++count) {
      const Duration one = sample(typical);
      if (one > latency.p95()) ++above;
      latency.add(one);
    }
    CAPTURE(typical.count(), above);
    CHECK(latency.smoothed() >= typical);
    CHECK(latency.smoothed() <= typical * 6);
    CHECK(above >= kSamples * 25 / 1000);
    CHECK(above <= kSamples * 75 / 1000);
  }
}

TEST_CASE("Absurd samples neither overflow nor go below zero") {
  PeerLatency latency;
  latency.add(Duration(-1s));
  CHECK(latency.smoothed() == Duration::zero());
  for (int count = 0; count < 100; ++count) latency.add(Duration::max());
  CHECK(latency.smoothed() > 1min);
  CHECK(latency.p95() > 1min);
  for (int count = 0; count < 2000; ++count) latency.add(Duration::zero());
  CHECK(latency.smoothed() < 1ms);
}

TEST_CASE("Of too many peers the one that was heard of least recently is forgotten") {
  PeerLatencies latencies{PeerLatenciesOptions{.peers_max = 3}};
  Rng rng(4);
  std::vector<NodeId> ids;
  for (int count = 0; count < 4; ++count) ids.push_back(random_id(rng));
  for (std::size_t count = 0; count < 3; ++count) {
    latencies.add(at(1s * static_cast<int>(count)), ids[count], 10ms);
  }
  latencies.add(at(5s), ids[0], 10ms);
  latencies.add(at(6s), ids[3], 10ms);
  CHECK(latencies.size() == 3);
  CHECK(latencies.find(ids[1]) == nullptr);
  CHECK(latencies.find(ids[0]) != nullptr);
  CHECK(latencies.average() == 10ms);
}

TEST_CASE("A question left open for longer than usual is owed until it has ended") {
  PeerLatencies latencies{PeerLatenciesOptions{}};
  Rng rng(5);
  const NodeId peer = random_id(rng);
  latencies.on_asked(at(0s), peer);
  CHECK_FALSE(latencies.is_silent(at(9s), peer, 20ms));  // never measured
  latencies.add(at(1s), peer, 10ms);                     // so that 30 ms are usual
  CHECK_FALSE(latencies.is_silent(at(9s), peer, 20ms));
  latencies.on_asked(at(10s), peer);
  latencies.on_asked(at(10s + 25ms), peer);
  CHECK_FALSE(latencies.is_silent(at(10s + 30ms), peer, 20ms));
  CHECK(latencies.is_silent(at(10s + 31ms), peer, 20ms));
  CHECK_FALSE(latencies.is_silent(at(10s + 40ms), peer, 40ms));
  // One of the two was given up: the other one is still owed. An answer is a sign of life.
  latencies.on_ended(peer);
  CHECK(latencies.is_silent(at(11s), peer, 20ms));
  latencies.on_answered(at(12s), peer);
  CHECK_FALSE(latencies.is_silent(at(12s + 30ms), peer, 20ms));
  CHECK(latencies.is_silent(at(12s + 31ms), peer, 20ms));
  latencies.on_ended(peer);
  CHECK_FALSE(latencies.is_silent(at(99s), peer, 20ms));
  latencies.on_ended(peer);  // asked before it was known
  latencies.on_asked(at(100s), peer);
  CHECK(latencies.is_silent(at(101s), peer, 20ms));
}

}  // namespace trestle::dht
