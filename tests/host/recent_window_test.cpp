#include "trestle/host/recent_window.hpp"

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

struct World {
  void pass(std::chrono::seconds time) {
    for (const Instant end = now + time; now < end; now += 1s) window.sample(now, status);
  }

  World() {
    status.counters = {{"joins_total", 0}};
    status.histograms.push_back({"join_time", {}});
    status.bridges.emplace_back().url = "ws://a";
  }

  RecentWindow window;
  node::Status status;
  Instant now{};
};

}  // namespace

TEST_CASE("what grew within the last minute is told, and what grew before is not") {
  World world;
  world.pass(10s);
  world.status.counters[0].second = 5;
  CHECK(world.window.increase(world.status, "joins_total") == 5);
  world.pass(30s);
  CHECK(world.window.increase(world.status, "joins_total") == 5);
  world.pass(60s);
  CHECK(world.window.increase(world.status, "joins_total") == 0);
  CHECK(world.window.increase(world.status, "no such counter") == 0);
}

TEST_CASE("distributions forget what is older than a minute") {
  World world;
  world.status.histograms[0].histogram.add(500ms);
  world.status.bridges[0].request_time.add(500ms);
  world.pass(70s);
  world.status.histograms[0].histogram.add(1ms);
  world.status.bridges[0].request_time.add(1ms);
  CHECK(world.window.recent(world.status, "join_time").count() == 1);
  CHECK(world.window.recent(world.status, "join_time").quantile(1000) < 2ms);
  CHECK(world.window.recent_requests(world.status.bridges[0]).quantile(1000) < 2ms);
  CHECK(world.window.recent(world.status, "none").count() == 0);
}

TEST_CASE("a bridge that came with a reload counts from its own beginning") {
  World world;
  world.status.bridges[0].request_time.add(500ms);
  world.pass(10s);
  world.status.bridges[0].request_time = {};
  world.status.bridges[0].request_time.add(1ms);
  CHECK(world.window.recent_requests(world.status.bridges[0]).count() == 1);
}

TEST_CASE("attached bridges without an address are told apart") {
  World world;
  world.status.bridges.resize(2);
  for (std::uint32_t index = 0; index < 2; ++index) {
    node::BridgeSlotStatus& bridge = world.status.bridges[index];
    bridge.url.clear();
    bridge.attached = true;
    bridge.id = NodeId(0, 0, index);
    bridge.request_time = {};
  }
  world.status.bridges[0].request_time.add(1ms);
  world.pass(10s);
  world.status.bridges[1].request_time.add(500ms);
  CHECK(world.window.recent_requests(world.status.bridges[0]).count() == 0);
  CHECK(world.window.recent_requests(world.status.bridges[1]).count() == 1);
}

TEST_CASE("the window is a minute long at most") {
  World world;
  world.pass(20s);
  CHECK(world.window.span(world.now) == 20s);
  world.pass(300s);
  CHECK(world.window.span(world.now) >= 55s);
  CHECK(world.window.span(world.now) <= 60s);
}
