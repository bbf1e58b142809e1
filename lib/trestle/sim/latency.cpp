#include "trestle/sim/latency.hpp"

#include <algorithm>
#include <bit>

#include "trestle/base/assertion.hpp"

namespace trestle::sim {

std::string_view name(LatencyKind kind) {
  switch (kind) {
    case LatencyKind::constant:
      return "constant";
    case LatencyKind::uniform:
      return "uniform";
    case LatencyKind::heavy_tail:
      return "heavy-tail";
  }
  return "unknown";
}

Duration LatencyLaw::draw(Rng& rng) const {
  TRESTLE_ASSERT(low <= high);
  switch (kind) {
    case LatencyKind::constant:
      return low;
    case LatencyKind::uniform:
      return rng.between(low, high);
    case LatencyKind::heavy_tail: {
      // 2^20 times the smallest latency is beyond any cap we use; the bound keeps the shift
      // defined.
      constexpr int kDoublingsMax = 20;
      const std::uint64_t drawn = rng.next();
      const int doublings = std::min(std::countl_zero(drawn), kDoublingsMax);
      const Duration scale = low * (std::int64_t{1} << doublings);
      const Duration inside = rng.between(Duration::zero(), scale);
      return std::min(scale + inside, high);
    }
  }
  return low;
}

}  // namespace trestle::sim
