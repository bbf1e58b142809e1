#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "trestle/base/node_id.hpp"

namespace trestle::dht {

struct LinkValueOptions {
  /// Links to so many of the peers nearest to us are worth most: k, on a platform with few links
  /// half of those.
  std::size_t nearest = 20;
  /// Links into one bucket that are worth their whole share (SMp: 2, 3 or 5).
  std::size_t per_bucket_max = 5;
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

 private:
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

}  // namespace trestle::dht
