#include "trestle/sim/cluster.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace trestle::sim {
namespace {

/// What the bootstrap node and its bridges share.
constexpr std::string_view kBridgeSecret = "a secret of the simulation";

}  // namespace

Cluster::Cluster(World& world, const ClusterOptions& options) : world_(world), options_(options) {
  TRESTLE_ASSERT(world_.size() == 0);
  add_bootstrap();
  while (world_.size() < first_member()) add_bridge(static_cast<NodeIndex>(world_.size()));
  while (world_.size() < first_member() + options_.members) {
    add_member(static_cast<NodeIndex>(world_.size()));
  }
}

std::string Cluster::url_of(NodeIndex node) {
  return "ws://node" + std::to_string(node) + ".sim:9000/";
}

std::vector<NodeIndex> Cluster::peers() const {
  std::vector<NodeIndex> nodes;
  for (NodeIndex node = 1; node < world_.size(); ++node) nodes.push_back(node);
  return nodes;
}

void Cluster::start_all(Duration spacing) {
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    world_.schedule(after(world_.now(), spacing * node), [node](World& world) {
      if (!world.is_running(node)) world.start(node);
    });
  }
}

void Cluster::add_bootstrap() {
  node::BootstrapOptions made;
  made.common.address = url_of(kBootstrap);
  made.bridge_secret = to_bytes(as_bytes(kBridgeSecret));
  made.genesis = true;
  for (NodeIndex bridge = 1; bridge <= options_.bridges; ++bridge) {
    made.bridges.push_back({{url_of(bridge)}});
  }
  world_.add_node({.role = wire::Role::bootstrap,
                   .url = made.common.address,
                   .factory = [made](const NodeSeat& seat) {
                     return std::make_unique<node::BootstrapNode>(made, seat.identity, seat.suite,
                                                                  seat.rng);
                   }});
}

void Cluster::add_bridge(NodeIndex node) {
  node::BridgeOptions made;
  made.common.address = url_of(node);
  made.bridge_secret = to_bytes(as_bytes(kBridgeSecret));
  made.bootstrap_urls = {url_of(kBootstrap)};
  world_.add_node({.role = wire::Role::bridge,
                   .url = made.common.address,
                   .factory = [made](const NodeSeat& seat) {
                     return std::make_unique<node::BridgeNode>(made, seat.identity, seat.suite,
                                                               seat.rng);
                   }});
}

/// Options that cost memory are made when the node is: a hundred thousand seats are cheap.
void Cluster::add_member(NodeIndex node) {
  const bool is_honest = std::ranges::find(options_.turncoats, node) == options_.turncoats.end();
  const MisconductBoard* board = options_.board;
  TRESTLE_ASSERT(is_honest || board != nullptr);
  world_.add_node(
      {.role = wire::Role::node,
       .url = url_of(node),
       .factory = [node, board, is_honest](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
         node::NodeOptions made;
         made.common.address = seat.url;
         made.bootstrap_urls = {url_of(kBootstrap)};
         auto member = std::make_unique<node::DhtNode>(made, seat.identity, seat.suite, seat.rng);
         if (is_honest) return member;
         return std::make_unique<ByzantinePeer>(std::move(member), node, *board,
                                                seat.rng.fork("misconduct"));
       },
       .is_honest = is_honest});
}

}  // namespace trestle::sim
