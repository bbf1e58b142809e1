#include "trestle/link/backoff.hpp"

#include <algorithm>

namespace trestle::link {

std::optional<Duration> Backoff::next(unsigned steps_ahead) {
  if (options_.attempts_max != 0 && waits_ >= options_.attempts_max) return std::nullopt;
  const Duration longest = ceiling(steps_ahead);
  ++waits_;
  return rng_.between(Duration::zero(), longest);
}

Duration Backoff::ceiling(unsigned steps_ahead) const {
  Duration ceiling = options_.base;
  // Stops at the cap, so the product cannot overflow however many attempts there were.
  for (unsigned step = 0; step < waits_ + steps_ahead && ceiling < options_.cap; ++step) {
    ceiling *= options_.factor;
  }
  return std::min(ceiling, options_.cap);
}

}  // namespace trestle::link
