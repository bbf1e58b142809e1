#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("half-open: the peer is told, the believer is not, and what it says vanishes") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  REQUIRE(bench.world.network().half_open(bench.world.now(), a, 0) != 0);
  bench.world.run_for(1s);
  REQUIRE(bench[b].count(Heard::Kind::closed) == 1);
  CHECK(bench[b].of(Heard::Kind::closed)[0].number == 1006);

  bench.send(a, near, "is anybody there?");
  bench.world.run_for(1h);
  CHECK(bench[a].count(Heard::Kind::drained) == 1);  // its kernel saw nothing wrong
  CHECK(bench[a].count(Heard::Kind::closed) == 0);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  CHECK(bench.world.network().connections_in_use() == 1);

  bench.close(a, near);
  bench.world.run_for(1s);
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("half-open works for either end of a connection") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  REQUIRE(bench.world.network().half_open(bench.world.now(), b, 7) != 0);
  bench.world.run_for(1s);
  CHECK(bench[a].count(Heard::Kind::closed) == 1);
  bench.send(b, far, "is anybody there?");
  bench.world.run_for(1h);
  CHECK(bench[b].count(Heard::Kind::closed) == 0);
}

TEST_CASE("half-open: what was under way both ways is lost, and counted") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.send(a, near, "one");
  bench.send(b, far, "two");
  bench.world.network().half_open(bench.world.now(), a, 0);
  bench.world.run_for(10s);
  CHECK(bench[a].count(Heard::Kind::frame) == 0);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  CHECK(bench.world.network().stats().frames_lost == 2);
}

TEST_CASE("half-open, reset and cut need an open connection") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  CHECK(bench.world.network().half_open(bench.world.now(), a, 0) == 0);
  CHECK(bench.world.network().reset(bench.world.now(), a, 0) == 0);
  CHECK(bench.world.network().cut(a, 0) == 0);
}

TEST_CASE("a stopped process hears nothing, then everything in order and at once") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.pause(b);
  const Instant resumed = bench.world.now() + 60s;
  for (const char* text : {"one", "two", "three"}) {
    bench.send(a, near, text);
    bench.world.run_for(1s);
  }
  bench.close(a, near);
  bench.dial(a, b, 100s);
  bench.world.run_until(resumed);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  CHECK(bench[b].count(Heard::Kind::accepted) == 1);
  CHECK(bench[b].count(Heard::Kind::closed) == 0);

  bench.world.resume(b);
  bench.world.run_for(1s);
  const auto frames = bench[b].of(Heard::Kind::frame);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].text == "one");
  CHECK(frames[2].text == "three");
  for (const Heard& frame : frames) CHECK(frame.at == resumed);
  CHECK(bench[b].count(Heard::Kind::closed) == 1);
  CHECK(bench[b].count(Heard::Kind::accepted) == 2);
  CHECK(bench[a].count(Heard::Kind::dialled) == 2);
}

TEST_CASE("a dialler gives up on a stopped listener, who meets its end of it later") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench.world.pause(b);
  bench.dial(a, b, 5s);
  bench.world.run_for(20s);
  REQUIRE(bench[a].count(Heard::Kind::dial_failed) == 1);
  bench.world.resume(b);
  bench.world.run_for(20s);
  CHECK(bench[b].count(Heard::Kind::accepted) == bench[b].count(Heard::Kind::closed));
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("timers and signatures wait for a stopped process") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  bench[a].deadline = Instant(5s);
  bench.perform(a, link::Sign{{}, {9}, Bytes{1}});
  bench.world.pause(a);
  bench.world.run_until(Instant(30s));
  CHECK(bench[a].deadlines_heard == 0);
  CHECK(bench[a].count(Heard::Kind::crypto) == 0);
  bench.world.resume(a);
  bench.world.run_for(1ms);
  CHECK(bench[a].deadlines_heard == 1);
  REQUIRE(bench[a].count(Heard::Kind::crypto) == 1);
  CHECK(bench[a].of(Heard::Kind::crypto)[0].at == Instant(30s));
  CHECK(bench.world.resumed_at(a) == Instant(30s));
}

TEST_CASE("a stopped process that is killed leaves nothing behind") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.perform(b, link::Sign{{}, {9}, Bytes{1}});
  bench.world.pause(b);
  bench.send(a, near, "one");
  bench.dial(a, b);
  bench.world.run_for(2s);
  bench.world.kill(b);
  bench.world.run_for(2s);
  CHECK(bench[a].count(Heard::Kind::closed) == 1);
  CHECK(bench[a].count(Heard::Kind::dial_failed) == 1);
  CHECK(bench.world.network().connections_in_use() == 0);
  bench.world.start(b);
  CHECK_FALSE(bench.world.is_paused(b));
  bench.connect(a, b);
  CHECK(bench[b].count(Heard::Kind::accepted) == 1);
  CHECK(bench[b].count(Heard::Kind::crypto) == 0);
}

}  // namespace
}  // namespace trestle::sim::test
