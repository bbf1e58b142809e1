#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "trestle/base/histogram.hpp"
#include "trestle/host/alerts.hpp"
#include "trestle/host/process_figures.hpp"
#include "trestle/host/thread_figures.hpp"
#include "trestle/host/weaker_modes.hpp"
#include "trestle/node/status.hpp"

namespace trestle::host {

/// What happened within the last minute.
struct Recent {
  Duration span{};          ///< Less than a minute after the start.
  std::uint64_t joins = 0;  ///< Peers that were introduced, or questions of a bootstrap answered.
  std::uint64_t busy = 0;   ///< Those refused with BUSY.
  /// Joins at a bootstrap, service at a bridge.
  Histogram time;
  std::vector<Histogram> bridges;  ///< Request time, in the order of the status.
};

/// Everything that is shown to operators, at one moment: the node's own snapshot and what only the
/// host knows.
struct Snapshot {
  node::Status status;
  Recent recent;
  ProcessFigures process;
  Histogram turn_time;
  std::vector<ThreadFigures> threads;  ///< Those of the transport.
  std::uint64_t log_lines_dropped = 0;
  std::vector<Alert> alerts;
  AlertThresholds thresholds{};
  std::vector<WeakerMode> weaker;  ///< In use.
  bool are_metrics_on = true;
  std::uint64_t scrapes = 0;
  std::uint64_t scrape_failures = 0;
};

}  // namespace trestle::host
