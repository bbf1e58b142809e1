#pragma once

#include <cstdint>
#include <optional>

#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::link {

struct KeepaliveOptions {
  /// POOL-04: a ping every 30 s ...
  Duration interval = std::chrono::seconds(30);
  /// ... answered within 10 s.
  Duration answer_within = std::chrono::seconds(10);
  /// X12: unhealthy at the first miss, dead after so many in a row.
  unsigned misses_to_die = 3;
  /// Up to this much is taken off each interval at random, so that a node with many links does not
  /// ping them all at once.
  Duration jitter = std::chrono::seconds(3);
};

/// When to ping, and what a missing pong means. The pings themselves are ordinary requests of the
/// channel.
class Keepalive {
 public:
  enum class Effect : std::uint8_t { send_ping, became_unhealthy, became_healthy, died };

  Keepalive(const KeepaliveOptions& options, Rng rng) : options_(options), rng_(rng) {}

  void start(Instant now);
  /// Until the next `start` nothing is said or armed, whatever is still reported (P-ML-1).
  void stop();
  void on_pong(Instant now, Duration round_trip);
  /// The ping's own deadline passed.
  void on_miss(Instant now);

  Instant next_deadline() const { return ping_at_; }
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect() { return outbox_.poll(); }

  bool is_healthy() const { return misses_ == 0; }
  /// Smoothed over pings as TCP does it (RFC 6298: one eighth of each new sample); zero before the
  /// first pong.
  Duration round_trip() const { return smoothed_; }
  Duration answer_within() const { return options_.answer_within; }

 private:
  void arm(Instant now);

  KeepaliveOptions options_;
  Rng rng_;
  Instant ping_at_ = kNever;
  bool is_running_ = false;
  unsigned misses_ = 0;
  Duration smoothed_{};
  Outbox<Effect> outbox_;
};

}  // namespace trestle::link
