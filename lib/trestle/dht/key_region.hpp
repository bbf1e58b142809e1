#pragma once

#include <cstdint>

#include "trestle/base/node_id.hpp"

namespace trestle::dht {

/// A part of the key space that shares its leading bits: all places from `first` to `last`.
struct KeyRegion {
  NodeId first{};
  NodeId last{~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint32_t{0}};

  bool contains(const NodeId& place) const { return first <= place && place <= last; }
  friend bool operator==(const KeyRegion&, const KeyRegion&) = default;
};

/// All places that share the first `bits` bits with `place`; 0 is the whole key space.
KeyRegion region_around(const NodeId& place, unsigned bits);

}  // namespace trestle::dht
