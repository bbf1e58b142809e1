#include "catch.hpp"
#include "pool/bridge_world.hpp"

using namespace trestle;
using test::BridgeWorld;
using namespace std::chrono_literals;

namespace {

link::ConnectionId client(std::uint64_t serial) { return {link::ConnectionOwner::node, serial}; }

wire::Contact old_bridge(std::uint64_t id) {
  return {NodeId(id, 0, 0), wire::Role::bridge, wire::Dialect::legacy, "wss://old", "{}"};
}

void attach(BridgeWorld& world, std::uint64_t serial) {
  world.set.attach(world.now, client(serial), old_bridge(serial));
  world.settle();
}

/// The answer to the `index`th question, carrying its marker.
void answer(BridgeWorld& world, std::size_t index) {
  const pool::BridgeSet::AskAttached ask = world.asked.at(index);
  wire::IntroduceResponse response;
  response.members.push_back(std::get<wire::IntroduceRequest>(ask.message).newcomer);
  world.set.on_attached_answer(world.now, ask.connection, ask.id, response);
  world.settle();
}

}  // namespace

TEST_CASE("an attached bridge has its turn beside a dialled one") {
  BridgeWorld world(1, 5);
  world.start();
  attach(world, 7);
  CHECK(world.available->size() == 2);
  for (int count = 0; count < 6; ++count) world.submit();
  CHECK(world.answers.size() == 3);
  REQUIRE(world.asked.size() == 3);
  for (std::size_t index = 0; index < 3; ++index) answer(world, index);
  CHECK(world.answers.size() == 6);
  CHECK(world.mismatched == 0);
  CHECK(world.set.connections_held() == 1);
}

TEST_CASE("an attached bridge is told how long its answer is waited for") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  world.budget_ms = 4000;
  world.submit();
  CHECK(world.asked.at(0).budget == 4s);
  CHECK(std::get<wire::IntroduceRequest>(world.asked[0].message).budget_ms == 4000);
}

TEST_CASE("late, repeated, foreign and forged answers are counted and change nothing") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  attach(world, 8);
  const auto request = world.submit();
  const auto ask = world.asked.at(0);
  const link::ConnectionId other = ask.connection == client(7) ? client(8) : client(7);
  world.set.on_attached_answer(world.now, other, ask.id, wire::IntroduceResponse{});
  world.set.on_attached_answer(world.now, client(9), ask.id, wire::IntroduceResponse{});
  world.set.on_attached_answer(world.now, ask.connection, {ask.id.value + (1 << 16)},
                               wire::IntroduceResponse{});
  world.set.on_attached_answer(world.now, ask.connection, {~std::uint64_t{0}},
                               wire::IntroduceResponse{});
  world.settle();
  CHECK(world.ends.empty());
  answer(world, 0);
  answer(world, 0);
  CHECK(world.ends[request] == 1);
  std::uint64_t late = 0;
  for (const auto& slot : world.set.slots()) late += slot.counters.late_answers;
  CHECK(late == 4);
  CHECK(world.set.stats().foreign_answers == 1);
}

TEST_CASE("an answer of the wrong type is tried once elsewhere") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  attach(world, 8);
  attach(world, 9);
  const auto request = world.submit();
  world.set.on_attached_answer(world.now, world.asked[0].connection, world.asked[0].id,
                               wire::FindNodeResponse{});
  world.settle();
  REQUIRE(world.asked.size() == 2);
  world.set.on_attached_answer(world.now, world.asked[1].connection, world.asked[1].id,
                               wire::FindNodeResponse{});
  world.settle();
  CHECK(world.asked.size() == 2);
  REQUIRE(world.failures.contains(request));
  CHECK(world.failures[request].first == ErrorCode::protocol_error);
}

TEST_CASE("an attached bridge that goes away hands its requests to the others") {
  BridgeWorld world(1, 5);
  world.bridges[0].accepts = false;
  world.start();
  attach(world, 7);
  for (int count = 0; count < 3; ++count) world.submit();
  attach(world, 8);
  world.set.detach(world.now, client(7));
  world.settle();
  REQUIRE(world.asked.size() == 6);
  for (std::size_t index = 3; index < 6; ++index) answer(world, index);
  CHECK(world.answers.size() == 3);
  answer(world, 0);
  CHECK(world.set.stats().foreign_answers == 1);
  CHECK(world.set.slots().size() == 2);
}

TEST_CASE("a newer socket of the same bridge replaces the older") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  world.submit();
  world.set.attach(world.now, client(20), old_bridge(7));
  world.settle();
  REQUIRE(world.asked.size() == 2);
  CHECK(world.asked[1].connection == client(20));
  CHECK(world.set.slots().size() == 1);
  answer(world, 1);
  CHECK(world.answers.size() == 1);
}

TEST_CASE("an attached bridge is given so many requests at a time, the rest waits") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  for (int count = 0; count < 12; ++count) world.submit();
  CHECK(world.asked.size() == 8);
  answer(world, 0);
  CHECK(world.asked.size() == 9);
  CHECK(world.failures.empty());
}

TEST_CASE("an attached bridge that is silent for ten seconds has failed and is told so") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  const auto request = world.submit();
  const Instant asked = world.now;
  world.run_for(11s);
  REQUIRE(world.failures.contains(request));
  CHECK(world.failures[request] == std::pair(ErrorCode::timeout, asked + 10s));
  REQUIRE(world.withdrawn.size() == 1);
  CHECK(world.withdrawn[0].id == world.asked[0].id);
  CHECK(world.set.slots()[0].counters.timeouts == 1);
}

TEST_CASE("cancelling withdraws the question, and its place is free") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  const auto request = world.submit();
  world.set.cancel(world.now, request);
  world.settle();
  CHECK(world.withdrawn.size() == 1);
  CHECK(world.set.slots()[0].in_flight == 0);
}

TEST_CASE("only so many bridges may attach") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  for (std::uint64_t serial = 1; serial <= 20; ++serial) attach(world, serial);
  CHECK(world.set.slots().size() == 16);
  CHECK(world.logged("bridge.not_attached") == 4);
}

TEST_CASE("a set that is stopped withdraws what attached bridges work on") {
  BridgeWorld world(BridgeWorld::options_for(0), 5);
  world.start();
  attach(world, 7);
  const auto request = world.submit();
  world.set.stop(world.now);
  world.settle();
  CHECK(world.withdrawn.size() == 1);
  CHECK(world.failures[request].first == ErrorCode::shutting_down);
}

TEST_CASE("nobody attaches under the id that one of our own bridges has proven") {
  BridgeWorld world(1, 5);
  world.start();
  const NodeId proven = world.set.connected().at(0).id;
  wire::Contact claim = old_bridge(7);
  claim.id = proven;
  world.run_for(301s);
  REQUIRE(world.set.slots()[0].state == pool::BridgeState::idle);
  world.set.attach(world.now, client(7), claim);  // while it sleeps
  world.bridges[0].accepts = false;
  world.submit();
  world.set.attach(world.now, client(7), claim);  // while it cannot be reached
  attach(world, 8);
  claim.id = proven;
  world.set.attach(world.now, client(8), claim);  // by a change of contact
  world.settle();
  CHECK(world.logged("bridge.not_attached") == 3);
  CHECK(world.set.slots().size() == 1);
  world.bridges[0].accepts = true;
  world.run_for(120s);
  CHECK(world.set.connected().size() == 1);
  CHECK_FALSE(world.set.slots()[0].is_excluded);
}

TEST_CASE("a bridge that proves its id takes the place of one that claimed it") {
  BridgeWorld world(1, 5);
  world.bridges[0].slow = true;
  world.start();
  wire::Contact claim = old_bridge(7);
  claim.id = world.bridges[0].end->local.identity.id;
  world.set.attach(world.now, client(7), claim);
  const auto request = world.submit();
  REQUIRE(world.asked.size() == 1);
  world.end_dial(true);
  CHECK(world.set.slots().size() == 1);
  CHECK(world.set.connected().size() == 1);
  CHECK_FALSE(world.set.slots()[0].is_attached);
  CHECK_FALSE(world.set.slots()[0].is_excluded);
  CHECK(world.withdrawn.size() == 1);
  CHECK(world.answers.contains(request));
  answer(world, 0);
  CHECK(world.set.stats().foreign_answers == 1);
  CHECK(world.ends[request] == 1);
}

TEST_CASE("P-CR-13: a bridge that proves its id in stateless mode takes that place as well") {
  pool::BridgeSetOptions options = BridgeWorld::options_for(1);
  options.mode = pool::BridgeMode::stateless;
  BridgeWorld world(options, 5);
  world.start();
  wire::Contact claim = old_bridge(7);
  // The machine behind the address is another one from now on, whose id somebody claims already.
  world.bridges[0].end =
      std::make_shared<test::End>(77, wire::Role::bridge, link::ChannelSetOptions{}, "secret");
  claim.id = world.bridges[0].end->local.identity.id;
  world.set.attach(world.now, client(7), claim);
  world.settle();
  CHECK(world.set.slots().size() == 2);
  for (int count = 0; count < 2; ++count) world.submit();
  CHECK(world.set.slots().size() == 1);
  CHECK(world.answers.size() == 2);
}
