#pragma once

#include <cstdint>
#include <string>
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

  static constexpr NodeIndex kBootstrap = 0;
  /// Where a node listens.
  static std::string url_of(NodeIndex node);
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
