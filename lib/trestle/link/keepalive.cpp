#include "trestle/link/keepalive.hpp"

namespace trestle::link {

void Keepalive::start(Instant now, PingPart part) {
  part_ = part;
  is_running_ = true;
  misses_ = 0;
  heard_at_ = now;
  arm(now);
}

void Keepalive::stop() {
  is_running_ = false;
  ping_at_ = kNever;
}

void Keepalive::on_heard(Instant now) {
  heard_at_ = now;
  if (ping_at_ != kNever && options_.pace == PingPace::when_silent) arm(now);
}

void Keepalive::on_pong(Instant now, Duration round_trip) {
  if (!is_running_) return;
  heard_at_ = now;
  smoothed_ = smoothed_ == Duration::zero() ? round_trip : smoothed_ + (round_trip - smoothed_) / 8;
  recover(now);
}

void Keepalive::on_miss(Instant now) {
  if (!is_running_) return;
  // A pong that is held up behind other words of the peer: the link carries.
  if (options_.pace == PingPace::when_silent && heard_at_ > pinged_at_) return recover(now);
  ++misses_;
  if (misses_ >= options_.misses_to_die) {
    stop();
    outbox_.push(Effect::died);
    return;
  }
  if (misses_ == 1) outbox_.push(Effect::became_unhealthy);
  // A doubtful link is asked again at once: waiting another interval would only delay the verdict.
  ping(now);
}

void Keepalive::on_unanswered(Instant now, Instant asked_at) {
  const bool is_pinged = ping_at_ == kNever;
  if (is_running_ && !is_pinged && heard_at_ <= asked_at) ping(now);
}

void Keepalive::on_deadline(Instant now) {
  if (now >= ping_at_) ping(now);
}

void Keepalive::ping(Instant now) {
  ping_at_ = kNever;  // armed again by the pong or the miss
  pinged_at_ = now;
  outbox_.push(Effect::send_ping);
}

void Keepalive::recover(Instant now) {
  if (misses_ > 0) {
    misses_ = 0;
    outbox_.push(Effect::became_healthy);
  }
  arm(now);
}

void Keepalive::arm(Instant now) {
  if (options_.pace == PingPace::when_silent) {
    ping_at_ = after(heard_at_, silence_allowed());
    return;
  }
  const Duration early = rng_.between(Duration::zero(), options_.jitter);
  ping_at_ = after(now, options_.interval - early);
}

Duration Keepalive::silence_allowed() const {
  return part_ == PingPart::leads ? options_.interval
                                  : options_.interval + options_.follower_patience;
}

}  // namespace trestle::link
