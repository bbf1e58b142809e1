#include "trestle/mesh/stability.hpp"

#include <algorithm>

namespace trestle::mesh {
namespace {

/// One peer, followed through the events of the period.
struct Track {
  bool is_up = false;
  bool is_expected = false;
  Instant up_since{};
  Instant expected_since{};
};

}  // namespace

void Stability::on_up(Instant now, const NodeId& peer) {
  if (!up_since_.insert(peer, now).second) return;
  note({.at = now, .peer = peer, .up = true});
}

void Stability::on_down(Instant now, const NodeId& peer, bool expected) {
  if (!up_since_.erase(peer)) return;
  unexpected_total_ += expected ? 0 : 1;
  note({.at = now, .peer = peer, .up = false, .expected = expected});
}

void Stability::note(const StabilityEvent& event) {
  if (known_from_ == kNever) known_from_ = event.at;
  const auto is_old = [&](const StabilityEvent& old) {
    return after(old.at, options_.period) < event.at;
  };
  events_.erase(events_.begin(), std::find_if_not(events_.begin(), events_.end(), is_old));
  if (events_.size() >= options_.events_max) {
    known_from_ = events_.front().at + Duration(1);
    events_.erase(events_.begin());
  }
  events_.push_back(event);
}

Instant Stability::covered_from(Instant now) const {
  const Instant start = now - options_.period;
  return known_from_ > start ? std::min(known_from_, now) : start;
}

StabilityReport Stability::report(Instant now) const {
  const Instant start = covered_from(now);
  StabilityReport report;
  report.covered = now - start;
  Duration up{};
  Duration expected{};
  FlatMap<NodeId, Track> tracks;
  for (const StabilityEvent& event : events_) {
    if (event.at < start) continue;
    const auto [track, is_first] = tracks.insert(event.peer, Track{});
    if (is_first && !event.up) *track = {true, true, start, start};
    if (event.up) {
      ++report.connects;
      if (!track->is_expected) track->expected_since = event.at;
      track->is_expected = track->is_up = true;
      track->up_since = event.at;
      continue;
    }
    ++report.disconnects;
    report.unexpected += event.expected ? 0 : 1;
    up += event.at - track->up_since;
    track->is_up = false;
    if (!event.expected) continue;
    expected += event.at - track->expected_since;
    track->is_expected = false;
  }
  for (const auto& [peer, track] : tracks) {
    if (track.is_up) up += now - track.up_since;
    if (track.is_expected) expected += now - track.expected_since;
  }
  for (const auto& [peer, since] : up_since_) {
    if (tracks.contains(peer)) continue;
    up += report.covered;
    expected += report.covered;
  }
  if (expected > Duration::zero()) {
    report.uptime_per_mille = static_cast<std::uint32_t>(1000 * up.count() / expected.count());
    report.stable = 100 * up.count() >= options_.stable_percent * expected.count();
  }
  if (report.covered > Duration::zero()) {
    constexpr std::uint64_t kMilliPerMinute = 60'000'000'000;
    report.churn_per_minute_milli = (report.connects + report.disconnects) * kMilliPerMinute /
                                    static_cast<std::uint64_t>(report.covered.count());
  }
  if (report.unexpected > 0) {
    report.between_failures = up / static_cast<Duration::rep>(report.unexpected);
  }
  return report;
}

}  // namespace trestle::mesh
