// A member and its links as its owner sees them: who is there, who is gone, and whether it can do
// its job.

#include "catch.hpp"
#include "node/node_and_peers.hpp"

using namespace trestle;
using test::DrivenNode;
using test::NodeAndPeers;
using test::NodeKind;
using namespace std::chrono_literals;

namespace {

bool lists(const NodeAndPeers& world, const NodeId& id) {
  const node::Status status = world.node.look(world.now);
  return std::ranges::any_of(status.peers,
                             [&](const node::PeerStatus& peer) { return peer.id == id; });
}

/// Peers that know nobody else: they answer every find_node with an empty list.
void answer_all(NodeAndPeers& world, bool answers) {
  bool moved = true;
  while (moved) {
    moved = false;
    world.settle();
    for (const auto& peer : world.peers) {
      for (auto& item : std::exchange(peer->news, {})) {
        const auto* asked = std::get_if<link::Channel::Requested>(&item.news);
        if (asked == nullptr || !answers) continue;
        peer->channels->respond(world.now, item.connection, asked->id, wire::FindNodeResponse{});
        moved = true;
      }
    }
  }
}

}  // namespace

TEST_CASE("P-CR-10: who is linked stands in the routing table in the same step") {
  NodeAndPeers world(NodeKind::dht, 1);
  for (std::size_t count = 1; count <= 20; ++count) {
    const std::size_t peer = world.add_peer(wire::Role::node);
    world.connect(peer);  // no time passes
    CHECK(lists(world, world.peers[peer]->id()));
    CHECK(world.node.counter(world.now, "dht.table") == count);
  }
}

TEST_CASE("P-CR-11: a peer is off the list within five seconds of any kind of end") {
  NodeAndPeers world(NodeKind::dht, 2);
  for (int count = 0; count < 4; ++count) world.connect(world.add_peer(wire::Role::node));
  world.pass(20s);
  const auto wires = world.wires;
  SECTION("a reset") {
    world.lose(wires[0]);
    CHECK_FALSE(lists(world, world.peers[0]->id()));
  }
  SECTION("a goodbye") {
    world.peers[1]->channels->close(world.now, wires[1].at_peer, ErrorCode::shutting_down, "bye");
    world.settle();
    CHECK_FALSE(lists(world, world.peers[1]->id()));
  }
  SECTION("a half-open link, five seconds after the third ping in a row was not answered") {
    std::erase_if(world.wires, [](const NodeAndPeers::Wire& wire) { return wire.peer == 2; });
    Instant last_ping{};
    const Instant cut = world.now;
    while (lists(world, world.peers[2]->id())) {
      REQUIRE(world.now < cut + 80s);
      world.pass(1s);
      last_ping = world.now;
    }
    CHECK(last_ping - cut <= 70s + 5s);  // silent for 40 s on the side that did not dial, then 30 s
  }
  CHECK(world.node->status(world.now).peers.size() == 3);
}

TEST_CASE("P-CR-23: of more peers than it may have links to a member keeps its neighbourhood") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    NodeAndPeers world(NodeKind::mobile, seed);
    const NodeId self = world.node->status(world.now).id;
    std::vector<NodeId> comers;
    for (int count = 0; count < 60; ++count) {
      const std::size_t peer = world.add_peer(wire::Role::node);
      world.connect(peer);
      comers.push_back(world.peers[peer]->id());
      REQUIRE(world.node->status(world.now).peers.size() <= 20);
      world.pass(100ms);
    }
    std::ranges::sort(
        comers, [&](const NodeId& left, const NodeId& right) { return closer(self, left, right); });
    for (std::size_t place = 0; place < 10; ++place) {  // half of the links are for the nearest
      CAPTURE(place);
      CHECK(lists(world, comers[place]));
    }
    CHECK(world.node->status(world.now).peers.size() == 20);
    CHECK(world.node.counter(world.now, "mesh.links_given_up_total") > 0);
    CHECK(world.node.counter(world.now, "mesh.links_refused_total") > 0);
  }
}

TEST_CASE("X48: a member is ready when two peers answered its look-up, and says why it is not") {
  NodeAndPeers world(NodeKind::dht, 3);
  const auto look = [&] { return world.node->status(world.now); };
  world.node->start(world.now);
  world.settle();
  CHECK_FALSE(look().healthy);
  CHECK(look().readiness == "no peer is linked");

  // The first node of a network, linked to one other: as much as can be.
  world.connect(world.add_peer(wire::Role::bridge));
  answer_all(world, true);
  CHECK(look().healthy);
  CHECK(look().readiness.starts_with("ready; one other peer"));

  // A second one: what the look-up before said does not count any more.
  world.connect(world.add_peer(wire::Role::node));
  CHECK_FALSE(look().healthy);
  for (int second = 0; second < 3; ++second) {
    answer_all(world, true);
    world.pass(1s);
  }
  answer_all(world, true);
  CHECK(look().healthy);
  CHECK(look().readiness == "ready");

  SECTION("cut off together with somebody who does not answer, it stops saying so in time") {
    world.connect(world.add_peer(wire::Role::node));
    const Instant deaf = world.now;
    while (look().healthy) {
      REQUIRE(world.now < deaf + 16min);
      answer_all(world, false);
      world.pass(10s);
    }
    CHECK(look().readiness.find("not answered by two peers") != std::string_view::npos);
  }
  SECTION("C19: with its disk lost it is not, though nothing was ordered of it") {
    world.node->on_persisted(world.now, dht::StorageTicket{}, ErrorCode::storage_failed);
    CHECK_FALSE(look().healthy);
    CHECK(look().readiness == "its disk failed: nothing new is kept");
  }
  SECTION("alone again it is not ready from that moment on") {
    while (!world.wires.empty()) world.lose(world.wires.front());
    CHECK_FALSE(look().healthy);
    CHECK(look().readiness == "no peer is linked");
  }
  SECTION("nor is it while it goes away") {
    world.node->begin_shutdown(world.now);
    CHECK_FALSE(look().healthy);
    CHECK(look().readiness == "going away");
  }
}

TEST_CASE("P-ML-6: every message reaches the part that answers it") {
  NodeAndPeers world(NodeKind::dht, 4);
  const std::size_t peer = world.add_peer(wire::Role::node);
  const link::ConnectionId connection = world.connect(peer);
  wire::Contact newcomer;
  newcomer.id = NodeId(1, 2, 3);
  newcomer.address = "ws://newcomer";
  struct Case {
    wire::Message request;
    std::string_view answer;
  };
  const std::vector<Case> cases = {
      {wire::FindNodeRequest{NodeId(5, 5, 5)}, "find_node_response"},
      {wire::FindValueRequest{"key"}, "find_value_response"},
      {wire::JoinRequest{}, "failure"},
      {wire::IntroduceRequest{.newcomer = newcomer, .contacts_max = 1, .budget_ms = 100},
       "failure"},
  };
  for (int round = 0; round < 50; ++round) {
    for (std::uint64_t index = 0; index < cases.size(); ++index) {
      world.peers[peer]->news.clear();
      const auto asked = world.peers[peer]->channels->request(
          world.now, connection, cases[index].request, world.now + 3s, index + 1);
      REQUIRE(asked.has_value());
      world.settle();
      const auto answers = world.peers[peer]->all<link::Channel::Answered>();
      REQUIRE(answers.size() == 1);
      CHECK(answers[0].token == index + 1);
      CHECK(wire::name(answers[0].message) == cases[index].answer);
    }
    world.pass(1s);
  }
  REQUIRE(world.peers[peer]->channels->notify(world.now, connection, wire::Announce{newcomer}));
  world.settle();
  CHECK(world.node.counter(world.now, "mesh.announcements_heard_total") == 1);
}

/// Seconds in which every question of the member is answered.
void live(NodeAndPeers& world, int seconds) {
  for (int second = 0; second < seconds; ++second) {
    answer_all(world, true);
    world.pass(1s);
  }
}

TEST_CASE("P-ML-7: of browsers that are gone no figure of a member keeps a trace") {
  NodeAndPeers world(NodeKind::dht, 6);
  world.node->start(world.now);
  for (int count = 0; count < 2; ++count) world.connect(world.add_peer(wire::Role::node));
  // Whatever is no running total and does not look back on how links held.
  const auto kept = [&] {
    std::vector<std::pair<std::string, std::uint64_t>> figures;
    for (const auto& [name, value] : world.node.look(world.now).counters) {
      const bool looks_back = name == "mesh.stable" || name == "mesh.uptime_per_mille" ||
                              name == "mesh.churn_per_minute_milli" ||
                              name == "mesh.between_failures_ms";
      if (!name.ends_with("_total") && !looks_back) figures.emplace_back(name, value);
    }
    return figures;
  };
  live(world, 120);
  const auto before = kept();
  REQUIRE(before.size() > 10);
  REQUIRE(world.node.counter(world.now, "mesh.links") == 2);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::size_t> browsers;
    for (int count = 0; count < 10; ++count) {
      browsers.push_back(world.add_peer(wire::Role::node));
      world.peers[browsers.back()]->local.address.clear();  // nobody can dial it
      world.connect(browsers.back());
    }
    live(world, 5);
    REQUIRE(world.node.counter(world.now, "mesh.links") == 12);
    CHECK(kept() != before);
    for (const NodeAndPeers::Wire& wire : std::vector(world.wires)) {
      const bool is_browser = std::ranges::find(browsers, wire.peer) != browsers.end();
      if (is_browser) world.lose(wire);
    }
  }
  const std::uint64_t dials = world.node.counter(world.now, "mesh.dials_total");
  live(world, 180);
  CHECK(kept() == before);
  CHECK(world.node.counter(world.now, "mesh.dials_total") == dials);
}

TEST_CASE("links that nobody uses are let go, but those that the routing needs and is aimed for") {
  // Round trips that are measured for their own sake are no use.
  NodeAndPeers world(GENERATE(NodeKind::mobile, NodeKind::measuring), 7);
  world.node->start(world.now);
  for (int count = 0; count < 20; ++count) world.connect(world.add_peer(wire::Role::node));
  live(world, 120);
  REQUIRE(world.node.counter(world.now, "mesh.links") == 20);
  CHECK(world.node.counter(world.now, "mesh.links_let_go_total") == 0);
  live(world, 15 * 60);
  CHECK(world.node.counter(world.now, "mesh.links_let_go_total") > 5);
  CHECK(world.node.counter(world.now, "mesh.links") >= 8);
}
