#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/sim/byzantine_peer.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

struct ClusterOptions {
  std::uint32_t bridges = 2;
  std::uint32_t members = 10;
  /// Members that can turn byzantine, as the board says.
  std::vector<NodeIndex> turncoats{};
  const MisconductBoard* board = nullptr;
  /// Members with all kinds of settings, see `PlanRequest`.
  bool mixed = false;
  /// Some of those with the smallest limits they can live with.
  bool tiny = false;
  /// Of all members.
  node::ValueOptions values{};
};

/// A network out of the three real programs: node 0 is the bootstrap node, the bridges follow, then
/// the members. Everybody listens and knows the bootstrap node; nobody is started.
///
///     0            1 .. bridges      bridges + 1 ..
///     bootstrap    bridges           members
class Cluster {
 public:
  /// Adds the nodes to an empty world.
  Cluster(World& world, const ClusterOptions& options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  static constexpr NodeIndex kBootstrap = 0;
  /// Where a node listens.
  static std::string url_of(NodeIndex node);
  /// Whether that node keeps the share of one network in its table small.
  bool is_bounding_networks(NodeIndex node) const;
  /// The settings of whoever reads them again; with all bridges, or without that one.
  node::Reload settings(NodeIndex without_bridge = kNoNode) const;
  /// Figures of a member that its settings bound, and their bounds.
  std::vector<std::pair<std::string_view, std::uint64_t>> bounds_of(NodeIndex node) const;
  NodeIndex first_member() const { return options_.bridges + 1; }
  /// Bridges and members.
  std::vector<NodeIndex> peers() const;

  /// Every node in turn, one every `spacing`.
  void start_all(Duration spacing);

 private:
  void add_bootstrap();
  void add_bridge(NodeIndex node);
  void add_member(NodeIndex node);

  World& world_;
  ClusterOptions options_;
};

}  // namespace trestle::sim
