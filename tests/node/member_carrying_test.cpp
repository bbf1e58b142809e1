// A member and requests that travel through it, or to it, by way of others: the whole of it, with
// real channels.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "node/node_and_peers.hpp"
#include "trestle/node/member/wrapped_record.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::NodeAndPeers;
using test::NodeKind;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

/// The node and some peers that are linked to it.
struct World : NodeAndPeers {
  std::vector<link::ConnectionId> links;

  World(std::size_t peer_count, std::uint64_t seed) : NodeAndPeers(NodeKind::dht, seed) {
    for (std::size_t index = 0; index < peer_count; ++index) {
      add_peer(wire::Role::node);
      links.push_back(connect(index));
    }
    answer_all();
  }
  NodeId self() { return node->status(now).id; }

  /// Every open find_node of the node gets an empty answer, until there are none.
  void answer_all() {
    while (std::any_of(peers.begin(), peers.end(), [](const auto& peer) {
      return !peer->template all<Channel::Requested>().empty();
    })) {
      for (std::size_t index = 0; index < peers.size(); ++index) {
        for (const auto& requested : take_requests(index)) {
          peers[index]->channels->respond(now, links[index], requested.id,
                                          wire::FindNodeResponse{});
        }
      }
      settle();
    }
  }
  std::vector<Channel::Requested> take_requests(std::size_t index) {
    auto requests = peers[index]->all<Channel::Requested>();
    peers[index]->news.clear();
    return requests;
  }
  /// Sends a request to the node; what came of it.
  void ask(std::size_t index, const wire::Message& request) {
    REQUIRE(peers[index]->channels->request(now, links[index], request, now + 3s, 1));
    settle();
  }
  std::optional<wire::Message> answer_at(std::size_t index) {
    const auto answers = peers[index]->all<Channel::Answered>();
    if (answers.empty()) return std::nullopt;
    return answers.back().message;
  }
};

wire::RouteRequest route(const NodeId& destination, const NodeId& origin) {
  return {destination, origin, 19,
          *node::wrapped({wire::RequestId{5}, wire::FindNodeRequest{destination}})};
}

}  // namespace

TEST_CASE("A member answers what is carried to it, and carries between two of its peers") {
  World world(2, 11);
  const NodeId first = world.peers[0]->id();
  const NodeId second = world.peers[1]->id();

  world.ask(0, route(world.self(), first));
  auto answer = world.answer_at(0);
  REQUIRE(answer);
  auto inside = node::unwrapped(std::get<wire::RouteResponse>(*answer).answer);
  REQUIRE(inside);
  CHECK(inside->request_id.value == 5);
  CHECK(std::get<wire::FindNodeResponse>(inside->message).contacts.at(0).id == second);

  world.take_requests(0);
  world.take_requests(1);
  world.ask(0, route(second, first));
  CHECK_FALSE(world.answer_at(0));
  const auto requests = world.take_requests(1);
  REQUIRE(requests.size() == 1);
  const auto& carried = std::get<wire::RouteRequest>(requests[0].message);
  CHECK(carried.origin == first);
  CHECK(carried.hops_left == 18);
  const wire::RouteResponse response{
      *node::wrapped({wire::RequestId{5}, wire::FindNodeResponse{}})};
  world.peers[1]->channels->respond(world.now, world.links[1], requests[0].id, response);
  world.settle();
  answer = world.answer_at(0);
  REQUIRE(answer);
  CHECK(std::get<wire::RouteResponse>(*answer) == response);
  CHECK(world.node.counter(world.now, "carrier.requests_total") == 2);
  CHECK(world.node.counter(world.now, "carrier.served_total") == 1);
  CHECK(world.node.counter(world.now, "carrier.handed_on_total") == 1);
  CHECK(world.node.counter(world.now, "carrier.under_way") == 0);
}

TEST_CASE("A peer that never answers what is carried to it is told of as a timeout") {
  World world(2, 12);
  world.take_requests(1);
  world.ask(0, route(world.peers[1]->id(), world.peers[0]->id()));
  REQUIRE(world.take_requests(1).size() == 1);
  world.pass(2600ms);
  const auto answer = world.answer_at(0);
  REQUIRE(answer);
  CHECK(std::get<wire::Failure>(*answer).code == ErrorCode::timeout);
}

TEST_CASE("LOOK-07: a member asks a peer that it cannot dial through the one that named it") {
  World world(1, 13);
  const NodeId hop = world.peers[0]->id();
  // Nearer to the hop than to us, so that the way through it is a way ahead.
  const NodeId hidden = hop.with_bit_flipped(100);
  wire::Contact contact;
  contact.id = hidden;
  const auto operation = world.node->find_as(world.now, hidden, {.steps = dht::StepReport::told});
  REQUIRE(operation);
  world.settle();
  auto requests = world.take_requests(0);
  REQUIRE(requests.size() == 1);
  world.peers[0]->channels->respond(world.now, world.links[0], requests[0].id,
                                    wire::FindNodeResponse{{contact}});
  world.settle();
  requests = world.take_requests(0);
  REQUIRE(requests.size() == 1);
  const auto& carried = std::get<wire::RouteRequest>(requests[0].message);
  CHECK(carried.destination == hidden);
  CHECK(carried.origin == world.self());
  const auto question = node::unwrapped(carried.request);
  REQUIRE(question);
  CHECK(std::get<wire::FindNodeRequest>(question->message).target == hidden);

  const auto ended_after = [&](const wire::Message& answer) {
    world.peers[0]->channels->respond(world.now, world.links[0], requests[0].id, answer);
    std::optional<node::OperationEnded> ended;
    // The end is taken here and not by `settle`, which forgets it.
    while (auto effect = world.peers[0]->channels->poll_effect()) {
      const auto* order = std::get_if<link::TransportOrder>(&*effect);
      if (order == nullptr) continue;
      const auto* frame = std::get_if<link::SendFrame>(order);
      if (frame == nullptr) continue;
      world.node->on_frame(world.now, world.wires.at(0).at_node, frame->kind, frame->bytes);
    }
    for (const node::Effect& effect : world.node.drain(world.now)) {
      if (const auto* end = std::get_if<node::OperationEnded>(&effect)) ended = *end;
    }
    return ended;
  };

  SECTION("its answer counts, and the trace says through whom it came") {
    const auto ended = ended_after(
        wire::RouteResponse{*node::wrapped({question->request_id, wire::FindNodeResponse{}})});
    REQUIRE(ended);
    CHECK(ended->code == ErrorCode::none);
    REQUIRE(ended->contacts.size() == 2);
    CHECK(ended->contacts[0].id == hidden);
    REQUIRE(ended->steps.size() == 2);
    CHECK(ended->steps[1].peer == hidden);
    CHECK(ended->steps[1].through == hop);
    CHECK(ended->steps[1].named_by == hop);
  }
  SECTION("an answer to another question does not") {
    const wire::RequestId other{question->request_id.value + 1};
    const auto ended =
        ended_after(wire::RouteResponse{*node::wrapped({other, wire::FindNodeResponse{}})});
    REQUIRE(ended);
    CHECK(ended->contacts.size() == 1);
    CHECK(ended->steps.at(1).code == ErrorCode::protocol_error);
  }
  SECTION("nor does a dead end") {
    const auto ended = ended_after(wire::Failure{ErrorCode::unreachable, 0, ""});
    REQUIRE(ended);
    CHECK(ended->contacts.size() == 1);
    CHECK(ended->steps.at(1).code == ErrorCode::unreachable);
  }
}

TEST_CASE("A recursive search is handed on over real links and answered") {
  World world(1, 14);
  const NodeId hop = world.peers[0]->id();
  const std::size_t asker = world.add_peer(wire::Role::node);
  world.links.push_back(world.connect(asker));
  world.answer_all();
  const wire::RecursiveFindRequest search{
      .target = hop, .originator = world.peers[asker]->id(), .hop_count = 0};
  world.take_requests(0);
  world.ask(asker, search);
  const auto requests = world.take_requests(0);
  REQUIRE(requests.size() == 1);
  CHECK(std::get<wire::RecursiveFindRequest>(requests[0].message).hop_count == 1);
  const wire::RecursiveFindResponse response{{}, 1};
  world.peers[0]->channels->respond(world.now, world.links[0], requests[0].id, response);
  world.settle();
  const auto answer = world.answer_at(asker);
  REQUIRE(answer);
  CHECK(std::get<wire::RecursiveFindResponse>(*answer) == response);
}

namespace {

/// Frames of the old dialect that the node sent on this connection.
template <typename Frame>
std::vector<Frame> sent(test::DrivenNode& node, Instant now, link::ConnectionId connection) {
  std::vector<Frame> frames;
  for (const node::Effect& effect : node.drain(now)) {
    const auto* one = std::get_if<link::SendFrame>(&effect);
    if (one == nullptr || one->connection != connection) continue;
    const auto frame = legacy::decode(as_text(one->bytes));
    if (frame && std::holds_alternative<Frame>(*frame)) frames.push_back(std::get<Frame>(*frame));
  }
  return frames;
}

}  // namespace

TEST_CASE("Between two peers of the old dialect a routed request arrives and its answer returns") {
  test::DrivenNode node(NodeKind::dht, 15);
  const Instant now = test::kNodeStart;
  const NodeId source{1, 1, 1};
  const NodeId destination{2, 2, 2};
  const auto hear = [&](link::ConnectionId connection, const std::string& text) {
    node->on_frame(now, connection, link::FrameKind::text, as_bytes(text));
  };
  const link::ConnectionId at_source = node.accept(now, "127.0.0.1");
  hear(at_source, legacy::encode(legacy::DhtPeerHello{source, {}}));
  node.drain(now);
  const link::ConnectionId at_destination = node.accept(now, "127.0.0.1");
  hear(at_destination, legacy::encode(legacy::DhtPeerHello{destination, {}}));
  node.drain(now);

  const NodeId target{7, 7, 7};
  legacy::FindNode question;
  question.request_id = "q9";
  question.target = target.to_hex();
  legacy::RoutedDhtRequest request;
  request.request_id = "q9";
  request.source = source;
  request.destination = destination;
  request.payload = {legacy::encode(question)};
  legacy::OverlayRoutedMessage envelope;
  envelope.message_id = "overlay_x_1";
  envelope.source = source;
  envelope.destination = destination;
  envelope.payload = {legacy::encode(request)};
  envelope.ttl = 3;
  hear(at_source, legacy::encode(envelope));
  const auto asked = sent<legacy::FindNode>(node, now, at_destination);
  REQUIRE_FALSE(asked.empty());
  CHECK(asked.back().target == target.to_hex());

  legacy::FindNodeResponse nodes;
  nodes.request_id = asked.back().request_id;
  nodes.nodes.push_back({NodeId{8, 8, 8}, {}, {}, {}, {}});
  hear(at_destination, legacy::encode(nodes));
  const auto back = sent<legacy::OverlayRoutedMessage>(node, now, at_source);
  REQUIRE(back.size() == 1);
  CHECK(back[0].source == destination);
  CHECK(back[0].destination == source);
  CHECK(back[0].payload.json.find(NodeId{8, 8, 8}.to_hex()) != std::string::npos);
}
