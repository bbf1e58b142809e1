#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("frames arrive whole, in order, after the latency") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const Instant sent = bench.world.now();
  for (const char* text : {"one", "two", "three"}) bench.send(a, near, text);
  bench.world.run_for(1s);

  const auto frames = bench[b].of(Heard::Kind::frame);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].text == "one");
  CHECK(frames[1].text == "two");
  CHECK(frames[2].text == "three");
  CHECK(frames[0].at == sent + 10ms);
  CHECK(frames[0].connection == far);
}

TEST_CASE("order is kept and latency stays inside its law, whatever the segments do") {
  for (const LatencyKind kind :
       {LatencyKind::constant, LatencyKind::uniform, LatencyKind::heavy_tail}) {
    WorldOptions options = Bench::plain(3);
    options.network.latency = {kind, 5ms, 300ms};
    options.network.segments_max = 4;
    Bench bench(options);
    const NodeIndex a = bench.add_started();
    const NodeIndex b = bench.add_started();
    const link::ConnectionId near = bench.dial(a, b);
    bench.world.run_for(5s);
    std::vector<Instant> sent;
    for (int number = 0; number < 1000; ++number) {
      sent.push_back(bench.world.now());
      bench.send(a, near, std::to_string(number));
      bench.world.run_for(1ms);
    }
    bench.world.run_for(5s);

    const auto frames = bench[b].of(Heard::Kind::frame);
    REQUIRE(frames.size() == 1000);
    for (std::size_t index = 0; index < frames.size(); ++index) {
      CHECK(frames[index].text == std::to_string(index));
      CHECK(frames[index].at - sent[index] >= 5ms);
      CHECK(frames[index].at - sent[index] <= 300ms);
    }
  }
}

TEST_CASE("the heavy tail doubles its latency in about half of the cases, again and again") {
  const LatencyLaw law{LatencyKind::heavy_tail, 1ms, 10s};
  Rng rng(5);
  int above_two = 0;
  int above_sixteen = 0;
  for (int draw = 0; draw < 10'000; ++draw) {
    const Duration drawn = law.draw(rng);
    CHECK(drawn >= 1ms);
    if (drawn >= 2ms) ++above_two;
    if (drawn >= 16ms) ++above_sixteen;
  }
  CHECK(above_two > 4500);
  CHECK(above_two < 5500);
  CHECK(above_sixteen > 450);
  CHECK(above_sixteen < 800);
}

TEST_CASE("bandwidth delays what follows") {
  WorldOptions options = Bench::plain(1);
  options.network.bandwidth = 1000;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const Instant sent = bench.world.now();
  bench.send(a, near, std::string(500, 'x'));
  bench.send(a, near, std::string(500, 'y'));
  bench.world.run_for(5s);
  const auto frames = bench[b].of(Heard::Kind::frame);
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].at == sent + 510ms);
  CHECK(frames[1].at == sent + 1010ms);
}

TEST_CASE("progress is reported for every byte, and waits while the kernel is full") {
  WorldOptions options = Bench::plain(1);
  options.network.send_buffer_bytes = 1000;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  for (int frame = 0; frame < 5; ++frame) bench.send(a, near, std::string(400, 'x'));
  const auto drained = [&] {
    std::uint64_t sum = 0;
    for (const Heard& entry : bench[a].of(Heard::Kind::drained)) sum += entry.number;
    return sum;
  };
  bench.world.run_for(5ms);
  CHECK(drained() == 800);  // two fit
  bench.world.run_for(1s);
  CHECK(drained() == 2000);
  CHECK(bench[b].count(Heard::Kind::frame) == 5);
}

TEST_CASE("a close comes after the frames before it, and the closer hears nothing more") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.send(b, far, "crossing");
  bench.send(a, near, "last");
  bench.close(a, near);
  const std::size_t heard = bench[a].heard.size();
  bench.world.run_for(5s);

  CHECK(bench[a].heard.size() == heard);
  const auto closed = bench[b].of(Heard::Kind::closed);
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].number == 1000);
  CHECK(closed[0].text == "done");
  CHECK(bench[b].of(Heard::Kind::frame).size() == 1);
  CHECK(bench[b].heard.back().kind == Heard::Kind::closed);
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("losses delay by doubling retransmissions and lose nothing") {
  WorldOptions options = Bench::plain(9);
  options.network.loss_per_million = 200'000;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  for (int frame = 0; frame < 300; ++frame) {
    bench.send(a, near, std::to_string(frame));
    bench.world.run_for(100ms);
  }
  bench.world.run_for(60s);
  const auto frames = bench[b].of(Heard::Kind::frame);
  REQUIRE(frames.size() == 300);
  for (std::size_t index = 0; index < frames.size(); ++index) {
    CHECK(frames[index].text == std::to_string(index));
  }
  CHECK(bench.world.network().stats().retransmissions > 30);
}

TEST_CASE("a reset loses what is in flight and both ends hear 1006") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.send(a, near, "lost");
  CHECK(bench.world.network().reset(bench.world.now(), a, 0) != 0);
  bench.world.run_for(5s);

  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  REQUIRE(bench[a].count(Heard::Kind::closed) == 1);
  REQUIRE(bench[b].count(Heard::Kind::closed) == 1);
  CHECK(bench[a].of(Heard::Kind::closed)[0].number == 1006);
  CHECK(bench[b].of(Heard::Kind::closed)[0].number == 1006);
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("a half-open connection is noticed by who sends, and not by who waits") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  CHECK(bench.world.network().cut(a, 0) != 0);
  bench.send(a, near, "into the void");
  bench.world.run_for(10min);

  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  CHECK(bench[b].count(Heard::Kind::closed) == 0);
  REQUIRE(bench[a].count(Heard::Kind::closed) == 1);
  CHECK(bench[a].of(Heard::Kind::closed)[0].number == 1006);
  const Duration waited = bench[a].of(Heard::Kind::closed)[0].at - Instant(1s);
  CHECK(waited >= 60s);
  CHECK(waited < 61s);
}

TEST_CASE("a killed process closes its connections; one without power leaves them standing") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);

  SECTION("process") {
    bench.world.kill(b);
    bench.world.run_for(1s);
    REQUIRE(bench[a].count(Heard::Kind::closed) == 1);
    CHECK(bench[a].of(Heard::Kind::closed)[0].number == 1006);
  }
  SECTION("power, and the peer sends after the restart: a reset answers") {
    bench.world.kill(b, KillKind::power);
    bench.world.run_for(30s);
    CHECK(bench[a].count(Heard::Kind::closed) == 0);
    bench.world.start(b);
    CHECK(bench.world.incarnation(b) == 2);
    bench.send(a, near, "who are you");
    bench.world.run_for(1s);
    CHECK(bench[a].count(Heard::Kind::closed) == 1);
    CHECK(bench[b].count(Heard::Kind::frame) == 0);
  }
  SECTION("power, and the peer sends into the dark: it gives up in the end") {
    bench.world.kill(b, KillKind::power);
    bench.send(a, near, "hello");
    bench.world.run_for(59s);
    CHECK(bench[a].count(Heard::Kind::closed) == 0);
    bench.world.run_for(5s);
    CHECK(bench[a].count(Heard::Kind::closed) == 1);
  }
}

TEST_CASE("a partition holds frames back and a heal lets them pass, in order") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const std::uint32_t partition =
      bench.world.network().partition({Partition::Kind::two_way, {0, 1}});
  for (const char* text : {"one", "two", "three"}) bench.send(a, near, text);
  bench.world.run_for(20s);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  bench.world.network().heal(bench.world.now(), partition);
  bench.world.run_for(25s);

  const auto frames = bench[b].of(Heard::Kind::frame);
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].text == "one");
  CHECK(frames[2].text == "three");
  CHECK(bench[a].count(Heard::Kind::closed) == 0);
}

TEST_CASE("a one-way partition holds back one direction of an open connection") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.network().partition({Partition::Kind::one_way, {0, 1}});
  bench.send(a, near, "held");
  bench.send(b, far, "passes");
  bench.world.run_for(5s);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  CHECK(bench[a].count(Heard::Kind::frame) == 1);
}

TEST_CASE("a partition that lasts kills the sender's end, and the other one when it speaks") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const std::uint32_t partition =
      bench.world.network().partition({Partition::Kind::two_way, {0, 1}});
  bench.send(a, near, "held");
  bench.world.run_for(2min);
  CHECK(bench[a].count(Heard::Kind::closed) == 1);
  CHECK(bench[b].count(Heard::Kind::closed) == 0);
  bench.world.network().heal(bench.world.now(), partition);
  bench.world.run_for(1min);
  CHECK(bench[b].count(Heard::Kind::closed) == 0);
  CHECK(bench[b].count(Heard::Kind::frame) == 0);
  bench.send(b, far, "anybody there");
  bench.world.run_for(1s);
  CHECK(bench[b].count(Heard::Kind::closed) == 1);
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("extra latency holds for the node it was set for, both ways") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.world.network().set_extra_latency(b, 500ms);
  const Instant sent = bench.world.now();
  bench.send(a, near, "slow");
  bench.send(b, far, "slow too");
  bench.world.run_for(5s);
  CHECK(bench[b].of(Heard::Kind::frame).at(0).at == sent + 510ms);
  CHECK(bench[a].of(Heard::Kind::frame).at(0).at == sent + 510ms);
}

}  // namespace
}  // namespace trestle::sim::test
