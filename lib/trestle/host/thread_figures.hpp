#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::host {

/// How one thread of the transport stands, for operators.
struct ThreadFigures {
  std::size_t connections = 0;  ///< WebSockets open now.
  /// The most that ever waited for it, and for the core to take from it.
  std::size_t orders_peak = 0;
  std::size_t order_bytes_peak = 0;
  std::size_t events_peak = 0;
  std::size_t event_bytes_peak = 0;
  /// Frames and dials that were not taken, since too much waited for it.
  std::uint64_t orders_refused = 0;
  /// How often it stopped reading and waited, since the core had not taken what it reported before.
  std::uint64_t waits = 0;
};

}  // namespace trestle::host
