#pragma once

#include <cstdint>
#include <optional>

#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::link {

/// When a link is pinged.
enum class PingPace : std::uint8_t {
  /// By the side that dialled, once nothing was heard for an interval; by the other side only if
  /// nothing was heard for `follower_patience` more. A link in use costs nothing, an idle one is
  /// pinged from one side (I13).
  when_silent,
  /// By this side at every interval, whatever else is said (POOL-04: bridges).
  always,
};

/// Who goes first where pings are sent `when_silent`: the dialler leads. Both sides know which they
/// are, so nothing is agreed on.
enum class PingPart : std::uint8_t { leads, follows };

struct KeepaliveOptions {
  PingPace pace = PingPace::when_silent;
  /// POOL-04: a ping every 30 s, or after 30 s of silence ...
  Duration interval = std::chrono::seconds(30);
  /// ... answered within 10 s.
  Duration answer_within = std::chrono::seconds(10);
  /// X12: unhealthy at the first miss, dead after so many in a row.
  unsigned misses_to_die = 3;
  /// How much longer the follower waits: the leader's ping, late by its whole answer time, still
  /// comes first.
  Duration follower_patience = std::chrono::seconds(10);
  /// With `always`, up to this much is taken off each interval at random, so that a node with many
  /// links does not ping them all at once. Silences begin at times of their own.
  Duration jitter = std::chrono::seconds(3);
};

/// When to ping, and what a missing pong means. The pings themselves are ordinary requests of the
/// channel.
///
///   silent for 30 s --> ping --> 10 s without a word --> unhealthy, ping --> 10 s --> ping --> 10
///   s
///                                                                                        --> died
///   a request of ours unanswered, and not a word since it left --> ping at once
///
/// So a link that somebody wants to use is given up 30 s after its first request was (40 s after it
/// was made), an idle one 60 s after the last word.
class Keepalive {
 public:
  enum class Effect : std::uint8_t { send_ping, became_unhealthy, became_healthy, died };

  /// `options` must outlive the machine: every link of a node has the same.
  Keepalive(const KeepaliveOptions& options, Rng rng) : options_(options), rng_(rng) {}
  Keepalive(KeepaliveOptions&& options, Rng rng) = delete;

  void start(Instant now, PingPart part = PingPart::leads);
  /// Until the next `start` nothing is said or armed, whatever is still reported (P-ML-1).
  void stop();
  /// The peer said something, whatever it was.
  void on_heard(Instant now);
  void on_pong(Instant now, Duration round_trip);
  /// The ping's own deadline passed.
  void on_miss(Instant now);
  /// A request that left at `asked_at` got no answer in time. If nothing else was heard since, the
  /// link is in doubt.
  void on_unanswered(Instant now, Instant asked_at);

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
  void ping(Instant now);
  void recover(Instant now);
  Duration silence_allowed() const;

  const KeepaliveOptions& options_;
  Rng rng_;
  PingPart part_ = PingPart::leads;
  Instant ping_at_ = kNever;
  Instant pinged_at_{};
  Instant heard_at_{};
  bool is_running_ = false;
  unsigned misses_ = 0;
  Duration smoothed_{};
  Outbox<Effect> outbox_;
};

}  // namespace trestle::link
