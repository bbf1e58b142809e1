#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

namespace trestle::mesh {

struct StabilityOptions {
  /// What a report looks back on (MESH-05: 60 s).
  Duration period = std::chrono::seconds(60);
  /// Changes kept of it. A mesh with all of 200 links that loses and regains each of them within
  /// the period fills it; with more a report covers the time that is left.
  std::size_t events_max = 512;
  /// The mesh is stable at this share of uptime (P-BM-9).
  std::uint32_t stable_percent = 99;
};

/// One change of one link (P-BM-4). A link that came up was down before, and the other way round.
struct StabilityEvent {
  Instant at{};
  NodeId peer{};
  bool up = false;
  /// Down: one of the two sides meant it.
  bool expected = false;
};

struct StabilityReport {
  /// What the report covers: the period, or less while the node is young.
  Duration covered{};
  std::uint64_t connects = 0;
  std::uint64_t disconnects = 0;
  std::uint64_t unexpected = 0;  ///< Of the disconnects.
  /// Of the time in which peers should have been linked, how much they were. From the first link to
  /// a peer it should be, until one of the two means to end it.
  std::uint32_t uptime_per_mille = 1000;
  /// Changes a minute, in thousandths.
  std::uint64_t churn_per_minute_milli = 0;
  /// Time linked between two unexpected ends; nothing without one (P-BM-7).
  std::optional<Duration> between_failures;
  bool stable = true;
};

/// How well links hold: a policy (MESH-05, MESH-06, P-BM-4..9).
class Stability {
 public:
  explicit Stability(const StabilityOptions& options) : options_(options) {}

  void on_up(Instant now, const NodeId& peer);
  void on_down(Instant now, const NodeId& peer, bool expected);

  StabilityReport report(Instant now) const;
  /// The changes still kept, oldest first.
  const std::vector<StabilityEvent>& events() const { return events_; }
  std::uint64_t unexpected_total() const { return unexpected_total_; }

 private:
  void note(const StabilityEvent& event);
  /// From when on everything is still known.
  Instant covered_from(Instant now) const;

  StabilityOptions options_;
  std::vector<StabilityEvent> events_;
  FlatMap<NodeId, Instant> up_since_;
  Instant known_from_ = kNever;
  std::uint64_t unexpected_total_ = 0;
};

}  // namespace trestle::mesh
