#include "trestle/link/breaker.hpp"

#include <algorithm>

namespace trestle::link {
namespace {

std::int64_t second_of(Instant now) {
  return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
}

}  // namespace

std::string_view name(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half-open";
  }
  return "closed";
}

BreakerState Breaker::state(Instant now) const {
  if (!tripped_) return BreakerState::closed;
  return now < open_until_ ? BreakerState::open : BreakerState::half_open;
}

bool Breaker::would_permit(Instant now) const {
  switch (state(now)) {
    case BreakerState::closed:
      return true;
    case BreakerState::open:
      return false;
    case BreakerState::half_open:
      return !probe_expires_ || now >= *probe_expires_;
  }
  return false;
}

std::optional<Breaker::Permit> Breaker::acquire(Instant now) {
  if (!would_permit(now)) return std::nullopt;
  if (!tripped_) return Permit{generation_, false};
  if (probe_expires_) ++generation_;  // the lost probe's late result must not count
  probe_expires_ = after(now, options_.probe_lease);
  return Permit{generation_, true};
}

void Breaker::on_success(Instant now, Permit permit) {
  if (permit.generation != generation_) return;
  record(now, false);
  consecutive_failures_ = 0;
  if (!permit.is_probe) return;
  probe_expires_.reset();
  if (++probe_successes_ < options_.successes_to_close) return;
  tripped_ = false;
  open_wait_ = Duration::zero();
  window_ = {};
  ++generation_;
}

void Breaker::on_failure(Instant now, Permit permit) {
  if (permit.generation != generation_) return;
  record(now, true);
  ++consecutive_failures_;
  if (permit.is_probe) {
    open(now, std::min(open_wait_ * 2, options_.open_cap));
  } else if (consecutive_failures_ >= options_.consecutive_failures_to_open || window_trips(now)) {
    open(now, options_.open_base);
  }
}

void Breaker::on_released(Permit permit) {
  if (permit.generation == generation_ && permit.is_probe) probe_expires_.reset();
}

void Breaker::open(Instant now, Duration wait) {
  tripped_ = true;
  open_wait_ = wait;
  open_until_ = after(now, wait);
  probe_expires_.reset();
  probe_successes_ = 0;
  consecutive_failures_ = 0;
  ++generation_;
  ++times_opened_;
}

void Breaker::record(Instant now, bool failed) {
  const std::int64_t second = second_of(now);
  Slice& slice = window_[static_cast<std::size_t>(second) % kWindowSlices];
  if (slice.second != second) slice = {second, 0, 0};
  ++slice.results;
  if (failed) ++slice.failures;
}

bool Breaker::window_trips(Instant now) const {
  const std::int64_t oldest = second_of(now) - static_cast<std::int64_t>(kWindowSlices) + 1;
  unsigned results = 0;
  unsigned failures = 0;
  for (const Slice& slice : window_) {
    if (slice.second < oldest) continue;
    results += slice.results;
    failures += slice.failures;
  }
  return results >= options_.window_results_min &&
         failures * 100 >= results * options_.window_failure_percent_to_open;
}

}  // namespace trestle::link
