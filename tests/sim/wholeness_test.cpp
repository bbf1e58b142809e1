#include "trestle/sim/wholeness.hpp"

#include "catch.hpp"
#include "fake_node.hpp"

namespace trestle::sim::test {
namespace {

/// A fake with links and an answer to every lookup, as the test has it.
class Linked : public FakeNode {
 public:
  using FakeNode::FakeNode;
  node::Status status(Instant) const override {
    node::Status status;
    for (const NodeId& id : peers) {
      node::PeerStatus peer;
      peer.id = id;
      status.peers.push_back(peer);
    }
    return status;
  }
  Result<node::OperationId, ErrorCode> find(Instant, const NodeId&) override {
    node::OperationEnded end;
    end.operation = {++last_operation};
    for (const NodeId& id : names) {
      end.contacts.push_back({id, wire::Role::node, wire::Dialect::native, {}, {}});
    }
    outbox.push(end);
    return node::OperationId{last_operation};
  }
  std::vector<NodeId> peers;
  std::vector<NodeId> names;
};

struct Network {
  explicit Network(NodeIndex count) : world(Bench::plain(1)), linked(count) {
    for (NodeIndex node = 0; node < count; ++node) {
      world.add_node(
          {.role = wire::Role::node, .url = {}, .factory = [this, node](const NodeSeat& seat) {
             auto made = std::make_unique<Linked>(seat.rng);
             linked[node] = made.get();
             return made;
           }});
      world.start(node);
      nodes.push_back(node);
    }
  }
  NodeId id(NodeIndex node) const { return world.identity(node).id; }
  void link(NodeIndex one, NodeIndex other) {
    linked[one]->peers.push_back(id(other));
    linked[other]->peers.push_back(id(one));
  }
  World world;
  std::vector<Linked*> linked;
  std::vector<NodeIndex> nodes;
};

TEST_CASE("parts: nodes without links, chains, and what joins them") {
  Network network(6);
  CHECK(parts_of(network.world, network.nodes) == 6);
  network.link(0, 1);
  network.link(1, 2);
  network.link(3, 4);
  CHECK(parts_of(network.world, network.nodes) == 3);
  CHECK(links_of(network.world, network.nodes).least == 0);
  CHECK(links_of(network.world, network.nodes).most == 2);
  network.link(2, 3);
  network.link(4, 5);
  CHECK(parts_of(network.world, network.nodes) == 1);
  CHECK(parts_of(network.world, {0, 1, 2, 4}) == 2);  // the way through 3 does not count
  network.world.kill(2);
  CHECK(parts_of(network.world, {0, 1, 3, 4, 5}) == 2);
}

TEST_CASE("agreement: all of the nearest named is everything, half of them is half") {
  Network network(9);
  for (Linked* one : network.linked) {
    for (NodeIndex node = 0; node < 9; ++node) one->names.push_back(network.id(node));
  }
  CHECK(measure_agreement(network.world, network.nodes, 30, 20, Rng(1)).per_mille() == 1000);
  CHECK(measure_agreement(network.world, network.nodes, 30, 4, Rng(1)).per_mille() == 1000);
  for (Linked* one : network.linked) {
    one->names.clear();
    for (NodeIndex node = 0; node < 9; ++node) {
      const bool is_odd = node % 2 == 1;
      if (is_odd) one->names.push_back(network.id(node));
    }
  }
  const Agreement half = measure_agreement(network.world, network.nodes, 200, 20, Rng(1));
  CHECK(half.lookups == 200);
  CHECK(half.failed == 0);
  CHECK(half.wanted == 1600);
  CHECK(half.per_mille() > 430);
  CHECK(half.per_mille() < 500);
}

}  // namespace
}  // namespace trestle::sim::test
