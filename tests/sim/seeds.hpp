#pragma once

#include <cstdint>
#include <cstdlib>

namespace trestle::sim::test {

/// How many seeds a suite runs: so many in `make test`; as many as TRESTLE_SEEDS says in a soak
/// (`make soak`).
inline std::uint64_t seeds_or(std::uint64_t usual) {
  const char* asked = std::getenv("TRESTLE_SEEDS");
  if (asked == nullptr) return usual;
  const std::uint64_t seeds = std::strtoull(asked, nullptr, 10);
  return seeds > 0 ? seeds : usual;
}

}  // namespace trestle::sim::test
