#include "trestle/link/rate_limiter.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/link/ip_address.hpp"

namespace trestle::link {

RateKey RateKey::of_unproven(std::string_view address, ConnectionId connection) {
  constexpr unsigned kPrefixBits = 64;
  constexpr unsigned kV4Bits = 32;
  const auto parsed = parse_ip_address(address);
  if (!parsed || parsed->is_local()) return of_connection(connection);
  const bool is_v4 = parsed->family == IpAddress::Family::v4;
  const std::uint64_t bits = parsed->prefix(is_v4 ? kV4Bits : kPrefixBits);
  return RateKey(Kind::address, {bits, is_v4 ? 4u : 6u, 0});
}

bool RateVerdict::crosses_threshold() const {
  if (allowed) return false;
  std::uint64_t threshold = 1;
  while (threshold < refused && threshold < UINT64_MAX / 10) threshold *= 10;
  return threshold == refused;
}

RateLimiter::RateLimiter(std::size_t peers_max) : peers_max_(peers_max) {
  TRESTLE_ASSERT(peers_max >= 1);
}

RateVerdict RateLimiter::take(Instant now, const RateKey& key, std::size_t budget,
                              const Rate& rate) {
  TRESTLE_ASSERT(budget < kBudgets);
  TRESTLE_ASSERT(rate.per_interval >= 1);
  TRESTLE_ASSERT(rate.burst >= rate.per_interval);
  Bucket& bucket = peer_of(now, key).buckets[budget];
  // One request costs this much of the bucket's time; rounded down, so that whoever keeps to the
  // published rate is never refused.
  const Duration cost = rate.interval / static_cast<int>(rate.per_interval);
  TRESTLE_ASSERT(cost > Duration::zero());
  const Duration capacity = cost * static_cast<int>(rate.burst);
  if (bucket.full_at <= now) {
    bucket = {.full_at = now, .cost = cost, .refused = 0};
  } else if (bucket.cost != cost) {
    // The rate has changed: as many requests are missing, and no more than the bucket holds.
    const Duration missing = (bucket.full_at - now) * cost.count() / bucket.cost.count();
    bucket.full_at = after(now, std::min(missing, capacity));
    bucket.cost = cost;
  }
  const Instant full_then = after(bucket.full_at, cost);
  if (full_then <= after(now, capacity)) {
    bucket.full_at = full_then;
    return {};
  }
  ++bucket.refused;
  const Duration some_left = cost * static_cast<int>(rate.burst - rate.per_interval);
  return {.allowed = false,
          .retry_after = std::max(bucket.full_at - some_left - now, cost),
          .refused = bucket.refused};
}

RateLimiter::Peer& RateLimiter::peer_of(Instant now, const RateKey& key) {
  if (Peer* known = peers_.find(key)) {
    known->used = now;
    return *known;
  }
  forget_full(now);
  if (peers_.size() >= peers_max_) forget_oldest();
  return *peers_.insert(key, {.buckets = {}, .used = now}).first;
}

/// A peer whose buckets are all full is like one that never asked.
void RateLimiter::forget_full(Instant now) {
  peers_.erase_if([now](const auto& peer) {
    const auto& buckets = peer.second.buckets;
    return std::all_of(buckets.begin(), buckets.end(),
                       [now](const Bucket& bucket) { return bucket.full_at <= now; });
  });
}

void RateLimiter::forget_oldest() {
  const auto oldest = std::min_element(
      peers_.begin(), peers_.end(),
      [](const auto& left, const auto& right) { return left.second.used < right.second.used; });
  peers_.erase(oldest);
}

}  // namespace trestle::link
