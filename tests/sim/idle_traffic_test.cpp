// What a network says when nobody asks it for anything (D13, I13).

#include <cstdio>

#include "catch.hpp"
#include "small_world.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

struct Idle {
  std::uint64_t messages_per_minute = 0;  ///< Keepalive apart.
  std::uint64_t pings_per_minute = 0;
  std::uint64_t links = 0;
};

/// The members of a network that is an hour old, listened to for half an hour.
Idle listen(std::uint32_t members) {
  constexpr std::uint64_t kMinutes = 30;
  const Plan plan = quiet_plan(members, members);
  Trial trial(plan);
  World& world = trial.world();
  world.run_for(1h);
  Ear ear;
  world.add_observer(ear);
  world.run_for(std::chrono::minutes(kMinutes));
  REQUIRE_FALSE(world.violation());
  Idle idle;
  idle.messages_per_minute = ear.messages_from(first_member(plan)) / kMinutes;
  idle.pings_per_minute = ear.pings_from(first_member(plan)) / kMinutes;
  for (NodeIndex node = first_member(plan); node < world.size(); ++node) {
    idle.links += links_of(world, node);
  }
  for (const auto& [name, count] : ear.said[first_member(plan)]) {
    INFO(name << " " << count);
  }
  return idle;
}

TEST_CASE("I13: 15 idle nodes send at most 164 messages a minute") {
  for (const std::uint32_t members : {3u, 5u, 15u, 50u}) {
    const Idle idle = listen(members);
    std::fprintf(stderr, "  %u idle nodes: %llu messages and %llu pings a minute, %llu link ends\n",
                 members, static_cast<unsigned long long>(idle.messages_per_minute),
                 static_cast<unsigned long long>(idle.pings_per_minute),
                 static_cast<unsigned long long>(idle.links));
    CAPTURE(members);
    CHECK(idle.messages_per_minute <= 164 * members / 15);
    // A silent link is pinged twice a minute, from one end. Links to bridges are pinged by either.
    CHECK(idle.pings_per_minute <= 2 * idle.links);
  }
}

/// Every ping of the network, and what was heard on its connection before.
class PingWatch : public Observer {
 public:
  void observe(World& world, const Happening& happening) override {
    if (happening.kind == HappeningKind::frame_delivered) {
      last_[{happening.connection, happening.side}] = world.now();
    }
    if (happening.kind != HappeningKind::frame_ordered) return;
    for (const RecordHead& record : happening.records) {
      if (record.name != "ping") continue;
      ++pings;
      from_acceptor += happening.side;
      const auto heard = last_.find({happening.connection, happening.side});
      if (heard != last_.end() && world.now() - heard->second < 30s) ++hasty;
    }
  }

  std::uint64_t pings = 0;
  std::uint64_t from_acceptor = 0;
  std::uint64_t hasty = 0;

 private:
  std::map<std::pair<ConnectionSerial, std::uint8_t>, Instant> last_;
};

TEST_CASE("I13: only links that were silent for 30 s are pinged, and by their dialler") {
  PlanRequest request;
  request.seed = 4;
  request.nodes = 17;
  request.bridges = 1;
  request.minutes = 10;
  request.weather = Weather::calm;
  Trial trial(make_plan(request));
  PingWatch watch;
  trial.world().add_observer(watch);
  trial.world().run_for(10min);
  REQUIRE_FALSE(trial.world().violation());
  CHECK(watch.pings > 100);
  CHECK(watch.from_acceptor == 0);
  // The bootstrap pings its bridge at every interval (POOL-04).
  CHECK(watch.hasty <= 25);
}

}  // namespace
}  // namespace trestle::sim::test
