// Requests that peers of the old dialect have carried, with the recordings of the old system.
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "legacy/transcript.hpp"
#include "node/carrying_world.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using namespace std::chrono_literals;
using test::CarryingWorld;
namespace legacy = trestle::wire::legacy;

namespace {

const link::ConnectionId kLink{link::ConnectionOwner::node, 7};

legacy::OverlayRoutedMessage envelope(const NodeId& source, const NodeId& destination,
                                      const std::string& question, std::int64_t ttl = 3) {
  legacy::RoutedDhtRequest request;
  request.request_id = "q9";
  request.source = source;
  request.destination = destination;
  request.payload = {question};
  legacy::OverlayRoutedMessage made;
  made.message_id = "overlay_x_1";
  made.source = source;
  made.destination = destination;
  made.payload = {legacy::encode(request)};
  made.ttl = ttl;
  return made;
}

std::string find_node_of(const NodeId& target) {
  return R"({"type":"find_node","requestId":"q9","target":")" + target.to_hex() + R"("})";
}

/// What came back: the envelope, the answer in it, and the frame in that.
struct Back {
  legacy::OverlayRoutedMessage envelope;
  legacy::RoutedDhtResponse response;
  legacy::Frame frame;
};

Back opened(const node::CarryText& text) {
  const auto outer = legacy::decode(text.text);
  REQUIRE(outer);
  Back back{std::get<legacy::OverlayRoutedMessage>(*outer), {}, legacy::Ping{}};
  const auto middle = legacy::decode(back.envelope.payload.json);
  REQUIRE(middle);
  back.response = std::get<legacy::RoutedDhtResponse>(*middle);
  auto inner = legacy::decode(back.response.payload.json);
  REQUIRE(inner);
  back.frame = std::move(*inner);
  return back;
}

void carry(CarryingWorld& world, const NodeId& at, const NodeId& from,
           const legacy::OverlayRoutedMessage& message) {
  world[at].carrier.on_overlay(world.now, kLink, from, message);
  world.settle(at);
}

}  // namespace

TEST_CASE("An old peer's question for ourselves is answered in the wrapped form, to its source") {
  CarryingWorld world(1);
  const NodeId self = world.add();
  const wire::Contact known = CarryingWorld::contact(world.random_id());
  world.link_one(self, known);
  const NodeId source = world.random_id();
  const NodeId hop = world.random_id();
  carry(world, self, hop, envelope(source, self, find_node_of(source)));
  REQUIRE(world[self].texts.size() == 1);
  CHECK(world[self].texts[0].connection == kLink);
  const Back back = opened(world[self].texts[0]);
  CHECK(back.envelope.source == self);
  CHECK(back.envelope.destination == source);
  CHECK(back.envelope.ttl == 3);
  CHECK(back.response.request_id == "q9");
  CHECK(back.response.source == self);
  CHECK(back.response.destination == source);
  const auto& nodes = std::get<legacy::FindNodeResponse>(back.frame);
  CHECK(nodes.request_id == "q9");
  REQUIRE(nodes.nodes.size() == 1);
  CHECK(nodes.nodes[0].id == known.id);

  carry(world, self, hop, envelope(source, self, R"({"type":"ping","requestId":"q10"})"));
  REQUIRE(world[self].texts.size() == 2);
  const Back pong = opened(world[self].texts[1]);
  CHECK(std::get<legacy::Pong>(pong.frame).request_id == "q10");
}

TEST_CASE("Between two old peers we do what a JavaScript hop does not: the question arrives") {
  CarryingWorld world(2);
  const NodeId self = world.add();
  const wire::Contact destination =
      CarryingWorld::contact(world.random_id(), wire::Dialect::legacy);
  world.link_one(self, destination);
  const NodeId source = world.random_id();
  carry(world, self, source, envelope(source, destination.id, find_node_of(source)));
  REQUIRE(world[self].orders.size() == 1);
  CHECK(world[self].orders[0].to == destination.id);
  const auto* asked = std::get_if<wire::FindNodeRequest>(&world[self].orders[0].message);
  REQUIRE(asked != nullptr);
  CHECK(asked->target == source);
  const wire::Contact named = CarryingWorld::contact(world.random_id(), wire::Dialect::legacy);
  world.answer(self, world[self].orders[0].number, wire::FindNodeResponse{{named}});
  REQUIRE(world[self].texts.size() == 1);
  const Back back = opened(world[self].texts[0]);
  CHECK(back.envelope.source == destination.id);
  CHECK(back.envelope.destination == source);
  CHECK(std::get<legacy::FindNodeResponse>(back.frame).nodes.at(0).id == named.id);
}

TEST_CASE("An old peer's question goes on over our own links, and comes back in its dialect") {
  CarryingWorld world(3);
  const NodeId destination = world.add();
  const NodeId middle = world.add(destination.with_bit_flipped(5));
  const NodeId self = world.add(destination.with_bit_flipped(0));
  world.link(self, middle);
  world.link(middle, destination);
  const NodeId source = world.random_id();
  carry(world, self, source, envelope(source, destination, find_node_of(source)));
  REQUIRE(world[self].texts.size() == 1);
  const Back back = opened(world[self].texts[0]);
  CHECK(back.response.source == destination);
  CHECK(std::get<legacy::FindNodeResponse>(back.frame).nodes.at(0).id == middle);
  CHECK(world[destination].carrier.stats().served == 1);
  CHECK(world.passed.size() == 2);
}

TEST_CASE("A dead end, an end of hops and a failure are told as an answer with nobody in it") {
  CarryingWorld world(4);
  const NodeId self = world.add();
  const NodeId source = world.random_id();
  const wire::Contact linked = CarryingWorld::contact(world.random_id(), wire::Dialect::legacy);
  world.link_one(self, linked);
  carry(world, self, source, envelope(source, world.random_id(), find_node_of(source)));
  carry(world, self, source, envelope(source, linked.id, find_node_of(source), 0));
  carry(world, self, source, envelope(source, linked.id, find_node_of(source), -5));
  carry(world, self, source, envelope(source, linked.id, find_node_of(source)));
  world.fail(self, world[self].orders.at(0).number, ErrorCode::timeout);
  REQUIRE(world[self].texts.size() == 4);
  for (const node::CarryText& text : world[self].texts) {
    CHECK(std::get<legacy::FindNodeResponse>(opened(text).frame).nodes.empty());
  }
  CHECK(world[self].carrier.stats().under_way == 0);
}

TEST_CASE("What is no carried question is dropped, as are claims that contradict each other") {
  CarryingWorld world(5);
  const NodeId self = world.add();
  const NodeId source = world.random_id();
  const auto dropped = [&](const legacy::OverlayRoutedMessage& message) {
    carry(world, self, source, message);
    return world[self].texts.empty() && world[self].orders.empty();
  };
  legacy::OverlayRoutedMessage other = envelope(source, self, find_node_of(source));
  other.source = world.random_id();
  CHECK(dropped(other));
  CHECK(dropped(envelope(source, self, R"({"type":"store","requestId":"q","key":"k","value":1})")));
  CHECK(dropped(envelope(source, self, R"("text")")));
  other = envelope(source, self, find_node_of(source));
  other.payload = {R"({"type":"ping","requestId":"q"})"};
  CHECK(dropped(other));
  CHECK(world[self].carrier.stats().refused == 4);
}

TEST_CASE("An old peer that floods us with envelopes is served five a second") {
  CarryingWorld world(6);
  const NodeId self = world.add();
  const NodeId source = world.random_id();
  for (int count = 0; count < 100; ++count) {
    carry(world, self, source, envelope(source, self, find_node_of(source)));
  }
  CHECK(world[self].texts.size() == 10);
}

/// In the recordings every routed request was lost at a hop that was not its destination, or timed
/// out. Replayed with one of ours as that hop, linked to the destination, each arrives and comes
/// back.
TEST_CASE("Recorded routed requests of the old system reach their destination through us") {
  std::size_t replayed = 0;
  for (const char* name : {"overlay-routed", "overlay-routed-answered", "peer-misc-probe"}) {
    for (const test::Recorded& recorded : test::read_transcript(name)) {
      if (!recorded.is_json) continue;
      const auto frame = legacy::decode(recorded.text);
      if (!frame || !std::holds_alternative<legacy::OverlayRoutedMessage>(*frame)) continue;
      const auto& message = std::get<legacy::OverlayRoutedMessage>(*frame);
      CAPTURE(recorded.place());
      ++replayed;
      CarryingWorld world(replayed);
      const NodeId self = world.add();
      const wire::Contact destination =
          CarryingWorld::contact(message.destination, wire::Dialect::legacy);
      world.link_one(self, CarryingWorld::contact(message.source, wire::Dialect::legacy));
      world.link_one(self, destination);
      carry(world, self, message.source, message);
      REQUIRE(world[self].orders.size() == 1);
      CHECK(world[self].orders[0].to == message.destination);
      const wire::Message& asked = world[self].orders[0].message;
      if (std::holds_alternative<wire::Ping>(asked)) {
        world.answer(self, world[self].orders[0].number, wire::Pong{});
      } else {
        REQUIRE(std::holds_alternative<wire::FindNodeRequest>(asked));
        const wire::Contact named = CarryingWorld::contact(world.random_id());
        world.answer(self, world[self].orders[0].number, wire::FindNodeResponse{{named}});
      }
      REQUIRE(world[self].texts.size() == 1);
      const Back back = opened(world[self].texts[0]);
      CHECK(back.envelope.destination == message.source);
      CHECK(back.response.source == message.destination);
    }
  }
  CHECK(replayed >= 14);
}
