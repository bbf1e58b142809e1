// The properties of the bridge set (requirements section 5.2), each over 10,000 random cases and
// beside a model that says the same the long way.

#include <algorithm>

#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using test::BridgeWorld;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;

/// One of everything that the world may do to a set.
void disturb(BridgeWorld& world) {
  const std::size_t bridge = world.rng.below(world.bridges.size());
  BridgeWorld::Bridge& chosen = world.bridges[bridge];
  switch (world.rng.below(14)) {
    case 0:
      return world.drop(bridge);
    case 1:
      chosen.accepts = !chosen.accepts;
      return;
    case 2:
      chosen.slow = !chosen.slow;
      return;
    case 3:
    case 4:
      return world.end_dial(world.rng.chance(1, 2));
    case 5:
      chosen.answers = false;
      return;
    case 6:
      return world.answer_held(bridge);
    case 7:
      chosen.busy = !chosen.busy;
      return;
    case 8: {
      const std::uint64_t serial = 3000 + world.rng.below(100);  // of no request here
      return world.inject(bridge, {{serial << 10 | serial % 16}, wire::IntroduceResponse{}});
    }
    case 9:
      if (!world.markers.empty()) world.set.cancel(world.now, world.markers.rbegin()->first);
      return world.settle();
    case 10:
      return world.run_for(world.rng.between(1ms, 4s));
    default:
      world.submit();
  }
}

}  // namespace

TEST_CASE("P-BR-1: never two connections to a bridge, whatever opens late or is lost") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(2, seed);
    for (auto& bridge : world.bridges) bridge.slow = world.rng.chance(1, 2);
    world.start();
    for (int step = 0; step < 24; ++step) disturb(world);
    CAPTURE(seed);
    for (const auto& bridge : world.bridges) REQUIRE(bridge.live_connections_max <= 1);
    REQUIRE(world.set.connections_held() == world.connections());
  }
}

TEST_CASE("P-BR-2: each caller gets its own answer or an error, exactly once") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(2, seed);
    world.start();
    for (int step = 0; step < 24; ++step) disturb(world);
    world.run_for(11s);
    CAPTURE(seed);
    REQUIRE(world.set.requests_under_way() == 0);
    REQUIRE(world.ends.size() == world.submitted);
    for (const auto& [request, ends] : world.ends) REQUIRE(ends == 1);
    REQUIRE(world.mismatched == 0);
  }
}

TEST_CASE("P-BR-2: answers in any order, repeated and forged, reach nobody else") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(1, seed);
    world.start();
    BridgeWorld::Bridge& bridge = world.bridges[0];
    bridge.answers = false;
    const std::size_t count = 2 + world.rng.below(6);
    for (std::size_t index = 0; index < count; ++index) world.submit();
    std::vector<wire::Envelope> said;
    std::uint64_t strays = 0;
    while (!bridge.held.empty()) {
      const std::size_t choice = world.rng.below(bridge.held.size());
      const link::Channel::Requested requested = bridge.held[choice].second;
      if (world.rng.chance(3, 4)) {
        bridge.held.erase(bridge.held.begin() + static_cast<std::ptrdiff_t>(choice));
        wire::IntroduceResponse own;
        own.members.push_back(std::get<wire::IntroduceRequest>(requested.message).newcomer);
        said.push_back({requested.id, own});
        world.inject(0, said.back());
      } else if (!said.empty() && world.rng.chance(1, 2)) {
        world.inject(0, said[world.rng.below(said.size())]);
        ++strays;
      } else {
        const std::uint64_t serial = 1000 + world.rng.below(1000);
        world.inject(0, {{serial << 10 | world.rng.below(16)}, wire::IntroduceResponse{}});
        ++strays;
      }
    }
    CAPTURE(seed);
    REQUIRE(world.answers.size() == count);
    REQUIRE(world.mismatched == 0);
    REQUIRE(world.set.slots()[0].counters.late_answers == strays);
  }
}

TEST_CASE("P-BR-3, P-CR-3: the waits between dials double to the cap, five attempts, then probes") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(1, seed);
    BridgeWorld::Bridge& bridge = world.bridges[0];
    bridge.accepts = false;
    const std::size_t failures = world.rng.below(8);
    world.start();
    Instant before = world.now;
    std::vector<Duration> waits;
    while (waits.size() < failures) {
      const std::size_t dials = bridge.dials();
      if (dials == failures) bridge.accepts = true;
      const Instant next = world.set.next_deadline();
      world.run_for(next - world.now);
      if (bridge.dials() == dials) continue;
      waits.push_back(world.now - before);
      before = world.now;
    }
    CAPTURE(seed, failures);
    if (failures == 0) {
      bridge.accepts = true;
      world.run_for(1s);
    }
    REQUIRE(world.set.connected().size() == 1);
    for (std::size_t index = 0; index < waits.size(); ++index) {
      const Duration most = index < 4 ? Duration(1s * (1 << index)) : Duration(30s);
      const Duration least = index < 4 ? Duration(0s) : Duration(15s);
      REQUIRE(waits[index] >= least);
      REQUIRE(waits[index] <= most);
    }
    REQUIRE(world.logged("bridge.failed") == (failures >= 5 ? 1 : 0));
  }
}

TEST_CASE("P-BR-3: what a bridge refuses for our credentials is not tried again") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(1, seed, "another secret");
    world.start();
    world.run_for(world.rng.between(0s, 3600s));
    CAPTURE(seed);
    REQUIRE(world.bridges[0].dials() <= 2);
    REQUIRE(world.set.slots()[0].is_excluded);
    REQUIRE(world.logged("bridge.connected") == 0);
  }
}

TEST_CASE("P-BR-4: an unanswered request fails at its time, and its late answer is ignored") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(1, seed);
    world.start();
    world.bridges[0].answers = false;
    world.budget_ms = static_cast<std::uint32_t>(1 + world.rng.below(9'999));
    const auto request = world.submit();
    const Instant until =
        world.now + std::min(Duration(std::chrono::milliseconds(world.budget_ms)), Duration(5s));
    world.run_for(until - world.now - 1us);
    CAPTURE(seed);
    REQUIRE(world.ends.empty());
    world.run_for(1us);
    REQUIRE(world.failures.contains(request));
    REQUIRE(world.failures[request] == std::pair(ErrorCode::timeout, until));
    REQUIRE(world.set.requests_under_way() == 0);
    REQUIRE(world.set.slots()[0].in_flight == 0);
    world.answer_held(0);
    REQUIRE(world.ends[request] == 1);
  }
}

TEST_CASE("P-BR-5: within any time of constant health the turns differ by one at most") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    const std::size_t count = 1 + seed % 4;
    BridgeWorld world(count, seed);
    world.start();
    std::vector<bool> is_up(count, true);
    for (int window = 0; window < 3; ++window) {
      const std::size_t flipped = world.rng.below(count);
      is_up[flipped] = !is_up[flipped];
      world.bridges[flipped].accepts = is_up[flipped];
      if (is_up[flipped]) {
        world.run_for(31s);
      } else {
        world.drop(flipped);
        world.run_for(2s);
      }
      std::vector<std::uint64_t> before;
      for (const auto& slot : world.set.slots()) before.push_back(slot.counters.requests);
      std::vector<std::uint64_t> served;
      const std::size_t requests = world.rng.below(12);
      for (std::size_t index = 0; index < requests; ++index) world.submit();
      CAPTURE(seed, window);
      for (std::size_t index = 0; index < count; ++index) {
        const std::uint64_t turns = world.set.slots()[index].counters.requests - before[index];
        if (is_up[index]) {
          served.push_back(turns);
        } else {
          REQUIRE(turns == 0);
        }
      }
      if (served.empty()) continue;
      REQUIRE(std::ranges::max(served) - std::ranges::min(served) <= 1);
    }
  }
}

TEST_CASE("P-BR-6: when all requests have ended nothing of them is left") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(2, seed);
    world.start();
    for (int step = 0; step < 24; ++step) {
      disturb(world);
      std::size_t in_flight = 0;
      for (const auto& slot : world.set.slots()) in_flight += slot.in_flight;
      CAPTURE(seed, step);
      REQUIRE(in_flight + world.set.requests_waiting() == world.set.requests_under_way());
      REQUIRE(world.set.requests_under_way() == world.submitted - world.ends.size());
    }
    world.run_for(11s);
    REQUIRE(world.set.requests_under_way() == 0);
    for (const auto& slot : world.set.slots()) {
      REQUIRE(slot.in_flight == 0);
      REQUIRE(slot.stateless_in_flight == 0);
    }
  }
}

TEST_CASE("P-BR-7: idle beyond the time is closed, and the next use dials and succeeds") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    BridgeWorld world(1, seed);
    world.start();
    const Duration first = world.rng.between(0s, 299s);
    world.run_for(first);
    world.submit();
    world.run_for(300s - 1us);
    CAPTURE(seed);
    REQUIRE(world.set.connected().size() == 1);
    world.run_for(1us);
    REQUIRE(world.bridges[0].live_connections == 0);
    const auto request = world.submit();
    REQUIRE(world.answers.contains(request));
    REQUIRE(world.bridges[0].dials() == 2);
  }
}

TEST_CASE("P-CR-13: stateless, as many connections as questions, and closed with the answer") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    pool::BridgeSetOptions options = BridgeWorld::options_for(2);
    options.mode = pool::BridgeMode::stateless;
    options.stateless_max = 1 + seed % 5;
    BridgeWorld world(options, seed);
    world.start();
    for (int step = 0; step < 24; ++step) {
      disturb(world);
      std::size_t questions = 0;
      std::size_t greetings = 0;
      for (const auto& slot : world.set.slots()) {
        questions += slot.in_flight;
        greetings += slot.connection ? 1 : 0;
      }
      CAPTURE(seed, step);
      REQUIRE(world.connections() == questions + greetings);
      REQUIRE(world.set.connections_held() == questions + greetings);
      REQUIRE(questions <= options.stateless_max);
    }
    world.run_for(11s);
    REQUIRE(world.set.requests_under_way() == 0);
    REQUIRE(world.mismatched == 0);
    for (const auto& [request, ends] : world.ends) REQUIRE(ends == 1);
  }
}
