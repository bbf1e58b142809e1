#include "trestle/node/member/routing_worth.hpp"

#include <vector>

namespace trestle::node {
namespace {

std::vector<NodeId> ids_of(const FlatMap<NodeId, mesh::Link>& links) {
  std::vector<NodeId> ids;
  ids.reserve(links.size());
  for (const auto& [id, link] : links) ids.push_back(id);
  return ids;
}

}  // namespace

std::optional<NodeId> RoutingWorth::link_to_give_up(
    const wire::Contact& newcomer, const FlatMap<NodeId, mesh::Link>& links) const {
  return dht::link_to_give_up(self_, ids_of(links), newcomer.id, options_);
}

std::vector<NodeId> RoutingWorth::links_to_spare(std::span<const NodeId> idle,
                                                 const FlatMap<NodeId, mesh::Link>& links,
                                                 std::size_t count_max) const {
  return dht::links_to_spare(self_, ids_of(links), idle, count_max, options_);
}

/// By what the table knows and not by links alone, of which there may be few: in a large network
/// a peer that happens to link itself is none, in one of twenty everybody is.
bool RoutingWorth::is_neighbour(const NodeId& peer) const {
  return table_.is_among_nearest(self_, peer, options_.nearest);
}

}  // namespace trestle::node
