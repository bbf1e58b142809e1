#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/mesh/mesh_effect.hpp"

namespace trestle::mesh {

/// What links are worth to their owner, asked when there are as many as there may be (ROUTE-04),
/// and when some are idle: the mesh keeps the limits, somebody else knows the value. Pure: the same
/// question gets the same answer until something was reported to its owner.
class LinkWorth {
 public:
  virtual ~LinkWorth() = default;
  /// The link to give up for the newcomer's; nothing if none is worth so much less that it pays
  /// (1.5 x, SMp), and the newcomer is refused.
  virtual std::optional<NodeId> link_to_give_up(const wire::Contact& newcomer,
                                                const FlatMap<NodeId, Link>& links) const = 0;
  /// Those of the `idle` links without which the others are worth as much, so many of them at most;
  /// who stands first there goes first.
  virtual std::vector<NodeId> links_to_spare(std::span<const NodeId> idle,
                                             const FlatMap<NodeId, Link>& links,
                                             std::size_t count_max) const = 0;
  /// Whether this linked peer is one of our neighbourhood.
  virtual bool is_neighbour(const NodeId& peer) const = 0;
};

}  // namespace trestle::mesh
