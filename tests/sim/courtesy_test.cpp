// How honest nodes treat each other, and what a network without accidents has to show for itself.

#include "trestle/sim/checkers/courtesy.hpp"

#include "catch.hpp"
#include "fake_node.hpp"
#include "trestle/sim/calm.hpp"
#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {
namespace {

struct Pair : Bench {
  Pair() {
    world.add_observer(courtesy);
    a = add_started();
    b = add_started();
    std::tie(near, far) = connect(a, b);
  }
  /// Something happens every second for so long.
  void let_pass(int seconds) {
    for (int second = 1; second <= seconds; ++second) {
      world.schedule(after(world.now(), second * 1s), [](World&) {});
    }
    world.run_for(seconds * 1s);
  }
  bool violates(std::string_view rule) const {
    return world.violation() && world.violation()->rule.starts_with(rule);
  }
  checkers::Courtesy courtesy;
  NodeIndex a = kNoNode;
  NodeIndex b = kNoNode;
  link::ConnectionId near;
  link::ConnectionId far;
};

TEST_CASE("R3 checker: a question that is answered, withdrawn or lost with its connection passes") {
  Pair pair;
  pair.say(pair.a, pair.near, 1, wire::Ping{});
  pair.let_pass(1);
  CHECK(pair.courtesy.waiting() == 1);
  SECTION("answered") {
    pair.say(pair.b, pair.far, 1, wire::Pong{});
    CHECK(pair.courtesy.answered() == 1);
  }
  SECTION("refused") { pair.say(pair.b, pair.far, 1, wire::Failure{ErrorCode::busy, 0, {}}); }
  SECTION("withdrawn") { pair.say(pair.a, pair.near, 1, wire::Cancel{}); }
  SECTION("closed") { pair.close(pair.b, pair.far); }
  SECTION("killed") { pair.world.kill(pair.b); }
  pair.let_pass(60);
  CHECK_FALSE(pair.world.violation());
  CHECK(pair.courtesy.waiting() == 0);
}

TEST_CASE(
    "R3 checker: a question to which nothing is said is found, not while its node is stopped") {
  Pair pair;
  pair.say(pair.a, pair.near, 1, wire::Ping{});
  pair.let_pass(1);
  pair.world.pause(pair.b);
  pair.let_pass(60);
  CHECK_FALSE(pair.world.violation());
  pair.world.resume(pair.b);
  pair.let_pass(60);
  CHECK(pair.violates("R3"));
}

TEST_CASE("honest peers accuse nobody: that a peer does wrong is said to liars only") {
  Pair pair;
  pair.say(pair.a, pair.near, 1, wire::Ping{});
  pair.let_pass(1);
  SECTION("busy is no accusation") {
    pair.say(pair.b, pair.far, 1, wire::Failure{ErrorCode::busy, 0, {}});
    pair.close(pair.b, pair.far);
    CHECK_FALSE(pair.world.violation());
    return;
  }
  SECTION("a senseless question") {
    pair.say(pair.b, pair.far, 1, wire::Failure{ErrorCode::invalid_request, 0, {}});
  }
  SECTION("a goodbye to a stranger") {
    pair.say(pair.b, pair.far, 0, wire::Goodbye{ErrorCode::unauthorized, 0, {}});
  }
  SECTION("a broken frame") {
    pair.perform(pair.b, link::CloseTransport{pair.far, link::CloseStatus::protocol_error, "?"});
  }
  CHECK(pair.violates("honest peers accuse nobody"));
}

TEST_CASE("who breaks the protocol is told what he broke") {
  const Bytes too_many_contacts = {0x03, 0x21, 0x01, 0x15};
  const Bytes no_contacts_there = {0x03, 0x21, 0x01, 0x14};
  for (const bool is_right : {true, false}) {
    for (const bool is_oversized : {true, false}) {
      Bench bench;
      checkers::Courtesy courtesy;
      bench.world.add_observer(courtesy);
      const NodeIndex honest = bench.add_started();
      const NodeIndex liar = bench.add_started(wire::Role::node, false);
      const auto [near, far] = bench.connect(liar, honest);
      bench.perform(liar, link::SendFrame{near, link::FrameKind::binary,
                                          is_oversized ? too_many_contacts : no_contacts_there});
      bench[honest].closes_with = is_right == is_oversized ? link::CloseStatus::too_large
                                                           : link::CloseStatus::protocol_error;
      bench.world.run_for(1s);
      CHECK(bench.world.violation().has_value() == !is_right);
    }
  }
}

TEST_CASE("I16, L6: where nothing goes wrong nothing fails, whatever the members' settings are") {
  PlanRequest request;
  request.seed = 2;
  request.nodes = 20;
  request.minutes = 12;
  request.weather = Weather::calm;
  request.strict = true;
  request.mixed = true;
  Trial trial(make_plan(request));
  const bool good = trial.run();
  INFO(trial.failure());
  CHECK(good);
  CHECK(trial.workload().removes > 0);
  CHECK(trial.workload().refreshes > 0);
  CHECK(trial.checkers().courtesy.answered() > 1000);
}

TEST_CASE("I16: one member that vanishes without a word is a failure that others tell of") {
  PlanRequest request;
  request.nodes = 12;
  request.minutes = 3;
  request.weather = Weather::calm;
  Trial trial(make_plan(request));
  Calm calm(Calm::Figures::failures);
  trial.world().run_until(after(trial.plan().settled, 2min));
  calm.begin(trial.world());
  trial.world().run_for(1min);
  CHECK(calm.failures(trial.world()).empty());
  trial.world().kill(11);
  trial.world().run_for(1min);
  CHECK_FALSE(calm.failures(trial.world()).empty());
}

}  // namespace
}  // namespace trestle::sim::test
