#include "trestle/link/keepalive.hpp"

namespace trestle::link {

void Keepalive::start(Instant now) {
  is_running_ = true;
  misses_ = 0;
  arm(now);
}

void Keepalive::stop() {
  is_running_ = false;
  ping_at_ = kNever;
}

void Keepalive::on_pong(Instant now, Duration round_trip) {
  if (!is_running_) return;
  smoothed_ = smoothed_ == Duration::zero() ? round_trip : smoothed_ + (round_trip - smoothed_) / 8;
  if (misses_ > 0) {
    misses_ = 0;
    outbox_.push(Effect::became_healthy);
  }
  arm(now);
}

void Keepalive::on_miss(Instant now) {
  if (!is_running_) return;
  ++misses_;
  if (misses_ >= options_.misses_to_die) {
    stop();
    outbox_.push(Effect::died);
    return;
  }
  if (misses_ == 1) outbox_.push(Effect::became_unhealthy);
  // A doubtful link is asked again at once: waiting another interval would only delay the verdict.
  ping_at_ = now;
  on_deadline(now);
}

void Keepalive::on_deadline(Instant now) {
  if (now < ping_at_) return;
  ping_at_ = kNever;  // armed again by the pong or the miss
  outbox_.push(Effect::send_ping);
}

void Keepalive::arm(Instant now) {
  const Duration early = rng_.between(Duration::zero(), options_.jitter);
  ping_at_ = after(now, options_.interval - early);
}

}  // namespace trestle::link
