#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

namespace trestle::dht {

/// How long one peer takes to answer: a value of a few bytes.
class PeerLatency {
 public:
  void add(Duration sample);

  /// Smoothed as RFC 6298 smooths it: an eighth of each new sample.
  Duration smoothed() const { return Duration(smoothed_us_); }
  /// Within this it answers 19 times of 20. Walks: a step down for every answer below, nineteen up
  /// for every one above, so that it rests where one in twenty is above.
  Duration p95() const { return Duration(p95_us_); }
  bool is_known() const { return known_; }

 private:
  std::uint32_t smoothed_us_ = 0;
  std::uint32_t p95_us_ = 0;
  bool known_ = false;
};

struct PeerLatenciesOptions {
  /// More than a table of a large network holds in practice (11 full buckets); the one that was
  /// heard of least recently gives way.
  std::size_t peers_max = 256;
  /// Assumed of everybody while nothing was measured (P-KR-9).
  Duration assumed = std::chrono::milliseconds(100);
};

/// What was measured of whom: a policy. Fed by the answers to questions that were asked anyway; no
/// probe is ever sent for it (LOOK-04).
class PeerLatencies {
 public:
  explicit PeerLatencies(const PeerLatenciesOptions& options) : options_(options) {}

  void add(Instant now, const NodeId& peer, Duration sample);
  /// It was asked, and later the question has ended, one way or the other.
  void on_asked(Instant now, const NodeId& peer);
  void on_ended(const NodeId& peer);
  /// It answered something: what else it was asked waits from now on.
  void on_answered(Instant now, const NodeId& peer);
  void forget(const NodeId& peer);

  const PeerLatency* find(const NodeId& peer) const;
  /// What is assumed of a peer that was never measured: the average of those that were (P-KR-9).
  Duration average() const;
  /// Within this somebody who was never measured is taken to answer.
  Duration assumed_p95() const;
  /// Has left a question unanswered for longer than 19 of 20 take it, and for `at_least`.
  bool is_silent(Instant now, const NodeId& peer, Duration at_least) const;
  std::size_t size() const { return measured_.size(); }

 private:
  struct Measured {
    PeerLatency latency;
    Instant at{};
    /// Questions that wait, and since when one of them does without another having been answered.
    std::uint32_t open = 0;
    Instant open_since = kNever;
  };

  PeerLatenciesOptions options_;
  FlatMap<NodeId, Measured> measured_;
  /// Of everybody's smoothed round trip.
  std::int64_t sum_us_ = 0;
};

}  // namespace trestle::dht
