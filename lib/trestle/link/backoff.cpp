#include "trestle/link/backoff.hpp"

#include <algorithm>

namespace trestle::link {

Duration backoff_ceiling(const BackoffOptions& options, unsigned waits) {
  Duration ceiling = options.base;
  // Stops at the cap, so the product cannot overflow however many attempts there were.
  for (unsigned step = 0; step < waits && ceiling < options.cap; ++step) {
    ceiling *= options.factor;
  }
  return std::min(ceiling, options.cap);
}

Duration draw_backoff(const BackoffOptions& options, unsigned waits, Rng& rng) {
  return rng.between(Duration::zero(), backoff_ceiling(options, waits));
}

std::optional<Duration> Backoff::next(unsigned steps_ahead) {
  if (options_.attempts_max != 0 && waits_ >= options_.attempts_max) return std::nullopt;
  return draw_backoff(options_, waits_++ + steps_ahead, rng_);
}

Duration Backoff::ceiling(unsigned steps_ahead) const {
  return backoff_ceiling(options_, waits_ + steps_ahead);
}

}  // namespace trestle::link
