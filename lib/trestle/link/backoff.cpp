#include "trestle/link/backoff.hpp"

#include <algorithm>

namespace trestle::link {

std::optional<Duration> Backoff::next() {
  if (options_.attempts_max != 0 && waits_ >= options_.attempts_max) return std::nullopt;
  Duration ceiling = options_.base;
  // Stops at the cap, so the product cannot overflow however many attempts there were.
  for (unsigned attempt = 0; attempt < waits_ && ceiling < options_.cap; ++attempt) {
    ceiling *= options_.factor;
  }
  ++waits_;
  return rng_.between(Duration::zero(), std::min(ceiling, options_.cap));
}

}  // namespace trestle::link
