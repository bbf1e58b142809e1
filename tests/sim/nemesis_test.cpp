#include "trestle/sim/nemesis.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

/// Two connected nodes and one fault at second 2.
struct Scene {
  explicit Scene(Fault fault) : nemesis(bench.world, {fault}) {
    a = bench.add_started();
    b = bench.add_started();
    std::tie(near, far) = bench.connect(a, b);
    nemesis.unleash();
  }

  Bench bench;
  Nemesis nemesis;
  NodeIndex a = 0;
  NodeIndex b = 0;
  link::ConnectionId near;
  link::ConnectionId far;
};

constexpr Instant kStrikes{2s};

Fault fault_at_b(FaultKind kind, Duration lasts, std::uint64_t number = 0) {
  return {.at = kStrikes, .kind = kind, .lasts = lasts, .node = 1, .number = number, .groups = {}};
}

TEST_CASE(
    "crash: orders before it are performed, those after it never, memory and identity apart") {
  Scene scene(fault_at_b(FaultKind::crash, 30s, 2));
  World& world = scene.bench.world;
  const NodeId id = world.identity(scene.b).id;
  world.run_until(kStrikes);
  CHECK(world.is_running(scene.b));
  for (const char* text : {"one", "two", "three", "four"}) {
    scene.bench[scene.b].outbox.push(
        link::SendFrame{scene.far, link::FrameKind::text, to_bytes(as_bytes(text))});
  }
  static_cast<void>(world.find(scene.b, NodeId{}));
  CHECK_FALSE(world.is_running(scene.b));
  world.run_for(1s);
  CHECK(scene.bench[scene.a].count(Heard::Kind::frame) == 2);
  CHECK(scene.bench[scene.a].count(Heard::Kind::closed) == 1);

  world.run_until(kStrikes + kCrashWithin + 30s - 1us);
  CHECK_FALSE(world.is_running(scene.b));
  world.run_for(1us);
  REQUIRE(world.is_running(scene.b));
  CHECK(world.incarnation(scene.b) == 2);
  CHECK(world.identity(scene.b).id == id);
  CHECK(scene.bench[scene.b].heard.size() == 1);  // it knows of its start and nothing else
  CHECK(scene.nemesis.applied() == 1);
}

TEST_CASE("crash: a node that gives no order is killed between two events") {
  Scene scene(fault_at_b(FaultKind::crash, 1s, 5));
  World& world = scene.bench.world;
  world.run_until(kStrikes + kCrashWithin);
  CHECK_FALSE(world.is_running(scene.b));
  world.run_for(1s);
  CHECK(world.is_running(scene.b));
}

TEST_CASE("crash: none after the nemesis retired") {
  Scene scene(fault_at_b(FaultKind::crash, 1s, 1));
  World& world = scene.bench.world;
  world.run_until(kStrikes + 1s);
  scene.nemesis.retire();
  scene.bench.send(scene.b, scene.far, "one");
  scene.bench.send(scene.b, scene.far, "two");
  world.run_for(1min);
  CHECK(world.incarnation(scene.b) == 1);
  CHECK(scene.bench[scene.a].count(Heard::Kind::frame) == 2);
}

TEST_CASE("pause: nothing for its length, then all") {
  Scene scene(fault_at_b(FaultKind::pause, 40s));
  World& world = scene.bench.world;
  world.run_until(kStrikes);
  CHECK(world.is_paused(scene.b));
  scene.bench.send(scene.a, scene.near, "one");
  world.run_until(kStrikes + 40s - 1us);
  CHECK(scene.bench[scene.b].count(Heard::Kind::frame) == 0);
  world.run_for(1us);
  CHECK_FALSE(world.is_paused(scene.b));
  CHECK(scene.bench[scene.b].count(Heard::Kind::frame) == 1);
}

TEST_CASE("pause: ends when the nemesis retires") {
  Scene scene(fault_at_b(FaultKind::pause, 40s));
  World& world = scene.bench.world;
  world.run_until(kStrikes + 1s);
  scene.nemesis.retire();
  CHECK_FALSE(world.is_paused(scene.b));
  world.run_for(1min);
  CHECK_FALSE(world.is_paused(scene.b));
}

TEST_CASE("slow: everything for the node is late, by up to the bound, in order, and comes") {
  constexpr Duration kLateMax = 5s;
  Scene scene(
      fault_at_b(FaultKind::slow, 60s, static_cast<std::uint64_t>(Duration(kLateMax).count())));
  World& world = scene.bench.world;
  world.run_until(kStrikes);
  std::vector<Instant> sent;
  for (int frame = 0; frame < 300; ++frame) {
    sent.push_back(world.now());
    scene.bench.send(scene.a, scene.near, std::to_string(frame));
    world.run_for(300ms);
  }
  world.run_for(10s);
  const auto heard = scene.bench[scene.b].of(Heard::Kind::frame);
  REQUIRE(heard.size() == 300);
  Duration latest{};
  std::size_t turns = 0;
  for (std::size_t frame = 0; frame < heard.size(); ++frame) {
    CHECK(heard[frame].text == std::to_string(frame));
    const Duration late = heard[frame].at - sent[frame] - 10ms;
    CHECK(late <= kLateMax);
    latest = std::max(latest, late);
    if (frame > 0 && heard[frame].at != heard[frame - 1].at) ++turns;
    if (sent[frame] > kStrikes + 66s) CHECK(late == 0ms);
  }
  CHECK(latest > 2s);
  CHECK(turns > 20);
  CHECK(turns < 290);
}

TEST_CASE("half-open: as the script says, at the connection it picks") {
  Scene scene(fault_at_b(FaultKind::half_open, 0s));
  World& world = scene.bench.world;
  world.run_until(kStrikes + 1s);
  CHECK(scene.nemesis.applied() == 1);
  CHECK(scene.bench[scene.a].count(Heard::Kind::closed) == 1);
  CHECK(scene.bench[scene.b].count(Heard::Kind::closed) == 0);
}

TEST_CASE("black hole: nobody is told, and the first to speak gives up after the stall") {
  Scene scene(fault_at_b(FaultKind::black_hole, 0s));
  World& world = scene.bench.world;
  world.run_until(kStrikes + 1s);
  scene.bench.send(scene.b, scene.far, "one");
  world.run_for(2min);
  CHECK(scene.bench[scene.a].count(Heard::Kind::closed) == 0);
  REQUIRE(scene.bench[scene.b].count(Heard::Kind::closed) == 1);
  CHECK(scene.bench[scene.b].of(Heard::Kind::closed)[0].text ==
        "nothing acknowledged for too long");
}

TEST_CASE("clog: what is sent waits, and comes when the clog is gone") {
  Scene scene(fault_at_b(FaultKind::clog, 20s));
  World& world = scene.bench.world;
  world.run_until(kStrikes);
  scene.bench.send(scene.a, scene.near, "there");
  scene.bench.send(scene.b, scene.far, "back");
  world.run_until(kStrikes + 20s - 1us);
  CHECK(scene.bench[scene.b].count(Heard::Kind::frame) == 0);
  CHECK(scene.bench[scene.a].count(Heard::Kind::frame) == 0);
  world.run_for(30s);
  CHECK(scene.bench[scene.b].count(Heard::Kind::frame) == 1);
  CHECK(scene.bench[scene.a].count(Heard::Kind::frame) == 1);
  CHECK(scene.bench[scene.a].count(Heard::Kind::closed) == 0);
}

TEST_CASE("clog: two at once end with the later one") {
  const Fault brief = fault_at_b(FaultKind::clog, 5s);
  const Fault longer = fault_at_b(FaultKind::clog, 20s);
  Scene scene(brief);
  Nemesis second(scene.bench.world, {longer});
  second.unleash();
  World& world = scene.bench.world;
  world.run_until(kStrikes + 19s);
  CHECK(world.network().is_blocked(scene.a, scene.b));
  world.run_for(1s);
  CHECK_FALSE(world.network().is_blocked(scene.a, scene.b));
}

TEST_CASE("flapping: there and gone by turns, gone at the end") {
  Fault fault = fault_at_b(FaultKind::flapping_partition, 10s, 1'000'000);
  fault.groups = {0, 1};
  Scene scene(fault);
  World& world = scene.bench.world;
  for (int second = 0; second < 14; ++second) {
    world.run_until(kStrikes + second * 1s + 500ms);
    const bool is_there = second < 10 && second % 2 == 0;
    CAPTURE(second);
    CHECK(world.network().is_blocked(scene.a, scene.b) == is_there);
  }
}

TEST_CASE("clock jump: the node is told, and again when it is set right") {
  constexpr Duration kFar = 10min;
  const bool backwards = GENERATE(false, true);
  const auto number = static_cast<std::uint64_t>(Duration(kFar).count()) * 2 + (backwards ? 1 : 0);
  Scene scene(fault_at_b(FaultKind::clock_jump, 30s, number));
  World& world = scene.bench.world;
  const WallTime before = scene.bench[scene.b].wall_heard;
  world.run_until(kStrikes);
  const auto heard = [&] { return scene.bench[scene.b].wall_heard - before; };
  CHECK(heard() == (backwards ? -kFar : kFar) + Duration(kStrikes.time_since_epoch()));
  world.run_until(kStrikes + 30s);
  CHECK(heard() == Duration(kStrikes.time_since_epoch()) + 30s);
}

TEST_CASE("disk trouble: a full one takes nothing for a while, a broken one costs the process") {
  const bool is_full = GENERATE(true, false);
  Scene scene(fault_at_b(is_full ? FaultKind::disk_full : FaultKind::disk_error, 20s));
  World& world = scene.bench.world;
  const auto write = [&](std::uint64_t ticket) {
    dht::WriteRecord change;
    change.stored.record.key = "key " + std::to_string(ticket);
    scene.bench.perform(scene.b, dht::Persist{{ticket}, change});
    world.run_for(100ms);
    return world.disk(scene.b).find(change.stored.record.key) != nullptr;
  };
  CHECK(write(1));
  world.run_until(kStrikes);
  CHECK_FALSE(write(2));
  world.run_until(kStrikes + 20s);
  CHECK(world.incarnation(scene.b) == (is_full ? 1u : 2u));
  CHECK(write(3));
  CHECK(world.disk(scene.b).find("key 1") != nullptr);
}

TEST_CASE("disk loss: the node comes back with the same identity and an empty disk") {
  Scene scene(fault_at_b(FaultKind::disk_loss, 20s));
  World& world = scene.bench.world;
  dht::WriteRecord change;
  change.stored.record.key = "key";
  scene.bench.perform(scene.b, dht::Persist{{1}, change});
  const NodeId id = world.identity(scene.b).id;
  world.run_until(kStrikes);
  CHECK_FALSE(world.is_running(scene.b));
  world.run_until(kStrikes + 20s);
  CHECK(world.is_running(scene.b));
  CHECK(world.identity(scene.b).id == id);
  CHECK(world.disk(scene.b).find("key") == nullptr);
  CHECK(scene.nemesis.disks_destroyed() == 1);
}

TEST_CASE("join and leave: who is to come is not there before, who left never returns") {
  Bench bench;
  const NodeIndex stays = bench.add_started();
  const NodeIndex leaves = bench.add_started();
  const NodeIndex comes = bench.add();
  const auto leaving = GENERATE(0u, 1u, 2u);
  Nemesis nemesis(bench.world,
                  {{.at = Instant(1s), .kind = FaultKind::join, .node = comes},
                   {.at = Instant(2s), .kind = FaultKind::leave, .node = leaves, .number = leaving},
                   {.at = Instant(3s), .kind = FaultKind::restart, .node = leaves}});
  nemesis.unleash();
  CHECK(nemesis.is_absent(comes));
  bench.world.run_until(Instant(1s));
  CHECK(bench.world.is_running(comes));
  CHECK_FALSE(nemesis.is_absent(comes));
  bench.world.run_until(Instant(20s));
  CHECK(nemesis.is_absent(leaves));
  nemesis.retire();
  bench.world.run_for(1h);
  CHECK_FALSE(bench.world.is_running(leaves));
  CHECK(bench.world.is_running(stays));
  CHECK(nemesis.applied() == 2);
}

TEST_CASE("the core is healed for ever, what is outside is broken for ever") {
  constexpr NodeIndex kCore = 4;
  constexpr NodeIndex kNodes = 40;
  Bench bench;
  for (NodeIndex node = 0; node < kNodes; ++node) bench.add_started();
  Nemesis nemesis(bench.world, {});
  std::vector<bool> core(kNodes, false);
  for (NodeIndex node = 0; node < kCore; ++node) core[node] = true;
  bench.world.kill(0);
  bench.world.pause(1);
  nemesis.retire_to(core, Rng(3));
  std::array<int, 5> seen{};  // down, stopped, cut off, mute, deaf
  for (NodeIndex node = 0; node < kNodes; ++node) {
    const bool is_up = bench.world.is_running(node) && !bench.world.is_paused(node);
    const bool reaches_core = !bench.world.network().is_blocked(node, 0);
    const bool hears_core = !bench.world.network().is_blocked(0, node);
    CHECK((is_up && reaches_core && hears_core) == core[node]);
    CHECK(nemesis.is_absent(node) != core[node]);
    if (core[node]) continue;
    if (!bench.world.is_running(node)) ++seen[0];
    if (bench.world.is_running(node) && bench.world.is_paused(node)) ++seen[1];
    if (is_up && !reaches_core && !hears_core) ++seen[2];
    if (is_up && !reaches_core && hears_core) ++seen[3];
    if (is_up && reaches_core && !hears_core) ++seen[4];
  }
  for (const int count : seen) CHECK(count > 0);
}

TEST_CASE("a node that was asked to go and is stopped meanwhile is not blamed for it") {
  class Lingerer : public FakeNode {
   public:
    using FakeNode::FakeNode;
    void begin_shutdown(Instant now) override { deadline = now + 9s; }
    void on_deadline(Instant) override {
      deadline = kNever;
      outbox.push(node::Stopped{});
    }
  };
  World world(Bench::plain(1));
  world.add_node({.role = wire::Role::node, .url = {}, .factory = [](const NodeSeat& seat) {
                    return std::make_unique<Lingerer>(seat.rng);
                  }});
  world.start(0);
  Nemesis nemesis(world, {{.at = Instant(1s), .kind = FaultKind::restart, .lasts = 1s},
                          {.at = Instant(2s), .kind = FaultKind::pause, .lasts = 30s}});
  nemesis.unleash();
  world.run_until(Instant(31s));
  CHECK(world.incarnation(0) == 1);
  world.run_for(2s);
  CHECK_FALSE(world.violation());
  CHECK(world.incarnation(0) == 2);
}

}  // namespace
}  // namespace trestle::sim::test
