#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// How long to wait between two look-ups of our own neighbourhood: a policy. What does not change
/// is looked at ever more rarely, so that a network of five, which never has the links that are
/// wanted, does not search for ever (D13, I13).
class SelfLookupPace {
 public:
  SelfLookupPace(Duration shortest, Duration longest)
      : shortest_(shortest), longest_(std::max(shortest, longest)), interval_(shortest) {}

  /// A look-up ended, and these answered.
  void on_ended(const wire::Contacts& answered) {
    const std::uint64_t mark = mark_of(answered);
    interval_ = mark == mark_ ? std::min(2 * interval_, longest_) : shortest_;
    mark_ = mark;
  }
  /// Somebody came or went.
  void on_change() { interval_ = shortest_; }

  Duration shortest() const { return shortest_; }
  Duration interval() const { return interval_; }

 private:
  /// Equal for the same peers in the same order; for others by accident only, which costs a wait.
  static std::uint64_t mark_of(const wire::Contacts& contacts) {
    std::uint64_t mark = contacts.size();
    for (const wire::Contact& contact : contacts) {
      mark = mark * 0x9e3779b97f4a7c15u + contact.id.high() + contact.id.low();
    }
    return mark;
  }

  Duration shortest_;
  Duration longest_;
  Duration interval_;
  std::uint64_t mark_ = 0;
};

/// Whose turn it is among the buckets to be refreshed: the one in which nothing was looked up for
/// longest. Whatever users look up counts, so a busy table refreshes itself. A policy.
class RefreshTurns {
 public:
  void on_lookup(Instant now, std::size_t bucket) {
    if (looked_up_.size() <= bucket) looked_up_.resize(bucket + 1, Instant::min());
    looked_up_[bucket] = now;
  }
  /// Nothing if each of so many buckets was touched within `interval`.
  std::optional<std::size_t> next(Instant now, std::size_t buckets, Duration interval) {
    if (looked_up_.size() < buckets) looked_up_.resize(buckets, Instant::min());
    const auto end = looked_up_.begin() + static_cast<std::ptrdiff_t>(buckets);
    const auto oldest = std::min_element(looked_up_.begin(), end);
    if (oldest == end || after(*oldest, interval) > now) return std::nullopt;
    return static_cast<std::size_t>(oldest - looked_up_.begin());
  }

 private:
  std::vector<Instant> looked_up_;
};

}  // namespace trestle::dht
