// Our own neighbourhood and the freshness of the table.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

/// As long as there are buckets that were never looked into, as after a start, refreshes follow so
/// many times closer: half a minute apart. Who has just come knows its neighbourhood and whom it
/// met on the way there. Thirteen buckets, as among 10,000, are filled within six minutes, for the
/// price of some hundred questions once.
constexpr std::int64_t kHurry = 20;
constexpr unsigned kOctantBits = 3;

/// Whether nothing was ever looked up in one of so many buckets: it was left alone for longer than
/// any time.
bool has_untouched(RefreshTurns& turns, Instant now, std::size_t buckets) {
  return turns.next(now, buckets, Duration::max()).has_value();
}

/// The octant of a bucket of which fewest are known and usable; of equals the one that comes first,
/// counted from `first` around.
std::size_t thinnest_octant(const RoutingTable& table, unsigned bucket, std::size_t first) {
  constexpr std::size_t kOctants = std::size_t{1} << kOctantBits;
  std::array<std::size_t, kOctants> known{};
  table.visit([&](const Peer& peer) {
    const NodeId& id = peer.contact.id;
    if (common_prefix_bits(table.self(), id) != bucket || table.is_failed(peer)) return;
    ++known[id.bits_from<kOctantBits>(bucket + 1)];
  });
  std::size_t thinnest = first;
  for (std::size_t step = 1; step < kOctants; ++step) {
    const std::size_t octant = (first + step) % kOctants;
    if (known[octant] < known[thinnest]) thinnest = octant;
  }
  return thinnest;
}

}  // namespace

void Dht::keep_up(Instant now) {
  if (self_lookup_at_ <= now) {
    self_lookup_at_ = kNever;
    if (knows_anybody()) begin_self_lookup(now);
  }
  probe_round_trips(now);
  if (refresh_at_ <= now) {
    refresh_at_ = kNever;
    if (!knows_anybody()) return;
    table_.replace_failed(now);
    begin_refresh(now);
    const Duration interval = options_.refresh_interval;
    const bool hurries = has_untouched(refresh_turns_, now, table_.bucket_count());
    refresh_at_ = jittered(now, hurries ? interval / kHurry : interval);
  }
}

/// While links are short, or nobody has confirmed it, the neighbourhood is looked up again and
/// again, linked or not: this is also how a node that lost everybody comes back through the peers
/// it remembers.
void Dht::plan_self_lookup(Instant now) {
  if (!open_ || self_lookup_running_ || self_lookup_at_ != kNever) return;
  if (!knows_anybody()) return;
  const bool confirmed = neighbourhood_confirmed(now);
  if (links_.size() >= options_.links_wanted && confirmed) return;
  // In a network of two nothing can be confirmed: that is no reason to hurry.
  const bool alone = links_.empty() || (!confirmed && table_.size() >= options_.confirming_answers);
  self_lookup_at_ =
      jittered(now, alone ? self_lookup_pace_.shortest() : self_lookup_pace_.interval());
}

/// Somebody came or went: the next look-up is not later than the first one after a change is.
void Dht::on_neighbourhood_changed(Instant now) {
  self_lookup_pace_.on_change();
  if (self_lookup_at_ != kNever && self_lookup_at_ - now > 2 * self_lookup_pace_.shortest()) {
    self_lookup_at_ = kNever;
  }
  plan_self_lookup(now);
  // Two could confirm what one could not: readiness waits for it.
  const bool hurries =
      links_.size() >= options_.confirming_answers && !neighbourhood_confirmed(now);
  if (self_lookup_at_ == kNever || !hurries) return;
  self_lookup_at_ = std::min(self_lookup_at_, jittered(now, options_.self_lookup_backoff / 4));
}

/// A peer that had been given up is linked again: others may be back with it, though we have links
/// enough (RECOV-06).
void Dht::on_returned(Instant now) {
  on_neighbourhood_changed(now);
  if (!self_lookup_running_ && self_lookup_at_ == kNever) {
    self_lookup_at_ = jittered(now, self_lookup_pace_.shortest());
  }
}

void Dht::begin_self_lookup(Instant now) {
  if (self_lookup_running_) return;
  self_lookup_running_ = true;
  self_lookup_at_ = kNever;
  begin(now, Purpose::self_lookup, LookupKind::find_node, self_.id, {});
}

void Dht::on_self_lookup_ended(Instant now, LookupEnded& ended) {
  self_lookup_running_ = false;
  const bool failed = ended.code != ErrorCode::none;
  confirm_neighbourhood(now, ended.stats);
  self_lookup_pace_.on_ended(ended.answered);
  if (failed && !neighbourhood_known_ && self_lookup_retries_ < options_.self_lookup_retries_max) {
    self_lookup_at_ = after(now, options_.self_lookup_backoff * (1u << self_lookup_retries_));
    ++self_lookup_retries_;
    return;
  }
  if (!failed) {
    refresh_turns_.on_lookup(now, bucket_of(self_.id));
    if (has_untouched(refresh_turns_, now, table_.bucket_count())) {
      refresh_at_ = std::min(refresh_at_, jittered(now, options_.refresh_interval / kHurry));
    }
    floor_.note(now, holders_among(ended.answered, options_.lookup.nearest - 1) + 1);
  }
  if (!neighbourhood_known_ || failed) {
    if (ended.answered.size() > options_.lookup.nearest) {
      ended.answered.resize(options_.lookup.nearest);
    }
    outbox_.push(NeighbourhoodKnown{.code = ended.code, .contacts = std::move(ended.answered)});
  }
  neighbourhood_known_ = !failed;
  if (!failed && options_.data == DataPolicy::keeps_data) {
    republisher_.on_warm(now);
    pump_upkeep(now);
  }
  self_lookup_retries_ = 0;
  plan_self_lookup(now);
}

/// No peer is asked twice by one lookup, so its answers come from as many peers.
void Dht::confirm_neighbourhood(Instant now, const LookupStats& lookup) {
  if (lookup.answers >= options_.confirming_answers) {
    neighbourhood_confirmed_at_ = now;
  } else {
    neighbourhood_confirmed_at_.reset();
  }
}

bool Dht::neighbourhood_confirmed(Instant now) const {
  return open_ && !links_.empty() && neighbourhood_confirmed_at_ &&
         now < after(*neighbourhood_confirmed_at_, options_.confirmation_holds);
}

/// As at the start: soon, with the same pauses between tries. Jittered, since whole networks lose
/// their links in the same moment (T33).
void Dht::on_all_links_lost(Instant now) {
  neighbourhood_known_ = false;
  neighbourhood_confirmed_at_.reset();
  republisher_.on_cold();
  looked_elsewhere_ = false;
  self_lookup_retries_ = 0;
  if (!open_ || self_lookup_running_ || !knows_anybody()) return;
  self_lookup_at_ = jittered(now, options_.self_lookup_backoff);
}

/// The bucket that was left alone longest, or, where users' look-ups touched them all, our own
/// neighbourhood, unless that is looked up soon anyhow.
void Dht::begin_refresh(Instant now) {
  if (!has_vacancy(Purpose::refresh)) return;
  const auto bucket =
      refresh_turns_.next(now, table_.bucket_count(), options_.refresh_interval / 2);
  if (!bucket) {
    if (self_lookup_at_ == kNever) begin_self_lookup(now);
    return;
  }
  const NodeId target = random_target(static_cast<unsigned>(*bucket));
  begin(now, Purpose::refresh, LookupKind::find_node, target, {});
}

bool Dht::knows_anybody() const {
  return !links_.empty() || table_.size() > 0 || heard_.size() > 0;
}

/// A random id in that octant of a bucket of which we know fewest. Whom a lookup meets lies close
/// together, and from farther away is worth as much as one of them.
NodeId Dht::random_target(unsigned bucket) {
  const std::uint64_t high = rng_.next();
  const std::uint64_t middle = rng_.next();
  const auto low = static_cast<std::uint32_t>(rng_.next());
  NodeId target(high, middle, low);
  for (unsigned bit = 0; bit <= bucket; ++bit) {
    const bool wanted = bit == bucket ? !self_.id.bit(bit) : self_.id.bit(bit);
    if (target.bit(bit) != wanted) target = target.with_bit_flipped(bit);
  }
  const std::size_t octant =
      thinnest_octant(table_, bucket, target.bits_from<kOctantBits>(bucket + 1));
  for (unsigned place = 0; place < kOctantBits; ++place) {
    const unsigned bit = bucket + 1 + place;
    const bool wanted = (octant >> (kOctantBits - 1 - place) & 1u) != 0;
    if (bit < NodeId::kBits && target.bit(bit) != wanted) target = target.with_bit_flipped(bit);
  }
  return target;
}

std::size_t Dht::bucket_of(const NodeId& target) const {
  return std::min<std::size_t>(common_prefix_bits(self_.id, target), table_.bucket_count() - 1);
}

Instant Dht::jittered(Instant now, Duration interval) {
  const Duration spread = interval / options_.jitter_divisor;
  return after(now, rng_.between(interval - spread, interval + spread));
}

}  // namespace trestle::dht
