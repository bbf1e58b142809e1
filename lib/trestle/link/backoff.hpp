#pragma once

#include <optional>

#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::link {

struct BackoffOptions {
  /// Upper end of the first wait (X4: 1 s).
  Duration base = std::chrono::seconds(1);
  /// No wait is longer (X4: 30 s).
  Duration cap = std::chrono::seconds(30);
  /// Growth of the upper end per attempt.
  unsigned factor = 2;
  /// Waits handed out before the operation is over; 0 for no end. A connect operation makes 5
  /// attempts (P-CR-3, X5), so it waits 4 times between them.
  unsigned attempts_max = 0;
};

/// The upper end of the wait that follows so many others.
Duration backoff_ceiling(const BackoffOptions& options, unsigned waits);
/// That wait, for owners of hundreds of series, which keep a count for each.
Duration draw_backoff(const BackoffOptions& options, unsigned waits, Rng& rng);

/// How long to wait before the next attempt: a value, it arms nothing.
///
/// Full jitter: uniform in [0, min(cap, base * factor^n)]. Spreading over the whole interval is
/// what keeps a thousand clients that lost the same peer from returning together (RECOV-05, T33).
class Backoff {
 public:
  Backoff(const BackoffOptions& options, Rng rng) : options_(options), rng_(rng) {}

  /// The next wait, or nothing when the attempts are used up. Who is in no hurry goes some steps
  /// ahead in the series.
  std::optional<Duration> next(unsigned steps_ahead = 0);
  /// The upper end of the next wait.
  Duration ceiling(unsigned steps_ahead = 0) const;
  /// After a success that lasted.
  void reset() { waits_ = 0; }
  unsigned attempts() const { return waits_; }

 private:
  BackoffOptions options_;
  Rng rng_;
  unsigned waits_ = 0;
};

}  // namespace trestle::link
