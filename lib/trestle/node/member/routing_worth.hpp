#pragma once

#include <optional>

#include "trestle/dht/link_value.hpp"
#include "trestle/dht/routing_table.hpp"
#include "trestle/mesh/link_worth.hpp"

namespace trestle::node {

/// What links are worth to a member: what they are worth to its routing (ROUTE-03, ROUTE-04,
/// P-CR-23). Carries the question from the mesh, which keeps the limit, to the DHT, which knows.
class RoutingWorth : public mesh::LinkWorth {
 public:
  /// The table is borrowed, outlives this, and is looked at by `is_neighbour` alone.
  RoutingWorth(const NodeId& self, const dht::LinkValueOptions& options,
               const dht::RoutingTable& table)
      : self_(self), options_(options), table_(table) {}

  std::optional<NodeId> link_to_give_up(const wire::Contact& newcomer,
                                        const FlatMap<NodeId, mesh::Link>& links) const override;
  std::vector<NodeId> links_to_spare(std::span<const NodeId> idle,
                                     const FlatMap<NodeId, mesh::Link>& links,
                                     std::size_t count_max) const override;
  bool is_neighbour(const NodeId& peer) const override;

 private:
  NodeId self_;
  dht::LinkValueOptions options_;
  const dht::RoutingTable& table_;
};

}  // namespace trestle::node
