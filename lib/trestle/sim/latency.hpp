#pragma once

#include <cstdint>
#include <string_view>

#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::sim {

enum class LatencyKind : std::uint8_t {
  constant,    ///< Always `low`.
  uniform,     ///< Anything in [low, high].
  heavy_tail,  ///< At least `low`; above 2^n times `low` in one of 2^n cases; never above `high`.
};

std::string_view name(LatencyKind kind);

/// How long a segment takes from one node to another. Integers only, so that it is the same
/// everywhere; the heavy tail is a Pareto law of exponent 1 built from the leading zeros of one
/// draw.
struct LatencyLaw {
  LatencyKind kind = LatencyKind::uniform;
  Duration low = std::chrono::milliseconds(5);    ///< A near data centre.
  Duration high = std::chrono::milliseconds(60);  ///< Across a continent.

  Duration draw(Rng& rng) const;
};

}  // namespace trestle::sim
