// What a node promises of the connections that reach it (P-HA-1, P-FN-1..6): every request finds
// its handler, and its answer leaves by the connection that brought it.

#include <map>

#include "catch.hpp"
#include "node/node_and_peers.hpp"
#include "trestle/wire/legacy/codec.hpp"

using namespace trestle;
using link::Channel;
using test::DrivenNode;
using test::End;
using test::NodeAndPeers;
using test::NodeKind;
namespace legacy = trestle::wire::legacy;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;
constexpr std::uint64_t kClusterCases = 100;
const wire::Message kFindNode = wire::FindNodeRequest{NodeId{5, 5, 5}};

void hear_text(DrivenNode& node, Instant now, link::ConnectionId connection,
               const legacy::Frame& frame) {
  const std::string text = std::visit([](const auto& one) { return legacy::encode(one); }, frame);
  node->on_frame(now, connection, link::FrameKind::text, as_bytes(text));
}

NodeId some_id(Rng& rng) {
  const std::uint64_t high = rng.next();
  return NodeId{high, rng.next(), 1};
}

/// A peer of the old dialect that introduces itself and asks `requests` times in the very step in
/// which it was accepted. Returns how many of them were answered.
std::size_t ask_while_accepted(DrivenNode& node, Instant now, const NodeId& id,
                               std::size_t requests) {
  const link::ConnectionId connection = node.accept(now, "127.0.0.1");
  hear_text(node, now, connection, legacy::DhtPeerHello{id, {}});
  for (std::size_t request = 0; request < requests; ++request) {
    legacy::FindNode ask;
    ask.request_id = "ask_" + std::to_string(request);
    ask.target = NodeId{5, 5, 5}.to_hex();
    hear_text(node, now, connection, ask);
  }
  std::size_t answered = 0;
  for (const node::Effect& effect : node.drain(now)) {
    const auto* sent = std::get_if<link::SendFrame>(&effect);
    if (sent == nullptr || sent->connection != connection) continue;
    const auto frame = legacy::decode(as_text(sent->bytes));
    REQUIRE(frame.has_value());
    if (const auto* response = std::get_if<legacy::FindNodeResponse>(&*frame)) {
      REQUIRE(response->request_id == "ask_" + std::to_string(answered));
      ++answered;
    }
  }
  return answered;
}

/// Requests of some peers, each on a connection of its own choice, and how they ended.
struct Story {
  struct Asked {
    link::ConnectionId connection;
    std::size_t peer;
    std::size_t answers = 0;
    std::size_t failures = 0;
  };

  Story(NodeKind kind, std::uint64_t seed) : rng(Rng(seed).fork("story")), world(kind, seed) {}

  Rng rng;
  NodeAndPeers world;
  std::map<Channel::Token, Asked> asked;

  /// One more request, if that connection is open. True if it was sent.
  bool ask(std::size_t peer, link::ConnectionId connection) {
    const Channel::Token token = asked.size() + 1;
    const auto id = world.peers[peer]->channels->request(world.now, connection, kFindNode,
                                                         world.now + 3s, token);
    if (id) asked[token] = {connection, peer};
    return id.has_value();
  }

  void settle() {
    world.settle();
    for (const auto& peer : world.peers) {
      for (const auto& item : peer->news) {
        if (const auto* answered = std::get_if<Channel::Answered>(&item.news)) {
          // Beyond what one peer is served the answer is a wait, and an answer all the same.
          const auto* failure = std::get_if<wire::Failure>(&answered->message);
          const bool must_wait = failure != nullptr && failure->code == ErrorCode::rate_limited;
          REQUIRE((must_wait || std::holds_alternative<wire::FindNodeResponse>(answered->message)));
          Asked& request = asked.at(answered->token);
          REQUIRE(request.connection == item.connection);
          ++request.answers;
        } else if (const auto* failed = std::get_if<Channel::RequestFailed>(&item.news)) {
          REQUIRE(asked.at(failed->token).connection == item.connection);
          ++asked.at(failed->token).failures;
        }
      }
      peer->news.clear();
    }
  }

  /// Every request so far ended once, and no answer came that belonged to nobody.
  void check_ends() {
    for (const auto& [token, request] : asked) REQUIRE(request.answers + request.failures == 1);
    for (const auto& wire : world.wires) {
      const Channel* channel = world.peers[wire.peer]->channels->find(wire.at_peer);
      REQUIRE(channel != nullptr);
      REQUIRE(channel->request_stats().unmatched_answers == 0);
    }
  }

  std::size_t count_wires(std::size_t peer) const {
    return static_cast<std::size_t>(
        std::ranges::count(world.wires, peer, &NodeAndPeers::Wire::peer));
  }
};

}  // namespace

TEST_CASE("P-HA-1, P-FN-3: a connection has its handler before its first bytes, cached or not") {
  std::size_t only_cached = 0;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(NodeKind::crowded, seed);
    DrivenNode& node = story.world.node;
    const std::size_t crowd = 1 + story.rng.below(5);
    for (std::size_t count = 0; count < crowd; ++count) {
      const std::size_t requests = story.rng.below(4);
      const NodeId id = some_id(story.rng);
      REQUIRE(ask_while_accepted(node, story.world.now, id, requests) == requests);
    }
    // A native peer comes last; its request leaves in the step in which the link opens for it.
    const std::size_t peer = story.world.add_peer(wire::Role::node);
    REQUIRE(story.ask(peer, story.world.connect(peer)));
    story.settle();
    REQUIRE(story.asked.at(1).answers == 1);
    const std::uint64_t links = node.counter(story.world.now, "mesh.links");
    REQUIRE(links == crowd + 1);
    if (node.counter(story.world.now, "dht.table") < links) ++only_cached;
  }
  CHECK(only_cached > kCases / 2);
}

TEST_CASE("P-FN-1: every answer leaves within 3 s, with every peer at its limit of requests") {
  for (std::uint64_t seed = 1; seed <= kClusterCases; ++seed) {
    CAPTURE(seed);
    Story story(NodeKind::dht, seed);
    NodeAndPeers& world = story.world;
    world.node->start(world.now);
    std::vector<link::ConnectionId> connections;
    for (std::size_t peer = 0; peer < 12; ++peer) {
      world.add_peer(peer % 4 == 0 ? wire::Role::observer : wire::Role::node);
      connections.push_back(world.connect(peer));
    }
    REQUIRE(world.node->get(world.now, "a lookup of its own").has_value());
    const std::size_t limit = link::ChannelOptions{}.served_max;
    for (std::size_t round = 0; round < 3; ++round) {
      const Instant asked_at = world.now;
      for (std::size_t peer = 0; peer < connections.size(); ++peer) {
        for (std::size_t count = 0; count < limit; ++count) {
          REQUIRE(story.ask(peer, connections[peer]));
        }
      }
      story.settle();
      REQUIRE(world.now <= asked_at + 3s);
      for (const auto& [token, request] : story.asked) REQUIRE(request.answers == 1);
      story.asked.clear();
      world.pass(story.rng.between(1ms, 2s));
      story.asked.clear();
    }
  }
}

TEST_CASE("P-FN-2: every connection has a channel of its own, also those of one peer") {
  Story story(NodeKind::dht, 1);
  NodeAndPeers& world = story.world;
  // Observers are no members: nobody closes their second connection.
  for (std::size_t peer = 0; peer < 3; ++peer) {
    world.add_peer(wire::Role::observer);
    for (std::size_t count = 0; count < 3; ++count) world.connect(peer);
  }
  REQUIRE(world.wires.size() == 9);
  CHECK(world.node.counter(world.now, "link.connections") == 9);
  // Each counts its own requests: an id that is used on all of them at once is no repetition.
  for (const auto& wire : world.wires) REQUIRE(story.ask(wire.peer, wire.at_peer));
  story.settle();
  for (const auto& [token, request] : story.asked) CHECK(request.answers == 1);
}

TEST_CASE("P-FN-4, P-FN-5: an answer leaves by the connection that brought the request") {
  std::size_t in_parallel = 0;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(NodeKind::dht, seed);
    NodeAndPeers& world = story.world;
    for (std::size_t peer = 0; peer < 2; ++peer) {
      // A member's second connection is settled by the mesh; an observer keeps all three.
      world.add_peer(story.rng.chance(1, 2) ? wire::Role::observer : wire::Role::node);
    }
    for (int step = 0; step < 12; ++step) {
      const std::size_t peer = story.rng.below(world.peers.size());
      const std::uint64_t kind = story.rng.below(8);
      if (kind < 3) {
        if (story.count_wires(peer) < 3) world.connect(peer);
      } else if (kind < 6) {
        // On all connections of this peer in one step: their ids are the same numbers.
        if (story.count_wires(peer) > 1) ++in_parallel;
        for (const auto& wire : std::vector(world.wires)) {
          if (wire.peer == peer) story.ask(wire.peer, wire.at_peer);
        }
      } else if (kind == 6 && !world.wires.empty()) {
        world.lose(world.wires[story.rng.below(world.wires.size())]);
      } else {
        world.pass(story.rng.between(1ms, 3s));
      }
      story.settle();
      story.check_ends();
    }
  }
  CHECK(in_parallel > kCases / 2);
}

TEST_CASE("P-FN-6: nothing in a node points to a connection that is closed") {
  // DrivenNode itself refuses every frame and close for a connection that is not open.
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    const NodeKind kind = static_cast<NodeKind>(seed % 3);
    Story story(kind, seed);
    NodeAndPeers& world = story.world;
    world.node->start(world.now);
    world.add_peer(wire::Role::node);
    world.add_peer(wire::Role::bridge);
    world.add_peer(wire::Role::bootstrap, "secret");
    for (int step = 0; step < 12; ++step) {
      switch (story.rng.below(5)) {
        case 0:
        case 1:
          world.connect(story.rng.below(world.peers.size()));
          break;
        case 2:
          if (!world.wires.empty()) world.lose(world.wires[story.rng.below(world.wires.size())]);
          break;
        case 3:
          if (!world.wires.empty()) {
            const auto wire = world.wires[story.rng.below(world.wires.size())];
            world.peers[wire.peer]->channels->close(world.now, wire.at_peer, ErrorCode::idle, {});
          }
          break;
        default:
          world.pass(story.rng.between(1ms, 20s));
      }
      story.settle();
      const std::size_t held = world.node.open.size();
      REQUIRE(world.wires.size() == held);
      REQUIRE(world.node.dialling.empty());
      REQUIRE(world.node.counter(world.now, "link.connections") == held);
      const node::Status status = world.node->status(world.now);
      for (const node::PeerStatus& listed : status.peers) {
        REQUIRE(std::ranges::any_of(world.wires, [&](const auto& wire) {
          return world.peers[wire.peer]->id() == listed.id;
        }));
      }
    }
  }
}
