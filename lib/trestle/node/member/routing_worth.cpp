#include "trestle/node/member/routing_worth.hpp"

#include <vector>

namespace trestle::node {

std::optional<NodeId> RoutingWorth::link_to_give_up(
    const wire::Contact& newcomer, const FlatMap<NodeId, mesh::Link>& links) const {
  std::vector<NodeId> ids;
  ids.reserve(links.size());
  for (const auto& [id, link] : links) ids.push_back(id);
  return dht::link_to_give_up(self_, ids, newcomer.id, options_);
}

}  // namespace trestle::node
