#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "trestle/base/time.hpp"

namespace trestle::link {

/// BRK-04.
struct BreakerOptions {
  unsigned consecutive_failures_to_open = 5;
  /// Or this share of at least so many results within the window.
  unsigned window_failure_percent_to_open = 50;
  unsigned window_results_min = 20;
  /// First time open; doubles with each failed probe up to the cap.
  Duration open_base = std::chrono::seconds(1);
  Duration open_cap = std::chrono::seconds(30);
  unsigned successes_to_close = 2;
  /// A probe that never reports back is given up after this long: a lost permit must not keep the
  /// breaker half-open for ever.
  Duration probe_lease = std::chrono::seconds(15);
};

enum class BreakerState : std::uint8_t { closed, open, half_open };

std::string_view name(BreakerState state);

/// Decides whether an endpoint may be asked; it never acts. Only transport faults and timeouts are
/// reported as failures: what an application refuses says nothing about the endpoint's health
/// (T22).
class Breaker {
 public:
  /// The right to make one attempt. Its result counts only while the generation is current: an
  /// answer from before the trip neither closes nor re-opens anything.
  struct Permit {
    std::uint32_t generation = 0;
    bool is_probe = false;
  };

  explicit Breaker(const BreakerOptions& options = {}) : options_(options) {}

  /// A permit, or nothing while open or while the one probe is out. Ask only when the attempt will
  /// be made.
  std::optional<Permit> acquire(Instant now);
  /// Whether `acquire` would succeed.
  bool would_permit(Instant now) const;

  void on_success(Instant now, Permit permit);
  void on_failure(Instant now, Permit permit);
  /// The attempt ended without telling anything (cancelled, refused by the application).
  void on_released(Permit permit);

  BreakerState state(Instant now) const;
  /// When an open breaker next lets a probe through; in the past while it is not open.
  Instant open_until() const { return open_until_; }
  std::uint64_t times_opened() const { return times_opened_; }

 private:
  static constexpr std::size_t kWindowSlices = 10;  ///< Ten slices of one second: a 10 s window.
  struct Slice {
    std::int64_t second = -1;
    unsigned results = 0;
    unsigned failures = 0;
  };

  void record(Instant now, bool failed);
  bool window_trips(Instant now) const;
  void open(Instant now, Duration wait);

  BreakerOptions options_;
  bool tripped_ = false;
  Instant open_until_{};
  Duration open_wait_{};
  std::optional<Instant> probe_expires_;
  unsigned probe_successes_ = 0;
  unsigned consecutive_failures_ = 0;
  std::uint32_t generation_ = 0;
  std::uint64_t times_opened_ = 0;
  std::array<Slice, kWindowSlices> window_{};
};

}  // namespace trestle::link
