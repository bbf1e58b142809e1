#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::pool {

struct UpstreamScalerOptions {
  std::size_t connections_min = 10;
  std::size_t connections_max = 500;
  /// POOL-15, as are the rules below.
  Duration review_every = std::chrono::seconds(10);
  Duration wait_to_grow = std::chrono::milliseconds(100);
  unsigned grow_percent = 120;
  unsigned use_percent_to_shrink = 30;
  unsigned shrink_percent = 80;
};

/// How many connections an origin may have (POOL-15): more after a time in which requests had to
/// wait for one, fewer after a time in which most of them stood idle. A policy.
class UpstreamScaler {
 public:
  UpstreamScaler(const UpstreamScalerOptions& options, std::size_t connections);

  /// From the first use on there is something to review.
  void start(Instant now);
  /// A request was given its connection after so long, 0 for at once.
  void on_waited(Duration wait);
  /// So many connections are there, and so many of them carry requests.
  void on_use(Instant now, std::size_t connections, std::size_t busy);

  Instant next_deadline() const { return review_at_; }
  void on_deadline(Instant now);

  std::size_t connections_max() const { return connections_max_; }

 private:
  void add_up(Instant now);

  UpstreamScalerOptions options_;
  std::size_t connections_max_;
  Instant review_at_ = kNever;
  // Of the time since the last review.
  std::uint64_t given_ = 0;
  Duration waited_{};
  Instant since_{};
  std::size_t connections_ = 0;
  std::size_t busy_ = 0;
  /// Connections times microseconds.
  std::uint64_t connection_time_ = 0;
  std::uint64_t busy_time_ = 0;
};

}  // namespace trestle::pool
