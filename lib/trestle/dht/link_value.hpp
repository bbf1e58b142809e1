#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trestle/base/node_id.hpp"

namespace trestle::dht {

struct LinkValueOptions {
  /// Links to so many of the peers nearest to us are worth most: k, on a platform with few links
  /// half of those.
  std::size_t nearest = 20;
  /// Links into one bucket that are worth their whole share (SMp: 2, 3 or 5).
  std::size_t per_bucket_max = 5;
  /// Of links that nobody uses fewer are worth their upkeep: one's own eight nearest hold the
  /// neighbourhood together (X47: a target of eight), and two into each bucket begin any lookup,
  /// one of them while the other has just gone.
  std::size_t nearest_when_idle = 8;
  std::size_t per_bucket_when_idle = 2;
};

/// What a link is worth to the routing (ROUTE-03, ROUTE-04), given all links together; integers, so
/// that two nodes with the same links value them alike.
///
///   one of the nearest of all linked      kNeighbour              our neighbourhood, unbroken
///   any other                             kShared / those that    the first link into a part of
///                                           share its bucket      the key space opens it
///   where more than per_bucket_max share  half of that            hardly any use
class LinkValues {
 public:
  static constexpr std::uint64_t kNeighbour = 1'000'000;
  /// Divisible by every number of links up to ten.
  static constexpr std::uint64_t kShared = 2520;

  LinkValues(const NodeId& self, std::span<const NodeId> links, const LinkValueOptions& options);

  /// Of one of the links.
  std::uint64_t of(const NodeId& link) const;
  /// Whether more of the links share the bucket of this one than have a use, and it is no
  /// neighbour. It is not counted from now on if so.
  bool take_surplus(const NodeId& link);

 private:
  bool is_neighbour(const NodeId& link) const {
    return horizon_ && distance(self_, link) <= *horizon_;
  }
  std::size_t bucket_of(const NodeId& id) const { return common_prefix_bits(self_, id); }

  NodeId self_;
  std::size_t per_bucket_max_;
  /// The farthest of the nearest.
  std::optional<NodeId> horizon_;
  std::array<std::uint32_t, NodeId::kBits + 1> links_in_bucket_{};
};

/// The link to give up for one to `newcomer`: the one worth least, if the newcomer's is worth at
/// least half as much again; nothing otherwise (the hysteresis of SMp: links do not come and go
/// for a trifle). Of equals the farthest goes.
std::optional<NodeId> link_to_give_up(const NodeId& self, std::span<const NodeId> links,
                                      const NodeId& newcomer, const LinkValueOptions& options);

/// Those of the `idle` links, in their order, without which the others are worth as much: not of
/// our neighbourhood, and into a bucket that keeps its whole share. At most `count_max`.
std::vector<NodeId> links_to_spare(const NodeId& self, std::span<const NodeId> links,
                                   std::span<const NodeId> idle, std::size_t count_max,
                                   const LinkValueOptions& options);

}  // namespace trestle::dht
