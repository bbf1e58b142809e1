#include <set>

#include "catch.hpp"
#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Dials right after an introduction, so that an introduction is one event and not two.
mesh::MeshOptions at_once() {
  mesh::MeshOptions options;
  options.candidates.first_dial_spread = Duration::zero();
  return options;
}

/// Tries every order in which things can happen to two nodes: introductions, arrivals, and as often
/// as allowed a while that passes or a connection that breaks.
class AllOrders {
 public:
  struct Left {
    bool introductions[2] = {true, true};
    int whiles = 0;
    int cuts = 0;
  };

  void explore(const MeshWorld& world, const Left& left) {
    bool is_quiet = true;
    for (const std::size_t node : {0u, 1u}) {
      if (!left.introductions[node]) continue;
      Left after = left;
      after.introductions[node] = false;
      MeshWorld next = world;
      next.introduce(node, 1 - node);
      explore(next, after);
      is_quiet = false;
    }
    for (const MeshWorld::Event& event : world.deliverable()) {
      MeshWorld next = world;
      next.deliver(event);
      explore(next, left);
      is_quiet = false;
    }
    if (is_quiet && left.whiles == 0) return finish(world, left);
    if (left.whiles > 0) {
      Left after = left;
      --after.whiles;
      MeshWorld next = world;
      next.run_timers(next.now + seconds(3));  // over the time of grace and a first redial
      explore(next, after);
    }
    for (std::size_t index = 0; left.cuts > 0 && index < world.connections(); ++index) {
      Left after = left;
      --after.cuts;
      MeshWorld next = world;
      next.cut(index);
      explore(next, after);
    }
  }

  std::uint64_t orders = 0;
  std::uint64_t doubled = 0;
  bool calm = false;

 private:
  void finish(MeshWorld world, const Left& left) {
    ++orders;
    const std::size_t dialled = world.connections();
    if (dialled > 1) ++doubled;
    world.live(seconds(40), milliseconds(20));
    REQUIRE(world.agrees(0, 1));
    if (!calm) return;
    REQUIRE(left.cuts == 0);
    for (const std::size_t node : {0u, 1u}) {
      // Linked from the first moment on, without a gap: no news but of moves.
      REQUIRE(world.news(node).up == 1);
      REQUIRE(world.news(node).down == 0);
    }
    if (dialled == 2 && world.dialler(0) != world.dialler(1)) {
      REQUIRE(world.dialler(world.open_between(0, 1)[0]) == 1);  // the larger id's
    }
  }
};

TEST_CASE("P-CR-20, P-CR-22: in every order one connection survives, the larger id's, gaplessly") {
  AllOrders orders;
  orders.calm = true;
  MeshWorld world(2, at_once(), 1);
  orders.explore(world, {});
  CHECK(orders.orders >= 16);
  CHECK(orders.doubled >= 12);
}

TEST_CASE("P-CR-20: in every order of arrivals, delays and breaks one connection survives") {
  AllOrders orders;
  orders.explore(MeshWorld(2, at_once(), 1), {.whiles = 2, .cuts = 0});
  orders.explore(MeshWorld(2, at_once(), 1), {.whiles = 1, .cuts = 1});
  CHECK(orders.orders > 10'000);
  CHECK(orders.doubled > 10'000);
}

TEST_CASE("P-CR-20: one connection survives long random stories of cuts, restarts and delays") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Rng rng = Rng(seed).fork("story");
    MeshWorld world(2, {}, seed);
    world.introduce(0, 1);
    world.introduce(1, 0);
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t action = rng.below(20);
      if (action == 0 && world.connections() > 0) {
        world.cut(rng.below(world.connections()));
      } else if (action == 1) {
        const std::size_t node = rng.below(2);
        world.restart(node);
        world.introduce(node, 1 - node);
      } else if (action < 6) {
        const Duration pause = rng.between(Duration::zero(), seconds(3));
        world.run_timers(world.now + pause);
      } else {
        const auto events = world.deliverable();
        if (!events.empty()) world.deliver(events[rng.below(events.size())]);
      }
    }
    // A restarted node's old connections die of silence in the end, as keepalive sees to.
    world.deliver_all();
    for (std::size_t index = 0; index < world.connections(); ++index) {
      const auto open = world.open_between(0, 1);
      if (std::find(open.begin(), open.end(), index) == open.end()) world.cut(index);
    }
    world.introduce(0, 1);
    world.introduce(1, 0);
    world.live(seconds(150), milliseconds(50));
    REQUIRE(world.agrees(0, 1));
  }
}

TEST_CASE("a peer that restarted is linked again at once, over the link it no longer knows of") {
  for (const std::size_t restarted : {0u, 1u}) {
    CAPTURE(restarted);
    MeshWorld world(2, {}, 3);
    world.introduce(0, 1);
    world.live(seconds(60), milliseconds(20));
    REQUIRE(world.agrees(0, 1));
    world.restart(restarted);
    world.introduce(restarted, 1 - restarted);
    world.live(seconds(3), milliseconds(20));
    CHECK(world.agrees(0, 1));
    CHECK(world.news(1 - restarted).down == 0);
    CHECK(world.news(1 - restarted).moved == 1);
  }
}

TEST_CASE("up to nine nodes that hear of each other at once end fully linked") {
  for (std::size_t nodes = 2; nodes <= 9; ++nodes) {
    CAPTURE(nodes);
    MeshWorld world(nodes, {}, nodes);
    for (std::size_t node = 0; node < nodes; ++node) {
      for (std::size_t other = 0; other < nodes; ++other) {
        if (other != node) world.introduce(node, other);
      }
    }
    world.live(seconds(30), milliseconds(50));
    for (std::size_t node = 0; node < nodes; ++node) {
      CHECK(world.at(node).links().size() == nodes - 1);
      CHECK(world.news(node).down == 0);
      for (std::size_t other = node + 1; other < nodes; ++other) CHECK(world.agrees(node, other));
    }
  }
}

TEST_CASE("fifty nodes that know each other have eight links or a few more, and no hub") {
  constexpr std::size_t kNodes = 50;
  MeshWorld world(kNodes, {}, 5);
  for (std::size_t node = 0; node < kNodes; ++node) {
    for (std::size_t other = 0; other < kNodes; ++other) {
      if (other != node) world.introduce(node, other);
    }
  }
  world.live(seconds(30), milliseconds(50));
  for (std::size_t node = 0; node < kNodes; ++node) {
    CHECK(world.at(node).links().size() >= 8);
    CHECK(world.at(node).links().size() < kNodes / 2);
  }
}

TEST_CASE("a node that loses every link comes back, and says once that it was alone") {
  MeshWorld world(4, {}, 9);
  for (std::size_t other = 1; other < 4; ++other) world.introduce(0, other);
  world.live(seconds(20), milliseconds(20));
  REQUIRE(world.at(0).links().size() == 3);
  for (std::size_t index = 0; index < world.connections(); ++index) world.cut(index);
  world.deliver_all();
  CHECK(world.at(0).links().empty());
  CHECK(world.news(0).isolated == 1);
  world.live(seconds(40), milliseconds(20));
  CHECK(world.at(0).links().size() == 3);
}

}  // namespace
}  // namespace trestle::test
