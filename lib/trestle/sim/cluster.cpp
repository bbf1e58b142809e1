#include "trestle/sim/cluster.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/node/member/member_node.hpp"
#include "trestle/node/member/platform.hpp"

namespace trestle::sim {
namespace {

/// What the bootstrap node and its bridges share.
constexpr std::string_view kBridgeSecret = "a secret of the simulation";

// ---- members of all kinds

node::Platform size_of(NodeIndex node) {
  constexpr node::Platform kSizes[] = {node::Platform::mobile, node::Platform::desktop,
                                       node::Platform::server};
  return kSizes[node % std::size(kSizes)];
}

/// A third of them has an address of the old kind, a third of the new, a third a name. So many in a
/// row share the networks that two customers are given.
std::string address_of(NodeIndex node, NodeIndex in_one_network) {
  const std::string network = std::to_string(1 + node / in_one_network);
  const std::string host = std::to_string(1 + node % in_one_network);
  if (node % 3 == 0) return "203.0." + network + "." + host;
  if (node % 3 == 1) return "2001:db8:" + network + "::" + host;
  return {};
}

std::string url_at(const std::string& address) {
  const bool is_v4 = address.find(':') == std::string::npos;
  return "ws://" + (is_v4 ? address : "[" + address + "]") + ":9000/";
}

bool bounds_networks(NodeIndex node) { return node % 2 == 0; }

void mix(node::NodeOptions& options, NodeIndex node) {
  options.platform = size_of(node);
  if (bounds_networks(node)) options.diversity = dht::Diversity::open;
  if (node % 4 == 1) options.proximity = dht::Proximity::by_round_trip;
  if (node % 5 == 2) options.lookup_mode = dht::LookupMode::recursive;
}

bool is_tiny_one(NodeIndex node) { return node % 7 == 3; }

constexpr std::size_t kTinyLinks = 5;
constexpr std::size_t kTinyDials = 2;
constexpr std::size_t kTinyCandidates = 10;
constexpr std::size_t kTinyOperations = 4;
constexpr std::size_t kTinyBackground = 2;
/// Searches of its own that a node may have under way beside those of its users.
constexpr std::size_t kUpkeeps = 3;
constexpr std::size_t kTinyPending = 4;
constexpr std::size_t kTinyRecords = 12;
constexpr std::size_t kTinyBuckets = 6;

/// Small bounds find the borders fastest (reliability.md 7.2): every queue and table that a member
/// has is as small as it can be with some use left.
node::MemberOptions tiny_options(const node::NodeOptions& options, const NodeSeat& seat) {
  node::MemberOptions made;
  made.common = options.common;
  made.program = "dht-node";
  made.bootstrap_urls = options.bootstrap_urls;
  made.channels.pending_max = kTinyPending;
  made.mesh.links_max = kTinyLinks;
  made.mesh.full_mesh_max = 4;
  made.mesh.links_target = 3;
  made.mesh.dials_max = kTinyDials;
  made.mesh.wanted_dials_max = kTinyDials;
  made.mesh.candidates.candidates_max = kTinyCandidates;
  made.mesh.candidates.lost_max = 3;
  made.dht.author = seat.identity.key;
  made.dht.table.bucket_peers_max = 4;
  made.dht.table.replacements_max = 2;
  made.dht.table.buckets_max = kTinyBuckets;
  made.dht.table.diversity.mode = options.diversity;
  made.dht.records.quotas.records_max = kTinyRecords;
  made.dht.records.quotas.records_per_source_max = 3;
  made.dht.desk.waiting_max = 2;
  made.dht.operations_max = kTinyOperations;
  made.dht.background_max = kTinyBackground;
  made.dht.asks_max = 24;
  made.dht.republish.sweeps_max = 1;
  made.dht.republish.records_per_sweep_max = 4;
  made.dht.republish.delegated_max = 3;
  made.dht.republish.regions_max = 2;
  made.pending_asks_max = 4;
  made.served_requests_max = 4;
  return made;
}

}  // namespace

Cluster::Cluster(World& world, const ClusterOptions& options) : world_(world), options_(options) {
  TRESTLE_ASSERT(world_.size() == 0);
  add_bootstrap();
  while (world_.size() < first_member()) add_bridge(static_cast<NodeIndex>(world_.size()));
  while (world_.size() < first_member() + options_.members) {
    add_member(static_cast<NodeIndex>(world_.size()));
  }
}

Cluster::~Cluster() = default;

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
  const node::ValueOptions& values = options_.values;
  const bool is_mixed = options_.mixed;
  const bool is_tiny = options_.tiny && is_tiny_one(node);
  // Where tables are to hold everybody, as many of one network as may be in one bucket.
  const NodeIndex in_one_network = options_.tiny ? 36 : 6;
  const std::string address = is_mixed ? address_of(node, in_one_network) : std::string();
  world_.add_node({.role = wire::Role::node,
                   .url = address.empty() ? url_of(node) : url_at(address),
                   .factory = [=](const NodeSeat& seat) -> std::unique_ptr<node::Node> {
                     node::NodeOptions made;
                     made.common.address = seat.url;
                     made.bootstrap_urls = {url_of(kBootstrap)};
                     made.values = values;
                     if (is_mixed) mix(made, node);
                     std::unique_ptr<node::Node> member;
                     if (is_tiny) {
                       member = std::make_unique<node::MemberNode>(
                           tiny_options(made, seat), seat.identity, seat.suite, seat.rng);
                     } else {
                       member = std::make_unique<node::DhtNode>(made, seat.identity, seat.suite,
                                                                seat.rng);
                     }
                     if (is_honest) return member;
                     return std::make_unique<ByzantinePeer>(std::move(member), node, *board,
                                                            seat.rng.fork("misconduct"));
                   },
                   .is_honest = is_honest,
                   .remote_address = address});
}

bool Cluster::is_bounding_networks(NodeIndex node) const {
  return node >= first_member() && options_.mixed && bounds_networks(node);
}

node::Reload Cluster::settings(NodeIndex without_bridge) const {
  node::Reload read;
  read.bridge_secret = to_bytes(as_bytes(kBridgeSecret));
  for (NodeIndex bridge = 1; bridge <= options_.bridges; ++bridge) {
    if (bridge != without_bridge) read.bridges.push_back({{url_of(bridge)}});
  }
  return read;
}

std::vector<std::pair<std::string_view, std::uint64_t>> Cluster::bounds_of(NodeIndex node) const {
  if (node < first_member() || !options_.mixed) return {};
  if (options_.tiny && is_tiny_one(node)) {
    return {{"mesh.links", kTinyLinks},
            {"mesh.dialling", kTinyDials},
            {"link.pending", kTinyPending},
            {"mesh.known", kTinyLinks + kTinyCandidates},
            {"dht.operations", kTinyOperations + kTinyBackground + kUpkeeps},
            {"dht.records", kTinyRecords},
            {"dht.buckets", kTinyBuckets}};
  }
  const node::PlatformLimits limits = node::limits_of(size_of(node));
  return {{"mesh.links", limits.links_max}, {"dht.buckets", limits.buckets_max}};
}

}  // namespace trestle::sim
