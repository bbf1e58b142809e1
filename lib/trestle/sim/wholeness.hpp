#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/rng.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// What a healed network must be, seen from outside (reliability.md 7.6, L1 and L2).

/// Into how many parts the links divide these nodes: 1 is what there should be. A node without a
/// link to another of them is a part of its own.
std::size_t parts_of(const World& world, const std::vector<NodeIndex>& nodes);

/// Of the links of all these nodes with each other, the least and the most that one has.
struct LinkSpread {
  std::size_t least = 0;
  std::size_t most = 0;
};
LinkSpread links_of(const World& world, const std::vector<NodeIndex>& nodes);

/// Lookups compared with the truth.
struct Agreement {
  std::uint64_t named = 0;   ///< Of the nearest there are, how many lookups named.
  std::uint64_t wanted = 0;  ///< How many there were to name.
  std::uint64_t lookups = 0;
  std::uint64_t failed = 0;  ///< Did not end well, or were refused.
  /// In thousandths.
  std::uint64_t per_mille() const { return wanted == 0 ? 1000 : named * 1000 / wanted; }
};

/// Each of `lookups` nodes drawn from `nodes` looks up a target drawn at random; what it names is
/// compared with the nearest of `nodes`, of which there are to be `nearest`. Steps the world until
/// all have ended.
Agreement measure_agreement(World& world, const std::vector<NodeIndex>& nodes, std::size_t lookups,
                            std::size_t nearest, Rng rng);

}  // namespace trestle::sim
