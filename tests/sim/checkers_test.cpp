#include "trestle/sim/checkers/checkers.hpp"

#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

struct Watched : Bench {
  Watched() { checkers.watch(world); }
  bool violates(std::string_view rule) const {
    return world.violation() && world.violation()->rule.find(rule) != std::string::npos;
  }
  checkers::Checkers checkers;
};

TEST_CASE("the checker of P-BR-1: one connection per bridge passes, also again after it ended") {
  Watched bench;
  const NodeIndex bootstrap = bench.add_started(wire::Role::bootstrap);
  const NodeIndex bridge = bench.add_started(wire::Role::bridge);
  for (int round = 0; round < 3; ++round) {
    const auto [near, far] = bench.connect(bootstrap, bridge);
    bench.close(round == 1 ? bridge : bootstrap, round == 1 ? far : near);
    bench.world.run_for(1s);
  }
  bench.dial(bootstrap, bridge);
  bench.world.kill(bootstrap);
  bench.world.start(bootstrap);
  bench.dial(bootstrap, bridge);
  bench.world.run_for(1s);
  CHECK_FALSE(bench.world.violation());
  CHECK(bench.checkers.single_bridge_connection.most_seen() == 1);
}

TEST_CASE("the checker of P-BR-1: a second dial while the first is under way is found at once") {
  Watched bench;
  const NodeIndex bootstrap = bench.add_started(wire::Role::bootstrap);
  const NodeIndex bridge = bench.add_started(wire::Role::bridge);
  const NodeIndex other = bench.add_started(wire::Role::bridge);
  bench.dial(bootstrap, bridge);
  bench.dial(bootstrap, other);
  CHECK_FALSE(bench.world.violation());
  bench.dial(bootstrap, bridge);
  CHECK(bench.violates("P-BR-1"));
}

TEST_CASE("the checker of P-BR-1: ordinary nodes may have as many as they like") {
  Watched bench;
  const NodeIndex node = bench.add_started();
  const NodeIndex bridge = bench.add_started(wire::Role::bridge);
  bench.dial(node, bridge);
  bench.dial(node, bridge);
  bench.world.run_for(1s);
  CHECK_FALSE(bench.world.violation());
}

TEST_CASE("the checker of P-BR-2: answers to delivered questions pass, each side has its own ids") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    bench.say(a, near, id, wire::Ping{});
    bench.say(b, far, id, wire::Ping{});
  }
  bench.world.run_for(1s);
  for (std::uint64_t id = 3; id >= 1; --id) {
    bench.say(b, far, id, wire::Pong{});
    bench.say(a, near, id, wire::Failure{.code = ErrorCode::busy, .retry_after_ms = 0, .text = {}});
  }
  bench.world.run_for(1s);
  CHECK_FALSE(bench.world.violation());
  CHECK(bench.checkers.answers.requests() == 6);
  CHECK(bench.checkers.answers.answers() == 6);
}

TEST_CASE("the checker of P-BR-2: foreign, repeated and premature answers are found") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.say(a, near, 1, wire::Ping{});

  SECTION("premature") { bench.say(b, far, 1, wire::Pong{}); }
  SECTION("never asked") {
    bench.world.run_for(1s);
    bench.say(b, far, 2, wire::Pong{});
  }
  SECTION("answered twice") {
    bench.world.run_for(1s);
    bench.say(b, far, 1, wire::Pong{});
    CHECK_FALSE(bench.world.violation());
    bench.say(b, far, 1, wire::Failure{.code = ErrorCode::busy, .retry_after_ms = 0, .text = {}});
  }
  SECTION("answered by who asked") {
    bench.world.run_for(1s);
    bench.say(a, near, 1, wire::Pong{});
  }
  SECTION("on another connection") {
    const auto [other_near, other_far] = bench.connect(a, b);
    bench.say(b, other_far, 1, wire::Pong{});
  }
  SECTION("one id for two questions") { bench.say(a, near, 1, wire::Ping{}); }
  CHECK(bench.violates("P-BR-2"));
}

TEST_CASE("the checker of P-BR-2: an answer may cross the withdrawal of its question") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.say(a, near, 1, wire::Ping{});
  bench.say(a, near, 1, wire::Cancel{});
  bench.world.run_for(1s);
  bench.say(b, far, 1, wire::Pong{});
  CHECK_FALSE(bench.world.violation());
  bench.say(b, far, 1, wire::Pong{});
  CHECK(bench.violates("P-BR-2"));
}

TEST_CASE("a frame that does not decode is found where it is sent") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  SECTION("nonsense") {
    bench.perform(a, link::SendFrame{near, link::FrameKind::binary, Bytes{255, 255, 255}});
  }
  SECTION("a request without an id") { bench.say(a, near, 0, wire::Ping{}); }
  CHECK(bench.violates("every frame decodes"));
}

TEST_CASE("operations: ended once passes; twice, never or unasked is found") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const auto begun = bench.world.get(a, "key");
  REQUIRE(begun.has_value());
  const node::OperationEnded end{.operation = begun->operation,
                                 .code = ErrorCode::not_found,
                                 .replicas = 0,
                                 .record = {},
                                 .contacts = {}};
  SECTION("once") {
    bench.perform(a, end);
    bench.world.run_for(2min);
    CHECK_FALSE(bench.world.violation());
    REQUIRE(bench.world.ended(*begun) != nullptr);
    CHECK(bench.world.ended(*begun)->code == ErrorCode::not_found);
    CHECK(bench.checkers.operations.ended() == 1);
  }
  SECTION("twice") {
    bench.perform(a, end);
    bench.perform(a, end);
    CHECK(bench.violates("exactly once"));
  }
  SECTION("never") {
    bench[a].deadline = Instant(2min);  // an event after its time
    static_cast<void>(bench.world.find(a, NodeId{}));
    bench.world.run_for(5min);
    CHECK(bench.violates("exactly once"));
  }
  SECTION("unasked") {
    bench.perform(a, node::OperationEnded{.operation = {99}});
    CHECK(bench.violates("exactly once"));
  }
  SECTION("forgotten by a clean stop") {
    bench.world.begin_shutdown(a);
    CHECK(bench.violates("exactly once"));
  }
  SECTION("lost by a kill") {
    bench.world.kill(a);
    CHECK_FALSE(bench.world.violation());
    CHECK(bench.checkers.operations.lost_with_node() == 1);
  }
}

TEST_CASE("I9 checker: a deadline that stays due is found") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  bench[a].spin = true;
  bench[a].deadline = Instant(1s);
  static_cast<void>(bench.world.find(a, NodeId{}));
  bench.world.run_for(10s);
  CHECK(bench.violates("I9"));
  CHECK(bench.world.now() == Instant(1s));
}

TEST_CASE("I14 checker: an order after Stopped is found") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  bench[a].outbox.push(node::Stopped{});
  bench.dial(a, b);
  CHECK(bench.violates("I14"));
}

TEST_CASE("an order on a connection that ended is found") {
  Watched bench;
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  bench.close(a, near);
  CHECK_FALSE(bench.world.violation());
  bench.send(a, near, "too late");
  CHECK(bench.violates("living connections"));
}

}  // namespace
}  // namespace trestle::sim::test
