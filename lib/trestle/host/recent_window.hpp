#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/histogram.hpp"
#include "trestle/base/time.hpp"
#include "trestle/node/status.hpp"

namespace trestle::host {

struct RecentWindowOptions {
  /// What "recent" means everywhere: the last minute, in steps of five seconds. Twelve samples with
  /// eight bridges are 250 KB.
  Duration step = std::chrono::seconds(5);
  std::size_t steps = 12;
};

/// What happened in the last minute, out of figures that only grow since the start: keeps a few
/// earlier snapshots and subtracts. A policy, fed once a second.
class RecentWindow {
 public:
  explicit RecentWindow(const RecentWindowOptions& options = {}) : options_(options) {}

  /// Keeps it if the last one is a step old.
  void sample(Instant now, const node::Status& status);

  /// How far `fresh` reaches back: up to a minute, less after the start.
  Duration span(Instant now) const;
  /// By how much a counter grew within the window.
  std::uint64_t increase(const node::Status& fresh, std::string_view counter) const;
  /// What was added to a distribution within the window.
  Histogram recent(const node::Status& fresh, std::string_view histogram) const;
  /// The same for the request time of one bridge.
  Histogram recent_requests(const node::BridgeSlotStatus& bridge) const;

 private:
  struct Sample {
    Instant at;
    std::vector<std::pair<std::string_view, std::uint64_t>> counters;
    std::vector<node::NamedHistogram> histograms;
    std::vector<std::pair<std::string, Histogram>> bridges;
  };

  RecentWindowOptions options_;
  std::deque<Sample> samples_;
};

/// The figure of that name, 0 if there is none.
std::uint64_t counter_of(const node::Status& status, std::string_view name);

}  // namespace trestle::host
