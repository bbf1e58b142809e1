#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

TEST_CASE("a dial to a listener is accepted there and then open here") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const link::ConnectionId id = bench.dial(a, b);
  bench.world.run_for(1s);

  REQUIRE(bench[b].count(Heard::Kind::accepted) == 1);
  CHECK(bench[b].of(Heard::Kind::accepted)[0].at == Instant(30ms));  // SYN, its answer, the request
  CHECK(bench[b].of(Heard::Kind::accepted)[0].text == "10.0.0.0");
  REQUIRE(bench[a].count(Heard::Kind::dialled) == 1);
  CHECK(bench[a].of(Heard::Kind::dialled)[0].at == Instant(40ms));
  CHECK(bench[a].of(Heard::Kind::dialled)[0].connection == id);
}

TEST_CASE("a dial where nobody listens is refused after one round trip more") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add();
  bench.dial(a, b);
  bench.world.run_for(1s);

  const auto failed = bench[a].of(Heard::Kind::dial_failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].number == static_cast<std::uint64_t>(ErrorCode::refused));
  CHECK(failed[0].at == Instant(40ms));
}

TEST_CASE("a dial to an unknown name is unreachable") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const link::ConnectionId id = bench[a].ids.next();
  bench.perform(a, link::Dial{id, "ws://nowhere:1/", 10s});
  bench.world.run_for(20s);

  const auto failed = bench[a].of(Heard::Kind::dial_failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].number == static_cast<std::uint64_t>(ErrorCode::unreachable));
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("the path of a URL does not matter for where a dial goes") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench.perform(a, link::Dial{bench[a].ids.next(), "ws://node1:9000/other", 10s});
  bench.world.run_for(1s);
  CHECK(bench[b].count(Heard::Kind::accepted) == 1);
}

TEST_CASE("a dial into the void ends at its own bound, exactly once") {
  WorldOptions options = Bench::plain(1);
  options.network.lost_dial_per_million = 1'000'000;
  Bench bench(options);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench.dial(a, b, 7s);
  bench.world.run_for(60s);

  const auto failed = bench[a].of(Heard::Kind::dial_failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].number == static_cast<std::uint64_t>(ErrorCode::timeout));
  CHECK(failed[0].at == Instant(7s));
  CHECK(bench[b].count(Heard::Kind::accepted) == 0);
  CHECK(bench.world.network().connections_in_use() == 0);
}

TEST_CASE("an abandoned dial is silent here and accept and close there, or nothing at all") {
  std::size_t seen = 0;
  std::size_t unseen = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Bench bench(Bench::plain(seed));
    const NodeIndex a = bench.add_started();
    const NodeIndex b = bench.add_started();
    const link::ConnectionId id = bench.dial(a, b);
    bench.world.run_for(5ms);
    bench.close(a, id);
    bench.world.run_for(20s);

    CHECK(bench[a].count(Heard::Kind::dialled) == 0);
    CHECK(bench[a].count(Heard::Kind::dial_failed) == 0);
    CHECK(bench[b].count(Heard::Kind::accepted) == bench[b].count(Heard::Kind::closed));
    bench[b].count(Heard::Kind::accepted) == 1 ? ++seen : ++unseen;
    CHECK(bench.world.network().connections_in_use() == 0);
  }
  CHECK(seen > 20);
  CHECK(unseen > 20);
}

TEST_CASE("a dial abandoned after the listener accepted is closed there") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const link::ConnectionId id = bench.dial(a, b);
  bench.world.run_for(35ms);
  REQUIRE(bench[b].count(Heard::Kind::accepted) == 1);
  bench.close(a, id);
  bench.world.run_for(20s);

  CHECK(bench[a].count(Heard::Kind::dialled) == 0);
  REQUIRE(bench[b].count(Heard::Kind::closed) == 1);
  CHECK(bench[b].of(Heard::Kind::closed)[0].number == 1006);
}

TEST_CASE("a listener that is too slow meets a dialler that went away") {
  WorldOptions options = Bench::plain(1);
  options.network.slow_dial_per_million = 1'000'000;
  options.network.slow_dial_max = 15s;
  std::size_t late = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    options.seed = seed;
    Bench bench(options);
    const NodeIndex a = bench.add_started();
    const NodeIndex b = bench.add_started();
    bench.dial(a, b, 5s);
    bench.world.run_for(30s);
    const std::size_t ends =
        bench[a].count(Heard::Kind::dialled) + bench[a].count(Heard::Kind::dial_failed);
    CHECK(ends == 1);
    late += bench[a].count(Heard::Kind::dial_failed);
  }
  CHECK(late > 10);
}

TEST_CASE("what the acceptor sends at once follows the news that the dial succeeded") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench.dial(a, b);
  bench.world.run_for(30ms);
  REQUIRE(bench[b].count(Heard::Kind::accepted) == 1);
  bench.send(b, bench[b].of(Heard::Kind::accepted)[0].connection, "early");
  bench.world.run_for(1s);

  REQUIRE(bench[a].heard.size() == 3);  // started, then these two
  CHECK(bench[a].heard[1].kind == Heard::Kind::dialled);
  CHECK(bench[a].heard[2].kind == Heard::Kind::frame);
}

TEST_CASE("a dial across a partition is a silence that a heal in time still ends well") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const std::uint32_t partition =
      bench.world.network().partition({Partition::Kind::two_way, {0, 1}});
  bench.dial(a, b, 10s);
  bench.world.run_for(2s);
  CHECK(bench[a].count(Heard::Kind::dialled) == 0);

  SECTION("healed: the repeated opening packet arrives") {
    bench.world.network().heal(bench.world.now(), partition);
    bench.world.run_for(8s);
    CHECK(bench[a].count(Heard::Kind::dialled) == 1);
    CHECK(bench[a].count(Heard::Kind::dial_failed) == 0);
  }
  SECTION("not healed: it times out") {
    bench.world.run_for(60s);
    CHECK(bench[a].count(Heard::Kind::dialled) == 0);
    CHECK(bench[a].count(Heard::Kind::dial_failed) == 1);
    CHECK(bench.world.network().connections_in_use() == 0);
  }
}

TEST_CASE("a one-way partition stops dials in both directions") {
  Bench bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench.world.network().partition({Partition::Kind::one_way, {0, 1}});
  bench.dial(a, b, 5s);
  bench.dial(b, a, 5s);
  bench.world.run_for(10s);
  CHECK(bench[a].count(Heard::Kind::dial_failed) == 1);
  CHECK(bench[b].count(Heard::Kind::dial_failed) == 1);
}

}  // namespace
}  // namespace trestle::sim::test
