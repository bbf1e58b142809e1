#include "trestle/host/clock.hpp"

#include <chrono>

namespace trestle::host {

Instant steady_now() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return Instant(std::chrono::duration_cast<Duration>(since_boot));
}

WallTime wall_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return WallTime(std::chrono::duration_cast<Calendar::duration>(since_epoch));
}

}  // namespace trestle::host
