#include "trestle/dht/peer_latency.hpp"

#include <algorithm>

namespace trestle::dht {
namespace {

/// An hour is no round trip any more; and sums of these do not overflow.
constexpr std::int64_t kSampleMaxUs = std::int64_t{3600} * 1'000'000;
constexpr std::uint32_t kSmoothing = 8;
/// A step of the walk, as a part of the smoothed round trip: 19 of them come to more than half.
constexpr std::uint32_t kStepsPerRoundTrip = 32;
constexpr std::uint32_t kStepsUp = 19;
/// Of one sample one knows little: three of them are as good a guess as any.
constexpr std::uint32_t kFirstGuess = 3;

}  // namespace

void PeerLatency::add(Duration sample) {
  const auto us = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(sample.count(), std::int64_t{0}, kSampleMaxUs / kFirstGuess));
  if (!known_) {
    known_ = true;
    smoothed_us_ = us;
    p95_us_ = kFirstGuess * us;
    return;
  }
  smoothed_us_ = smoothed_us_ - smoothed_us_ / kSmoothing + us / kSmoothing;
  const std::uint32_t step = std::max(smoothed_us_ / kStepsPerRoundTrip, 1u);
  if (us > p95_us_) {
    p95_us_ += kStepsUp * step;
  } else {
    p95_us_ -= std::min(step, p95_us_ - us);
  }
}

void PeerLatencies::add(Instant now, const NodeId& peer, Duration sample) {
  Measured* known = measured_.find(peer);
  if (known == nullptr) {
    if (measured_.size() >= options_.peers_max) {
      const auto oldest = std::min_element(
          measured_.begin(), measured_.end(),
          [](const auto& left, const auto& right) { return left.second.at < right.second.at; });
      forget(NodeId(oldest->first));
    }
    known = measured_.insert(peer, {}).first;
  }
  sum_us_ -= known->latency.smoothed().count();
  known->latency.add(sample);
  known->at = now;
  sum_us_ += known->latency.smoothed().count();
}

void PeerLatencies::on_asked(Instant now, const NodeId& peer) {
  Measured* known = measured_.find(peer);
  if (known == nullptr) return;
  ++known->open;
  known->open_since = std::min(known->open_since, now);
}

/// Of questions that were asked before it was first measured nothing is known.
void PeerLatencies::on_ended(const NodeId& peer) {
  Measured* known = measured_.find(peer);
  if (known == nullptr || known->open == 0) return;
  if (--known->open == 0) known->open_since = kNever;
}

void PeerLatencies::on_answered(Instant now, const NodeId& peer) {
  Measured* known = measured_.find(peer);
  if (known != nullptr && known->open > 0) known->open_since = now;
}

void PeerLatencies::forget(const NodeId& peer) {
  const Measured* known = measured_.find(peer);
  if (known == nullptr) return;
  sum_us_ -= known->latency.smoothed().count();
  measured_.erase(peer);
}

const PeerLatency* PeerLatencies::find(const NodeId& peer) const {
  const Measured* known = measured_.find(peer);
  return known != nullptr ? &known->latency : nullptr;
}

bool PeerLatencies::is_silent(Instant now, const NodeId& peer, Duration at_least) const {
  const Measured* known = measured_.find(peer);
  if (known == nullptr || known->open_since == kNever) return false;
  return now - known->open_since > std::max(known->latency.p95(), at_least);
}

Duration PeerLatencies::assumed_p95() const { return average() * kFirstGuess; }

Duration PeerLatencies::average() const {
  if (measured_.empty()) return options_.assumed;
  return Duration(sum_us_ / static_cast<std::int64_t>(measured_.size()));
}

}  // namespace trestle::dht
