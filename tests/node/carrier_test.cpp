#include "trestle/node/member/carrier.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "catch.hpp"
#include "node/carrying_world.hpp"

using namespace trestle;
using namespace std::chrono_literals;
using test::CarryingWorld;
using test::route_to;

namespace {

/// Sixty members with a few links each, and the two ends of a way.
struct Crowd : CarryingWorld {
  std::vector<NodeId> ids;

  explicit Crowd(std::uint64_t seed) : CarryingWorld(seed) {
    for (int count = 0; count < 60; ++count) ids.push_back(add());
    for (const NodeId& id : ids) {
      for (int count = 0; count < 4; ++count) {
        const NodeId other = ids[rng.below(ids.size())];
        if (other != id) link(id, other);
      }
    }
  }
};

const wire::Failure* failure_in(const wire::Message& message) {
  return std::get_if<wire::Failure>(&message);
}

}  // namespace

TEST_CASE("P-KR-12: a carried request comes nearer with every hop, is answered once, and ends") {
  std::size_t arrived = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Crowd crowd(seed);
    const NodeId start = crowd.ids[crowd.rng.below(60)];
    const NodeId destination = crowd.ids[crowd.rng.below(60)];
    const wire::Contact origin = CarryingWorld::contact(crowd.random_id());
    crowd.link_one(start, origin);
    crowd.passed.clear();
    crowd.route(start, origin, route_to(destination, origin.id, wire::FindNodeRequest{origin.id}));
    REQUIRE(crowd[start].answers.size() == 1);
    REQUIRE(crowd.passed.size() <= 20);
    for (const CarryingWorld::Passed& hop : crowd.passed) {
      const bool nearer = closer(destination, hop.to, hop.from);
      REQUIRE((hop.to == destination || nearer));
    }
    const wire::Message& answer = crowd[start].answers[0].answer;
    if (const auto* routed = std::get_if<wire::RouteResponse>(&answer)) {
      ++arrived;
      const auto inside = node::unwrapped(routed->answer);
      REQUIRE(inside);
      CHECK(inside->request_id.value == 77);
      CHECK(std::holds_alternative<wire::FindNodeResponse>(inside->message));
      CHECK(crowd[destination].carrier.stats().served == 1);
    } else {
      REQUIRE(failure_in(answer) != nullptr);
      CHECK(failure_in(answer)->code == ErrorCode::unreachable);
    }
    for (const NodeId& id : crowd.ids) REQUIRE(crowd[id].carrier.stats().under_way == 0);
  }
  // These links are drawn at random and not as a table would choose them: most ways end dead.
  CHECK(arrived >= 40);
  CHECK(arrived <= 160);
}

TEST_CASE("What is carried are questions: find_node, find_value and ping, and nothing else") {
  CarryingWorld world(1);
  const NodeId self = world.add();
  const wire::Contact asker = CarryingWorld::contact(world.random_id());
  world.link_one(self, asker);
  const auto answer_to = [&](const wire::Message& question) {
    world.now += 10s;
    world[self].answers.clear();
    world.route(self, asker, route_to(self, asker.id, question));
    REQUIRE(world[self].answers.size() == 1);
    return world[self].answers[0].answer;
  };
  const auto inside = [&](const wire::Message& answer) {
    const auto* routed = std::get_if<wire::RouteResponse>(&answer);
    REQUIRE(routed != nullptr);
    return node::unwrapped(routed->answer)->message;
  };
  CHECK(std::holds_alternative<wire::Pong>(inside(answer_to(wire::Ping{}))));
  CHECK(std::holds_alternative<wire::FindNodeResponse>(
      inside(answer_to(wire::FindNodeRequest{self}))));
  CHECK(std::holds_alternative<wire::FindValueResponse>(
      inside(answer_to(wire::FindValueRequest{"key"}))));
  wire::Record record;
  record.key = "key";
  for (const wire::Message& other :
       {wire::Message(wire::StoreRequest{record}), wire::Message(wire::JoinRequest{}),
        wire::Message(wire::Pong{}), wire::Message(route_to(self, asker.id, wire::Ping{}))}) {
    const wire::Message answer = answer_to(other);
    REQUIRE(failure_in(answer) != nullptr);
    CHECK(failure_in(answer)->code == ErrorCode::unsupported);
  }
}

TEST_CASE("Bytes that are not exactly one record are refused and cost nothing") {
  CarryingWorld world(2);
  const NodeId self = world.add();
  const wire::Contact asker = CarryingWorld::contact(world.random_id());
  wire::RouteRequest request = route_to(self, asker.id, wire::Ping{});
  const Bytes one = request.request;
  std::vector<Bytes> senseless = {{}, {0xff}, Bytes(one.begin(), one.end() - 1)};
  Bytes two = one;
  two.insert(two.end(), one.begin(), one.end());
  senseless.push_back(two);
  for (const Bytes& bytes : senseless) {
    world.now += 10s;
    request.request = bytes;
    world[self].answers.clear();
    world.route(self, asker, request);
    REQUIRE(world[self].answers.size() == 1);
    REQUIRE(failure_in(world[self].answers[0].answer) != nullptr);
  }
  CHECK(world[self].carrier.stats().served == 0);
}

TEST_CASE("Hops run out, and a number that is too large counts as the most there may be") {
  for (const std::uint8_t hops_left : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{255}}) {
    CarryingWorld world(3);
    const NodeId destination = world.random_id();
    const NodeId self = world.add(destination.with_bit_flipped(0));
    const NodeId nearer = destination.with_bit_flipped(1);
    const wire::Contact asker = CarryingWorld::contact(world.random_id());
    world.link_one(self, CarryingWorld::contact(nearer));
    world.route(self, asker, route_to(destination, asker.id, wire::Ping{}, hops_left));
    if (hops_left == 0) {
      CHECK(world[self].orders.empty());
      REQUIRE(failure_in(world[self].answers.at(0).answer) != nullptr);
      continue;
    }
    REQUIRE(world[self].orders.size() == 1);
    const auto& handed = std::get<wire::RouteRequest>(world[self].orders[0].message);
    CHECK(handed.hops_left == (hops_left == 1 ? 0 : 19));
    CHECK(handed.origin == asker.id);
    CHECK(handed.request == route_to(destination, asker.id, wire::Ping{}).request);
  }
}

TEST_CASE("A linked peer of the old dialect is asked the bare question") {
  CarryingWorld world(4);
  const NodeId self = world.add();
  const wire::Contact asker = CarryingWorld::contact(world.random_id());
  const wire::Contact old_peer = CarryingWorld::contact(world.random_id(), wire::Dialect::legacy);
  world.link_one(self, old_peer);
  world.route(self, asker, route_to(old_peer.id, asker.id, wire::FindNodeRequest{asker.id}));
  REQUIRE(world[self].orders.size() == 1);
  CHECK(world[self].orders[0].to == old_peer.id);
  REQUIRE(std::holds_alternative<wire::FindNodeRequest>(world[self].orders[0].message));
  const wire::FindNodeResponse nodes{{CarryingWorld::contact(world.random_id())}};
  world.answer(self, world[self].orders[0].number, nodes);
  REQUIRE(world[self].answers.size() == 1);
  const auto& routed = std::get<wire::RouteResponse>(world[self].answers[0].answer);
  CHECK(node::unwrapped(routed.answer)->message == wire::Message(nodes));
  // A second answer to the same, or a late end, finds nothing.
  world.answer(self, world[self].orders[0].number, nodes);
  world.fail(self, world[self].orders[0].number, ErrorCode::timeout);
  CHECK(world[self].answers.size() == 1);
}

TEST_CASE("A hop that fails is told to whoever asked, with the reason") {
  CarryingWorld world(5);
  const NodeId destination = world.random_id();
  const NodeId self = world.add(destination.with_bit_flipped(0));
  world.link_one(self, CarryingWorld::contact(destination));
  const wire::Contact asker = CarryingWorld::contact(world.random_id());
  for (const auto& [code, told] : {std::pair(ErrorCode::timeout, ErrorCode::timeout),
                                   std::pair(ErrorCode::connection_lost, ErrorCode::unreachable)}) {
    world[self].answers.clear();
    world[self].orders.clear();
    world.route(self, asker, route_to(destination, asker.id, wire::Ping{}));
    world.fail(self, world[self].orders.at(0).number, code);
    REQUIRE(world[self].answers.size() == 1);
    REQUIRE(failure_in(world[self].answers[0].answer) != nullptr);
    CHECK(failure_in(world[self].answers[0].answer)->code == told);
  }
}

TEST_CASE("An origin gets five a second and ten at once, a link more, and the table is bounded") {
  node::CarrierOptions options;
  options.carried_max = 30;
  CarryingWorld world(6, options);
  const NodeId destination = world.random_id();
  const NodeId self = world.add(destination.with_bit_flipped(0));
  world.link_one(self, CarryingWorld::contact(destination));
  const wire::Contact asker = CarryingWorld::contact(world.random_id());
  const auto try_times = [&](int times, const NodeId& origin) {
    std::size_t before = world[self].orders.size();
    for (int count = 0; count < times; ++count) {
      world.route(self, asker, route_to(destination, origin, wire::Ping{}));
    }
    return world[self].orders.size() - before;
  };
  CHECK(try_times(50, asker.id) == 10);
  const auto* refused = failure_in(world[self].answers.at(0).answer);
  REQUIRE(refused != nullptr);
  CHECK(refused->code == ErrorCode::rate_limited);
  CHECK(refused->retry_after_ms == 200);
  world.now += 1s;
  CHECK(try_times(50, asker.id) == 5);
  // Invented origins: the link's own account ends that, and before it the table.
  world.now += 10s;
  std::size_t passed = 0;
  for (int count = 0; count < 1000; ++count) passed += try_times(1, world.random_id());
  CHECK(passed == 15);
  CHECK(world[self].carrier.stats().under_way == options.carried_max);
  CHECK(failure_in(world[self].answers.back().answer)->code == ErrorCode::rate_limited);
  for (const node::CarryOn& order : std::vector(world[self].orders)) {
    world.fail(self, order.number, ErrorCode::timeout);
  }
  CHECK(world[self].carrier.stats().under_way == 0);
}

// ---- searches that go from peer to peer

TEST_CASE("P-KR-11, P-KR-12: a search is handed to a nearer linked peer as long as there is one") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Crowd crowd(seed);
    const NodeId start = crowd.ids[crowd.rng.below(60)];
    const NodeId target = crowd.random_id();
    const wire::Contact origin = CarryingWorld::contact(crowd.random_id());
    crowd.link_one(start, origin);
    crowd.passed.clear();
    crowd.search(start, origin, {.target = target, .originator = origin.id, .hop_count = 0});
    REQUIRE(crowd[start].answers.size() == 1);
    const auto* found = std::get_if<wire::RecursiveFindResponse>(&crowd[start].answers[0].answer);
    REQUIRE(found != nullptr);
    REQUIRE(found->hop_count == crowd.passed.size());
    REQUIRE(crowd.passed.size() < 20);
    NodeId last = start;
    for (std::size_t hop = 0; hop < crowd.passed.size(); ++hop) {
      REQUIRE(crowd.passed[hop].from == last);
      last = crowd.passed[hop].to;
      REQUIRE(closer(target, last, crowd.passed[hop].from));
      REQUIRE(std::get<wire::RecursiveFindRequest>(crowd.passed[hop].message).hop_count == hop + 1);
    }
    // P-KR-15: the last one knew nobody nearer, and named whom it knows as nearest.
    std::vector<NodeId> tried = {origin.id};
    if (!crowd.passed.empty()) tried.push_back(crowd.passed.back().from);
    CHECK_FALSE(crowd[last].dht.next_hop(target, tried));
    CHECK(found->contacts == crowd[last].dht.contacts_for(origin.id, target));
    CHECK_FALSE(found->contacts.empty());
  }
}

TEST_CASE("P-KR-14: a search with twenty hops behind it is answered and not handed on") {
  for (const std::uint32_t hop_count : {19u, 20u, 21u, 0xffffffffu}) {
    CAPTURE(hop_count);
    CarryingWorld world(7);
    const NodeId target = world.random_id();
    const NodeId self = world.add(target.with_bit_flipped(0));
    world.link_one(self, CarryingWorld::contact(target.with_bit_flipped(1)));
    const wire::Contact hop = CarryingWorld::contact(world.random_id());
    world.search(self, hop,
                 {.target = target, .originator = world.random_id(), .hop_count = hop_count});
    CHECK(world[self].orders.size() == (hop_count < 20 ? 1 : 0));
    CHECK(world[self].answers.size() == (hop_count < 20 ? 0 : 1));
    if (hop_count < 20) continue;
    const auto& found = std::get<wire::RecursiveFindResponse>(world[self].answers[0].answer);
    CHECK(found.hop_count == hop_count);
    CHECK(found.contacts.size() == 1);
  }
}

TEST_CASE("P-KR-13: the hop count is in every search and answer, and never negative or absurd") {
  for (const std::uint32_t hop_count : {0u, 1u, 20u, 0xffffffffu}) {
    const wire::Message request = wire::RecursiveFindRequest{
        .target = {1, 2, 3}, .originator = {4, 5, 6}, .hop_count = hop_count};
    const auto bytes = node::wrapped({wire::RequestId{1}, request});
    REQUIRE(bytes);
    const auto read = node::unwrapped(*bytes);
    REQUIRE(read);
    CHECK(read->message == request);
  }
  const wire::Message largest = wire::RecursiveFindRequest{
      .target = {1, 2, 3}, .originator = {4, 5, 6}, .hop_count = 0xffffffffu};
  Bytes bytes = *node::wrapped({wire::RequestId{1}, largest});
  REQUIRE(bytes.back() == 0x0f);  // The last seven bits of a varint that carries 32.
  bytes.back() = 0x1f;
  CHECK_FALSE(node::unwrapped(bytes));
  const wire::Message without =
      wire::RecursiveFindRequest{.target = {1, 2, 3}, .originator = {}, .hop_count = 0};
  bytes = *node::wrapped({wire::RequestId{1}, without});
  bytes.pop_back();
  --bytes.front();  // The record's length, so that nothing but the hop count is missing.
  CHECK_FALSE(node::unwrapped(bytes));
}

TEST_CASE("A search begins with its originator and comes from proven peers only") {
  CarryingWorld world(8);
  const NodeId self = world.add();
  const wire::Contact proven = CarryingWorld::contact(world.random_id());
  const wire::Contact claimed = CarryingWorld::contact(world.random_id(), wire::Dialect::legacy);
  const NodeId other = world.random_id();
  const auto code_for = [&](const wire::Contact& from, const NodeId& originator,
                            std::uint32_t hop_count) {
    world.now += 10s;
    world[self].answers.clear();
    world.search(self, from, {.target = other, .originator = originator, .hop_count = hop_count});
    const auto* failure = failure_in(world[self].answers.at(0).answer);
    return failure != nullptr ? failure->code : ErrorCode::none;
  };
  CHECK(code_for(proven, proven.id, 0) == ErrorCode::none);
  CHECK(code_for(proven, other, 1) == ErrorCode::none);
  CHECK(code_for(proven, other, 0) == ErrorCode::invalid_request);
  CHECK(code_for(proven, proven.id, 1) == ErrorCode::invalid_request);
  CHECK(code_for(claimed, claimed.id, 0) == ErrorCode::invalid_request);
}

TEST_CASE("P-KR-15: behind a hop that says nothing, or nothing of use, lies what we know") {
  CarryingWorld world(9);
  const NodeId target = world.random_id();
  const NodeId self = world.add(target.with_bit_flipped(0));
  const wire::Contact hop = CarryingWorld::contact(target.with_bit_flipped(1));
  world.link_one(self, hop);
  const wire::Contact origin = CarryingWorld::contact(world.random_id());
  std::vector<Duration> waits;
  for (int round = 0; round < 3; ++round) {
    world[self].answers.clear();
    world[self].orders.clear();
    const std::uint32_t hop_count = round == 0 ? 0 : 6;
    const wire::Contact from = round == 0 ? origin : CarryingWorld::contact(world.random_id());
    world.search(self, from, {.target = target, .originator = origin.id, .hop_count = hop_count});
    REQUIRE(world[self].orders.size() == 1);
    waits.push_back(world[self].orders[0].within);
    if (round == 2) {
      world.answer(self, world[self].orders[0].number, wire::Failure{ErrorCode::busy, 0, ""});
    } else {
      world.fail(self, world[self].orders[0].number, ErrorCode::timeout);
    }
    REQUIRE(world[self].answers.size() == 1);
    const auto& found = std::get<wire::RecursiveFindResponse>(world[self].answers[0].answer);
    CHECK(found.contacts == wire::Contacts{hop});
    CHECK(found.hop_count == hop_count);
  }
  // The hop before the silent one gives up first, while all before it still wait.
  CHECK(waits[1] < waits[0]);
}

TEST_CASE("The accounts are even again after a pause, and too many of them are refused") {
  node::CarryingBudgets budgets({.per_second = 5, .burst = 3, .ids_max = 4});
  const Instant start = test::kCarryStart;
  const NodeId id{1, 0, 0};
  for (int count = 0; count < 3; ++count) CHECK(budgets.take(start, id));
  CHECK_FALSE(budgets.take(start, id));
  CHECK(budgets.wait(start, id) == 200ms);
  CHECK_FALSE(budgets.take(start + 199ms, id));
  CHECK(budgets.take(start + 200ms, id));
  CHECK(budgets.wait(start + 200ms, NodeId{9, 0, 0}) == 0ms);
  for (std::uint64_t other = 2; other <= 4; ++other) CHECK(budgets.take(start, {other, 0, 0}));
  CHECK_FALSE(budgets.take(start, {5, 0, 0}));
  CHECK(budgets.size() == 4);
  CHECK(budgets.take(start + 10s, {5, 0, 0}));
  CHECK(budgets.size() == 1);
}
