#include "trestle/base/rotating_subset.hpp"

#include "trestle/base/assertion.hpp"

namespace trestle::inline base {
namespace {

/// Spreads each bit over all of them: the finisher of SplitMix64 (Steele, Lea and Flood, 2014).
constexpr std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

constexpr std::uint64_t mixed_with(std::uint64_t seed, const NodeId& id) {
  seed = mixed(seed ^ id.high());
  seed = mixed(seed ^ id.middle());
  return mixed(seed ^ id.low());
}

}  // namespace

RotatingSubset::RotatingSubset(const RotatingSubsetOptions& options, Rng rng)
    : options_(options), secret_(rng.next()) {
  TRESTLE_ASSERT(options.size > 0);
  TRESTLE_ASSERT(options.turn > Duration::zero());
}

RotatingSubset::Order RotatingSubset::order(Instant now, const NodeId& asker) const {
  const auto turn = static_cast<std::uint64_t>(now.time_since_epoch() / options_.turn);
  return Order(mixed_with(mixed(secret_ + turn), asker));
}

std::uint64_t RotatingSubset::Order::place_of(const NodeId& candidate) const {
  return mixed_with(seed_, candidate);
}

}  // namespace trestle::inline base
