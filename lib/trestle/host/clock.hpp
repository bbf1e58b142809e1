#pragma once

#include "trestle/base/time.hpp"

namespace trestle::host {

/// The only two places of the project that read a clock: the core is handed both.

/// Steady time since boot; suspended time does not count.
Instant steady_now();

/// The calendar, as the operating system believes it.
WallTime wall_now();

}  // namespace trestle::host
