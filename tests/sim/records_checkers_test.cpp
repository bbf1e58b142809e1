// The checkers of what was acknowledged and of what nodes say of themselves.

#include "catch.hpp"
#include "fake_node.hpp"
#include "trestle/sim/checkers/acknowledged.hpp"
#include "trestle/sim/checkers/bounds.hpp"
#include "trestle/sim/checkers/hops.hpp"
#include "trestle/sim/checkers/no_store_on_bridges.hpp"

namespace trestle::sim::test {
namespace {

Bytes value_of(std::string_view text) { return to_bytes(as_bytes(text)); }

node::OperationEnded written(std::uint64_t version, bool weak = false) {
  node::OperationEnded end;
  end.replicas = weak ? 1 : 3;
  end.weak = weak;
  end.version = version;
  return end;
}

node::OperationEnded read(std::string_view value) {
  node::OperationEnded end;
  end.record.emplace();
  end.record->value = value_of(value);
  return end;
}

node::OperationEnded not_found() {
  node::OperationEnded end;
  end.code = ErrorCode::not_found;
  return end;
}

struct Truth : Bench {
  Truth() { world.run_until(Instant(1s)); }
  void put(std::string_view value, std::uint64_t version, bool weak = false) {
    acknowledged.on_put_begun(world.now(), "key", value_of(value), 1h);
    acknowledged.on_put_ended(world.now(), "key", value_of(value), 1h, written(version, weak));
  }
  void judge(const node::OperationEnded& end, bool must_be_found = true) {
    acknowledged.judge(world, "key", world.now(), end,
                       must_be_found ? checkers::Acknowledged::Demand::everything
                                     : checkers::Acknowledged::Demand::truth);
  }
  void let_pass(Duration time) {
    world.schedule(after(world.now(), time), [](World&) {});
    world.run_for(time);
  }
  bool violates(std::string_view rule) const {
    return world.violation() && world.violation()->rule.find(rule) != std::string::npos;
  }
  checkers::Acknowledged acknowledged;
};

TEST_CASE("I3 checker: a record that was acknowledged must be found") {
  Truth truth;
  truth.put("one", 5);
  truth.judge(read("one"));
  CHECK_FALSE(truth.world.violation());
  CHECK(truth.acknowledged.is_due("key", truth.world.now()));
  truth.judge(not_found(), false);
  CHECK_FALSE(truth.world.violation());
  CHECK(truth.acknowledged.stats().misses == 1);
  truth.judge(not_found());
  CHECK(truth.violates("I3"));
}

TEST_CASE("I3 checker: a weak record, a failed put and an unknown key may be missed") {
  Truth truth;
  truth.put("one", 5, true);
  truth.acknowledged.on_put_begun(truth.world.now(), "key", value_of("two"), 1h);
  truth.judge(not_found());
  truth.acknowledged.judge(truth.world, "other", truth.world.now(), not_found(),
                           checkers::Acknowledged::Demand::everything);
  CHECK_FALSE(truth.world.violation());
  CHECK(truth.acknowledged.stats().weak == 1);
  CHECK(truth.acknowledged.stats().acknowledged == 0);
  CHECK(truth.acknowledged.due(truth.world.now()).empty());
  CHECK(truth.acknowledged.pick(7).empty());
}

TEST_CASE("I3 checker: what is still being written may be read, what nobody wrote may not") {
  Truth truth;
  truth.put("one", 5);
  truth.acknowledged.on_put_begun(truth.world.now(), "key", value_of("two"), 1h);
  truth.judge(read("two"));
  CHECK_FALSE(truth.world.violation());
  truth.judge(read("three"));
  CHECK(truth.violates("nobody wrote"));
}

TEST_CASE("I3 checker: an older version than was acknowledged is counted") {
  Truth truth;
  truth.put("one", 5);
  truth.put("two", 6);
  truth.judge(read("two"));
  CHECK(truth.acknowledged.stats().stale == 0);
  truth.judge(read("one"));
  CHECK(truth.acknowledged.stats().stale == 1);
  REQUIRE(truth.acknowledged.due(truth.world.now()).size() == 1);
  CHECK(truth.acknowledged.due(truth.world.now())[0].version == 6);
}

TEST_CASE("I3 checker: after its time a record may be gone, and is forgotten") {
  Truth truth;
  truth.put("one", 5);
  truth.world.schedule(after(truth.world.now(), 1h), [](World&) {});
  truth.world.run_for(1h);
  truth.judge(not_found());
  CHECK_FALSE(truth.world.violation());
  CHECK_FALSE(truth.acknowledged.is_due("key", truth.world.now()));
  CHECK(truth.acknowledged.pick(0) == "key");
  truth.acknowledged.forget_ended(after(truth.world.now(), 11min));
  CHECK(truth.acknowledged.pick(0).empty());
}

TEST_CASE("I3 checker: what was deleted may be missed, and is not read a minute later") {
  Truth truth;
  truth.put("one", 5);
  truth.acknowledged.on_remove_begun("key");
  CHECK_FALSE(truth.acknowledged.is_due("key", truth.world.now()));
  truth.judge(read("one"));
  truth.judge(not_found());
  truth.acknowledged.on_remove_ended(truth.world.now(), "key", written(6, false));
  CHECK(truth.acknowledged.stats().deleted == 1);
  truth.judge(read("one"));
  truth.judge(not_found());
  CHECK_FALSE(truth.world.violation());
  truth.let_pass(2min);
  SECTION("written again") {
    truth.put("two", 7);
    CHECK(truth.acknowledged.is_due("key", truth.world.now()));
    truth.judge(read("two"));
    CHECK_FALSE(truth.world.violation());
  }
  SECTION("a read of which nothing is demanded") {
    truth.judge(read("one"), false);
    CHECK_FALSE(truth.world.violation());
  }
  SECTION("read all the same") {
    truth.judge(read("one"));
    CHECK(truth.violates("what was deleted"));
  }
}

TEST_CASE("I3 checker: a removal that was never heard of again leaves everything open") {
  Truth truth;
  truth.put("one", 5);
  truth.acknowledged.on_remove_begun("key");
  truth.put("two", 7);
  truth.judge(not_found());
  truth.judge(read("one"));
  CHECK_FALSE(truth.world.violation());
}

TEST_CASE("I3 checker: what is over is not read, unless somebody prolonged it") {
  Truth truth;
  truth.put("one", 5);
  SECTION("over") {
    truth.let_pass(62min);
    truth.judge(read("one"));
    CHECK(truth.violates("what is over"));
  }
  SECTION("prolonged") {
    truth.let_pass(30min);
    const Instant begun = truth.world.now();
    truth.acknowledged.on_refresh_begun(begun, "key");
    truth.acknowledged.on_refresh_ended(begun, "key", written(5, false));
    CHECK(truth.acknowledged.stats().prolonged == 1);
    truth.let_pass(58min);
    truth.judge(read("one"));
    CHECK_FALSE(truth.world.violation());
    CHECK(truth.acknowledged.stays_due("key", truth.world.now(), 1min));
    CHECK_FALSE(truth.acknowledged.stays_due("key", truth.world.now(), 2min));
    truth.judge(not_found());
    CHECK(truth.violates("I3"));
  }
}

// ---- bridges, and what is handed on

TEST_CASE("I6 checker: a bridge that orders from a disk or says that it stored is found") {
  Bench bench;
  checkers::NoStoreOnBridges checker;
  bench.world.add_observer(checker);
  const NodeIndex node = bench.add_started();
  const NodeIndex bridge = bench.add_started(wire::Role::bridge);
  const auto [near, far] = bench.connect(node, bridge);
  bench.perform(node, dht::Persist{{1}, dht::EraseRecord{"key"}});
  bench.say(node, near, 1, wire::StoreResponse{});
  bench.say(bridge, far, 2, wire::Failure{ErrorCode::unsupported, 0, {}});
  CHECK_FALSE(bench.world.violation());
  SECTION("orders") { bench.perform(bridge, dht::Persist{{1}, dht::EraseRecord{"key"}}); }
  SECTION("says") { bench.say(bridge, far, 3, wire::StoreResponse{}); }
  REQUIRE(bench.world.violation());
  CHECK(bench.world.violation()->rule.starts_with("I6"));
}

TEST_CASE("I7 checker: who hands on must come nearer, who begins need not, twenty hops are all") {
  Bench bench;
  checkers::Hops checker;
  bench.world.add_observer(checker);
  const NodeIndex a = bench.add_started();
  const NodeIndex b = bench.add_started();
  const auto [near, far] = bench.connect(a, b);
  const NodeId id_a = bench.world.identity(a).id;
  const NodeId id_b = bench.world.identity(b).id;
  const NodeId somebody(1, 2, 3);
  bench.say(a, near, 1, wire::RecursiveFindRequest{id_b, somebody, 3});
  bench.say(a, near, 2, wire::RecursiveFindRequest{id_a, id_a, 0});
  bench.say(a, near, 3, wire::RouteRequest{id_b, somebody, 20, {}});
  CHECK_FALSE(bench.world.violation());
  CHECK(checker.checked() == 3);
  SECTION("not nearer") { bench.say(a, near, 4, wire::RecursiveFindRequest{id_a, somebody, 3}); }
  SECTION("routed back") { bench.say(b, far, 5, wire::RouteRequest{id_b, somebody, 5, {}}); }
  SECTION("too many") { bench.say(a, near, 6, wire::RecursiveFindRequest{id_b, somebody, 21}); }
  REQUIRE(bench.world.violation());
  CHECK(bench.world.violation()->rule.starts_with("I7"));
}

// ---- bounds

/// A fake that says of itself what it is told to.
class Claimant : public FakeNode {
 public:
  using FakeNode::FakeNode;
  node::Status status(Instant) const override {
    node::Status status;
    status.counters = counters;
    return status;
  }
  std::vector<std::pair<std::string_view, std::uint64_t>> counters;
};

std::string rule_broken_by(std::vector<std::pair<std::string_view, std::uint64_t>> counters) {
  World world(Bench::plain(1));
  checkers::Bounds bounds;
  world.add_observer(bounds);
  world.add_node({.role = wire::Role::bridge, .url = {}, .factory = [&](const NodeSeat& seat) {
                    auto node = std::make_unique<Claimant>(seat.rng);
                    node->counters = counters;
                    return node;
                  }});
  world.start(0);
  for (int second = 0; second < 100; ++second) world.schedule(Instant(second * 1s), [](World&) {});
  world.run_for(2min);
  CHECK((bounds.looks() > 0 || world.violation()));
  return world.violation() ? world.violation()->rule : std::string();
}

TEST_CASE("I8 checker: figures within their bounds pass, one above is found") {
  CHECK(rule_broken_by({{"mesh.links", 200}, {"desk.waiting", 100}, {"desk.waiting_max", 100}})
            .empty());
  CHECK(rule_broken_by({{"mesh.links", 201}}).starts_with("I8"));
  CHECK(rule_broken_by({{"desk.waiting", 101}, {"desk.waiting_max", 100}}).starts_with("I8"));
}

TEST_CASE("I8 checker: a figure from which more was taken than put in is found") {
  CHECK(rule_broken_by({{"dht.asks_total", 0}}).empty());
  CHECK(rule_broken_by({{"dht.asks_total", std::uint64_t{0} - 1}}).starts_with("I8"));
}

TEST_CASE("I18 checker: a connection that a node believes in and does not have is found") {
  CHECK(rule_broken_by({{"link.connections", 0}}).empty());
  CHECK(rule_broken_by({{"link.connections", 1}}).starts_with("I18"));
}

TEST_CASE("I8 checker: a node may have a bound of its own") {
  World world(Bench::plain(1));
  checkers::Bounds bounds;
  world.add_observer(bounds);
  for (int node = 0; node < 2; ++node) {
    world.add_node({.role = wire::Role::node, .url = {}, .factory = [](const NodeSeat& seat) {
                      auto made = std::make_unique<Claimant>(seat.rng);
                      made->counters = {{"mesh.links", 21}};
                      return made;
                    }});
    world.start(static_cast<NodeIndex>(node));
  }
  const auto look = [&] {
    for (int second = 0; second < 100; ++second) {
      world.schedule(after(world.now(), second * 1s), [](World&) {});
    }
    world.run_for(2min);
  };
  bounds.expect(0, "mesh.links", 21);
  bounds.expect(1, "mesh.lost", 3);
  look();
  CHECK_FALSE(world.violation());
  bounds.expect(1, "mesh.links", 20);
  look();
  CHECK(world.violation());
}

}  // namespace
}  // namespace trestle::sim::test
