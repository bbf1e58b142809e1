#pragma once

#include <chrono>
#include <cstdint>

namespace trestle::inline base {

/// The steady clock of the core. It has no `now()` on purpose: whoever drives a machine passes the
/// time in, so that the same machine runs under a real clock and under virtual time (design section
/// 2).
struct Monotonic {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};

using Duration = Monotonic::duration;
/// A point on the steady clock. Never goes backwards between two calls into one machine.
using Instant = Monotonic::time_point;

/// "No deadline": what `next_deadline()` answers when a machine waits for nothing.
inline constexpr Instant kNever = Instant::max();

/// `now + wait`, saturating at `kNever` instead of overflowing.
constexpr Instant after(Instant now, Duration wait) {
  // Instants are not negative in practice, but the subtraction must not overflow if one is.
  if (now < Instant{}) return now + wait;
  return wait > kNever - now ? kNever : now + wait;
}

/// The calendar clock. A type of its own, so that it cannot be mixed with `Instant`: peers'
/// calendars are skewed and jump.
struct Calendar {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Calendar>;
  static constexpr bool is_steady = false;
};

/// Milliseconds since 1970-01-01 UTC. Used only for what leaves on the wire or in a log, never for
/// a deadline.
using WallTime = Calendar::time_point;

/// Translates steady time into calendar time. The driver sets it at start and whenever the calendar
/// jumped.
struct WallClock {
  Instant steady_reference{};
  WallTime wall_reference{};

  constexpr WallTime at(Instant now) const {
    return wall_reference + std::chrono::floor<Calendar::duration>(now - steady_reference);
  }
};

}  // namespace trestle::inline base
