// The rules for an empty network, and a network that is not empty (BOOT-10).

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "catch.hpp"
#include "hand_made.hpp"
#include "seeds.hpp"
#include "small_world.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

constexpr NodeIndex kBridges = 2;
constexpr NodeIndex kSettled = 8;  // Members of the network that is there
constexpr NodeIndex kNewcomers = 4;
constexpr NodeIndex kFirstMember = 1 + kBridges;
constexpr NodeIndex kFirstNewcomer = kFirstMember + kSettled;

std::string url_of(NodeIndex node) { return "ws://n" + std::to_string(node) + ".sim:9000/"; }

enum class Emergency : std::uint8_t { on, off };
enum class Before : std::uint8_t { settled, emptied };

struct Trace {
  std::uint64_t fingerprint = 0;  ///< Of every order, input and timer of every node.
  std::uint64_t joins = 0;
  std::uint64_t introduced = 0;
  std::uint64_t emergency = 0;
  std::set<NodeId> first;  ///< Who was told to be the first node.
};

/// A network of ten whose bootstrap node is started again with the emergency rules on or off, and
/// what comes after: newcomers one by one, members that restart, a bridge that goes and returns.
/// `emptied`: everybody but the bootstrap node is restarted empty-handed, the members never.
Trace story(std::uint64_t seed, Emergency emergency, Before before) {
  WorldOptions options;
  options.seed = seed;
  World world(options);
  bool genesis = true;
  add_bootstrap(world, url_of(0), [&genesis] {
    node::BootstrapOptions made;
    made.common.address = url_of(0);
    made.genesis = genesis;
    for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge)
      made.bridges.push_back({{url_of(bridge)}});
    return made;
  });
  for (NodeIndex node = 1; node < kFirstNewcomer + kNewcomers; ++node) {
    if (node <= kBridges) {
      add_bridge(world, url_of(node), [node] {
        node::BridgeOptions made;
        made.common.address = url_of(node);
        made.bootstrap_urls = {url_of(0)};
        return made;
      });
    } else {
      add_member(world, url_of(node), [node] {
        node::NodeOptions made;
        made.common.address = url_of(node);
        made.bootstrap_urls = {url_of(0)};
        return made;
      });
    }
  }
  for (NodeIndex node = 0; node < kFirstNewcomer; ++node) {
    world.schedule(Instant(200ms * node), [node](World& when) { when.start(node); });
  }
  world.run_until(Instant(2min));
  if (before == Before::emptied) {
    for (NodeIndex node = 1; node < kFirstNewcomer; ++node) world.kill(node);
    for (NodeIndex bridge = 1; bridge <= kBridges; ++bridge) {
      world.lose_disk(bridge);
      world.start(bridge);
    }
  }
  genesis = emergency == Emergency::on;
  world.kill(0);
  world.start(0);
  const Instant restarted = world.now();
  world.run_for(45s);
  for (NodeIndex node = kFirstNewcomer; node < kFirstNewcomer + kNewcomers; ++node) {
    world.start(node);
    world.run_for(5s);
  }
  if (before == Before::settled) {
    world.kill(kFirstMember);
    world.kill(1);
    world.run_for(10s);
    world.start(kFirstMember);
    world.start(1);
  }
  world.run_for(2min);
  INFO(world.report());
  REQUIRE_FALSE(world.violation());
  Trace trace{world.fingerprint(),
              counter(world, 0, "reception.joins_total"),
              counter(world, 0, "reception.introduced_total"),
              counter(world, 0, "reception.emergency_total"),
              {}};
  for (const JoinedNews& news : world.joined()) {
    if (news.at > restarted && news.node == 0 && news.joined.outcome == "genesis") {
      trace.first.insert(news.joined.peer.id);
    }
  }
  return trace;
}

TEST_CASE("P-CC-4: with healthy bridges a network's trace is the same with the rules on and off") {
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    CAPTURE(seed);
    const Trace on = story(seed, Emergency::on, Before::settled);
    const Trace off = story(seed, Emergency::off, Before::settled);
    CHECK(on.fingerprint == off.fingerprint);
    CHECK(on.joins >= kNewcomers);
    CHECK(on.introduced == off.introduced);
    CHECK(on.introduced > 0);
    CHECK(on.emergency == 0);
    CHECK(on.first.empty());
  }
}

TEST_CASE("in a network that is empty the same rules change what happens") {
  const Trace on = story(1, Emergency::on, Before::emptied);
  const Trace off = story(1, Emergency::off, Before::emptied);
  CHECK(on.fingerprint != off.fingerprint);
  CHECK(on.first.size() == 1);
  CHECK(off.first.empty());
}

}  // namespace
}  // namespace trestle::sim::test
