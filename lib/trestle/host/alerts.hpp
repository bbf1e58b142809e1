#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/time.hpp"

namespace trestle::host {

/// What an operator is warned of. The names in `/health`, in the log and in the settings are those
/// of `name`.
enum class Alert : std::uint8_t {
  bridges,      ///< Fewer usable bridges than this.
  queue,        ///< A queue is filled by more than so many percent.
  busy,         ///< More than so many percent of the last minute's requests were answered BUSY.
  slow,         ///< The last minute's 99th percentile lies over so many milliseconds.
  descriptors,  ///< More than so many percent of the descriptors are in use.
  memory,       ///< More than so many MiB are resident.
  refresh,      ///< A record is refreshed late by more than so many percent of the interval.
  weaker        ///< In fewer days a weaker mode is over, and no start possible with it.
};
inline constexpr std::size_t kAlerts = 8;
inline constexpr std::array<Alert, kAlerts> kAllAlerts = {
    Alert::bridges,     Alert::queue,  Alert::busy,    Alert::slow,
    Alert::descriptors, Alert::memory, Alert::refresh, Alert::weaker};

std::string_view name(Alert alert);

/// One number for each alert; 0 in a threshold switches that alert off.
using AlertThresholds = std::array<std::uint64_t, kAlerts>;
/// What was measured; nothing while there is nothing to measure, which is never a reason to warn.
using AlertFigures = std::array<std::optional<std::uint64_t>, kAlerts>;

inline constexpr std::size_t index_of(Alert alert) { return static_cast<std::size_t>(alert); }

struct AlertOptions {
  /// In the order of `Alert`. One bridge down is what several are for, the last one is not. Queues
  /// refuse at 100 %, descriptors run out there: 80 leaves time to act. BUSY to one in five means
  /// that the network cannot carry its newcomers. A join is to take well below a second. A
  /// bootstrap with 10,000 secure connections takes about 320 MB. Copies that nobody refreshes are
  /// lost with their holders; three minutes of an hour late is the sign of a network that is not
  /// reached. Two weeks are enough to move the last old program, or to decide that it stays.
  AlertThresholds thresholds = {1, 80, 20, 1000, 80, 1024, 5, 14};
  /// A figure must be wrong for so long, so that one burst wakes nobody.
  Duration raise_after = std::chrono::seconds(5);
  /// And right for so long, so that an alert does not flutter.
  Duration clear_after = std::chrono::seconds(15);
  /// Right means below the threshold by this part of it; a minimum is right when it is reached.
  std::uint64_t clear_margin_percent = 10;
};

/// Turns figures into alerts, with hysteresis in size and in time. A policy: it arms nothing; ask
/// it about once a second.
class Alerts {
 public:
  struct Change {
    Alert alert;
    bool is_raised;
    std::uint64_t figure;
    std::uint64_t threshold;
  };

  explicit Alerts(const AlertOptions& options = {}) : options_(options) {}

  /// What changed by these figures, each change once.
  std::vector<Change> update(Instant now, const AlertFigures& figures);
  void set_thresholds(const AlertThresholds& thresholds) { options_.thresholds = thresholds; }
  const AlertThresholds& thresholds() const { return options_.thresholds; }

  bool is_raised(Alert alert) const { return watches_[index_of(alert)].is_raised; }
  std::vector<Alert> raised() const;

 private:
  struct Watch {
    bool is_raised = false;
    /// Since when the figure has spoken against the present state.
    std::optional<Instant> since;
  };

  bool is_wrong(Alert alert, std::uint64_t figure) const;
  bool is_right(Alert alert, std::uint64_t figure) const;

  AlertOptions options_;
  std::array<Watch, kAlerts> watches_{};
};

/// A sentence for the log and the page: `a queue is filled: 93 %, the threshold is 80 %`.
std::string describe(const Alerts::Change& change);

}  // namespace trestle::host
