#include "trestle/dht/routing_table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/dht/routing_table_flags.hpp"

namespace trestle::dht {
namespace {

/// Whoever takes longer has been asked in vain.
constexpr Duration kRoundTripMax = std::chrono::hours(1);

/// What is unknown comes after whatever was measured.
Duration rank_of(Duration round_trip) {
  return round_trip == Duration::zero() ? Duration::max() : round_trip;
}

/// One peer's flag was, and is now.
void count_flag(std::size_t& count, int before, int now) {
  if (before != 0) --count;
  if (now != 0) ++count;
}

}  // namespace

RoutingTable::RoutingTable(const NodeId& self, const RoutingTableOptions& options)
    : self_(self), options_(options) {
  TRESTLE_ASSERT(options.bucket_peers_max >= 1);
  TRESTLE_ASSERT(options.bucket_peers_max <= kBucketPeersCeiling);
  TRESTLE_ASSERT(options.replacements_max <= options.bucket_peers_max);
  TRESTLE_ASSERT(options.failures_max <= std::numeric_limits<decltype(Peer::failures)>::max());
  TRESTLE_ASSERT(options.buckets_max >= 1);
  TRESTLE_ASSERT(options.buckets_max <= NodeId::kBits);
  grow();
}

void RoutingTable::grow() {
  buckets_.emplace_back();
  const std::size_t places = first(buckets_.size());
  // To the place: a table grows by a bucket a few times in its life, and is there for years.
  keys_.reserve(places);
  flags_.reserve(places);
  indices_.reserve(places);
  keys_.resize(places);
  flags_.resize(places);
  indices_.resize(places);
}

// ---- where things are

std::size_t RoutingTable::bucket_of(const NodeId& id) const {
  return std::min<std::size_t>(common_prefix_bits(self_, id), buckets_.size() - 1);
}

std::optional<std::size_t> RoutingTable::place_of(std::size_t bucket, const NodeId& id) const {
  const std::size_t octant = octant_of(bucket, id);
  const auto& begins = buckets_[bucket].begins;
  const std::size_t end = first(bucket) + begins[octant + 1];
  for (std::size_t place = first(bucket) + begins[octant]; place < end; ++place) {
    if (look_alike(keys_[place], id.high()) && id_at(place) == id) return place;
  }
  return std::nullopt;
}

std::optional<std::size_t> RoutingTable::replacement_of(const Bucket& bucket, const NodeId& id) {
  for (std::size_t index = 0; index < bucket.replacements.size(); ++index) {
    if (bucket.replacements[index].contact.id == id) return index;
  }
  return std::nullopt;
}

const Peer* RoutingTable::find(const NodeId& id) const {
  const auto place = place_of(bucket_of(id), id);
  return place ? &peers_[indices_[*place]] : nullptr;
}

// ---- inputs

Offer RoutingTable::offer(Instant now, const wire::Contact& contact, const PeerGroups& groups) {
  if (contact.address.empty()) return Offer::refused;
  return admit(now, contact, groups, false);
}

Offer RoutingTable::on_connected(Instant now, const wire::Contact& contact,
                                 const PeerGroups& groups) {
  return admit(now, contact, groups, true);
}

Offer RoutingTable::admit(Instant now, const wire::Contact& contact, const PeerGroups& groups,
                          bool connected) {
  if (contact.id == self_) return Offer::refused;
  std::size_t bucket = bucket_of(contact.id);
  if (renew(now, bucket, contact, groups, connected)) return Offer::updated;
  while (buckets_[bucket].peers == options_.bucket_peers_max && bucket + 1 == buckets_.size() &&
         buckets_.size() < options_.buckets_max) {
    split();
    bucket = bucket_of(contact.id);
    // It may have been waiting itself, and have moved up just now.
    if (const auto place = place_of(bucket, contact.id)) {
      update(now, *place, contact, groups, connected);
      return Offer::added;
    }
  }
  const bool crowded = !within_caps(bucket, groups);
  if (crowded) ++crowded_;
  if (!crowded && !has_room(bucket, contact.dialect, groups) && replace_one(now, bucket, true)) {
    // It may have been waiting itself, and have moved up just now.
    if (renew(now, bucket, contact, groups, connected)) return Offer::added;
  }
  if (!has_room(bucket, contact.dialect, groups)) {
    return cache(now, bucket, contact, groups, connected);
  }
  Peer peer{.contact = KnownContact(contact),
            .groups = groups,
            .since = now,
            .seen = now,
            .round_trip_us = 0,
            .failures = 0,
            .connected = connected};
  auto& waiting = buckets_[bucket].replacements;
  if (const auto index = replacement_of(buckets_[bucket], contact.id)) {
    peer.connected = connected || waiting[*index].connected;
    peer.round_trip_us = waiting[*index].round_trip_us;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*index));
  }
  add(bucket, std::move(peer));
  return Offer::added;
}

/// Takes over what is said of a peer that has a place. One that had proven itself and now comes in
/// the old dialect proves nothing any more: where those have their share it loses its place, and is
/// a newcomer.
bool RoutingTable::renew(Instant now, std::size_t bucket, const wire::Contact& contact,
                         const PeerGroups& groups, bool& connected) {
  const auto place = place_of(bucket, contact.id);
  if (!place) return false;
  const Peer& peer = peers_[indices_[*place]];
  const bool outgrows_share = contact.dialect == wire::Dialect::legacy &&
                              peer.contact.dialect != wire::Dialect::legacy &&
                              buckets_[bucket].legacy_peers >= options_.legacy_peers_per_bucket_max;
  if (!outgrows_share) {
    update(now, *place, contact, groups, connected);
    return true;
  }
  connected = connected || peer.connected;
  take_out(bucket, *place);
  refill(bucket);
  return false;
}

void RoutingTable::update(Instant now, std::size_t place, const wire::Contact& contact,
                          const PeerGroups& groups, bool connected) {
  Peer& peer = peers_[indices_[place]];
  Bucket& bucket = buckets_[place / options_.bucket_peers_max];
  if (peer.contact.dialect == wire::Dialect::legacy) --bucket.legacy_peers;
  if (contact.dialect == wire::Dialect::legacy) ++bucket.legacy_peers;
  // Whoever comes back from a place whose share is taken goes on counting where it was.
  if (!(peer.groups == groups)) {
    const PeerGroups before = std::exchange(peer.groups, PeerGroups{});
    peer.groups = within_caps(place / options_.bucket_peers_max, groups) ? groups : before;
  }
  peer.contact = KnownContact(contact);
  peer.seen = now;
  peer.failures = 0;
  peer.connected = peer.connected || connected;
  refresh_flags(place);
}

void RoutingTable::on_disconnected(Instant /*now*/, const NodeId& id) {
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    Peer& peer = peers_[indices_[*place]];
    peer.connected = false;
    refresh_flags(*place);
    if (!peer.known()) remove(id);
    return;
  }
  if (const auto index = replacement_of(buckets_[bucket], id)) {
    Peer& replacement = buckets_[bucket].replacements[*index];
    replacement.connected = false;
    if (!replacement.known()) remove(id);
  }
}

void RoutingTable::on_seen(Instant now, const NodeId& id) {
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    Peer& peer = peers_[indices_[*place]];
    peer.seen = now;
    if (std::exchange(peer.failures, 0) != 0) refresh_flags(*place);
    return;
  }
  if (const auto index = replacement_of(buckets_[bucket], id)) {
    auto& waiting = buckets_[bucket].replacements;
    waiting[*index].seen = now;
    const auto seen = waiting.begin() + static_cast<std::ptrdiff_t>(*index);
    std::rotate(seen, seen + 1, waiting.end());
  }
}

void RoutingTable::on_round_trip(const NodeId& id, Duration round_trip) {
  const auto us =
      static_cast<std::uint32_t>(std::clamp(round_trip, Duration::zero(), kRoundTripMax).count());
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    peers_[indices_[*place]].round_trip_us = us;
  } else if (const auto index = replacement_of(buckets_[bucket], id)) {
    buckets_[bucket].replacements[*index].round_trip_us = us;
  }
}

void RoutingTable::on_failure(Instant now, const NodeId& id) {
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    Peer& peer = peers_[indices_[*place]];
    if (peer.failures < options_.failures_max) ++peer.failures;
    refresh_flags(*place);
    replace_one(now, bucket, false);
    return;
  }
  // A peer in waiting has nothing but its last sign of life to recommend it.
  if (const auto index = replacement_of(buckets_[bucket], id)) {
    if (!buckets_[bucket].replacements[*index].connected) remove(id);
  }
}

bool RoutingTable::remove(const NodeId& id) {
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    take_out(bucket, *place);
    refill(bucket);
    return true;
  }
  if (const auto index = replacement_of(buckets_[bucket], id)) {
    auto& waiting = buckets_[bucket].replacements;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*index));
    return true;
  }
  return false;
}

void RoutingTable::replace_failed(Instant now) {
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    while (replace_one(now, bucket, false)) {
    }
  }
}

// ---- buckets and caches

bool RoutingTable::has_room(std::size_t bucket, wire::Dialect dialect,
                            const PeerGroups& groups) const {
  if (buckets_[bucket].peers == options_.bucket_peers_max) return false;
  if (dialect == wire::Dialect::legacy &&
      buckets_[bucket].legacy_peers >= options_.legacy_peers_per_bucket_max) {
    return false;
  }
  return within_caps(bucket, groups);
}

/// Whether one more of these groups may enter the bucket.
bool RoutingTable::within_caps(std::size_t bucket, const PeerGroups& groups) const {
  if (options_.diversity.mode == Diversity::off) return true;
  return within_cap(bucket, &PeerGroups::place, groups.place) &&
         within_cap(bucket, &PeerGroups::inviter, groups.inviter);
}

bool RoutingTable::within_cap(std::size_t bucket, PeerGroup PeerGroups::* kind,
                              PeerGroup group) const {
  if (group.is_exempt()) return true;
  std::size_t here = 0;
  std::size_t in_all = 0;
  for (std::size_t one = 0; one < buckets_.size(); ++one) {
    for (std::size_t place = first(one); place < last(one); ++place) {
      if (peers_[indices_[place]].groups.*kind != group) continue;
      ++in_all;
      if (one == bucket) ++here;
    }
  }
  return here < options_.diversity.per_bucket_max && in_all < options_.diversity.per_table_max;
}

void RoutingTable::add(std::size_t bucket, Peer peer) {
  std::uint32_t index = static_cast<std::uint32_t>(peers_.size());
  if (vacant_.empty()) {
    if (peers_.size() == peers_.capacity()) {
      peers_.reserve(peers_.size() + options_.bucket_peers_max);
    }
    peers_.emplace_back();
  } else {
    index = vacant_.back();
    vacant_.pop_back();
  }
  peers_[index] = std::move(peer);
  place_peer(bucket, index);
  ++size_;
}

/// At the end of its octant, to which the first of each later one makes way by moving to that one's
/// end.
void RoutingTable::place_peer(std::size_t bucket, std::uint32_t index) {
  Bucket& its = buckets_[bucket];
  const NodeId& id = peers_[index].contact.id;
  const std::size_t octant = octant_of(bucket, id);
  std::size_t place = last(bucket);
  ++its.begins[kOctants];
  for (std::size_t later = kOctants; --later > octant;) {
    const std::size_t begin = first(bucket) + its.begins[later]++;
    copy_place(begin, place);
    place = begin;
  }
  keys_[place] = key_of(id, place);
  indices_[place] = index;
  flags_[place] = 0;
  ++its.peers;
  refresh_flags(place);
  its.has_twins = its.has_twins || has_twins(bucket);
  if (peers_[index].contact.dialect == wire::Dialect::legacy) ++its.legacy_peers;
}

bool RoutingTable::has_twins(std::size_t bucket) const {
  for (std::size_t left = first(bucket); left < last(bucket); ++left) {
    for (std::size_t right = left + 1; right < last(bucket); ++right) {
      if (look_alike(keys_[left], keys_[right])) return true;
    }
  }
  return false;
}

void RoutingTable::copy_place(std::size_t from, std::size_t to) {
  keys_[to] = (keys_[from] & ~kPeerBits) | to % options_.bucket_peers_max;
  flags_[to] = flags_[from];
  indices_[to] = indices_[from];
}

void RoutingTable::refresh_flags(std::size_t place) {
  const Peer& peer = peers_[indices_[place]];
  std::uint8_t flags = 0;
  if (peer.connected) flags |= kConnected;
  if (is_failed(peer)) flags |= kFailed;
  if (peer.failures > 0) flags |= kDoubtful;
  Bucket& bucket = buckets_[place / options_.bucket_peers_max];
  count_flag(bucket.failed_peers, flags_[place] & kFailed, flags & kFailed);
  count_flag(bucket.doubtful_peers, flags_[place] & kDoubtful, flags & kDoubtful);
  flags_[place] = flags;
}

void RoutingTable::take_out(std::size_t bucket, std::size_t place) {
  const std::uint32_t index = indices_[place];
  Bucket& its = buckets_[bucket];
  if (peers_[index].contact.dialect == wire::Dialect::legacy) --its.legacy_peers;
  count_flag(its.failed_peers, flags_[place] & kFailed, 0);
  count_flag(its.doubtful_peers, flags_[place] & kDoubtful, 0);
  // The last of its octant takes its place, the last of the next one that one's, and so on.
  for (std::size_t octant = octant_of(bucket, peers_[index].contact.id); octant < kOctants;
       ++octant) {
    const std::size_t end = first(bucket) + its.begins[octant + 1]--;
    copy_place(end - 1, place);
    place = end - 1;
  }
  --its.peers;
  its.has_twins = its.has_twins && has_twins(bucket);
  peers_[index] = Peer{};
  vacant_.push_back(index);
  --size_;
}

/// The best of those who wait moves up, until nobody fits any more.
void RoutingTable::refill(std::size_t bucket) {
  auto& waiting = buckets_[bucket].replacements;
  while (true) {
    std::size_t best = waiting.size();
    for (std::size_t index = waiting.size(); index-- > 0;) {
      const Peer& one = waiting[index];
      if (!has_room(bucket, one.contact.dialect, one.groups)) continue;
      if (best == waiting.size() || goes_before(one, waiting[best])) best = index;
    }
    if (best == waiting.size()) return;
    Peer promoted = std::move(waiting[best]);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(best));
    add(bucket, std::move(promoted));
  }
}

/// Of two who wait, `right` having been seen more recently. Only with proximity anything else than
/// that counts: the link, then the round trip.
bool RoutingTable::goes_before(const Peer& left, const Peer& right) const {
  if (options_.proximity == Proximity::off) return false;
  if (left.connected != right.connected) return left.connected;
  return rank_of(left.round_trip()) < rank_of(right.round_trip());
}

bool RoutingTable::replace_one(Instant now, std::size_t bucket, bool even_if_none_waits) {
  if (buckets_[bucket].replacements.empty() && !even_if_none_waits) return false;
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    const Peer& peer = peers_[indices_[place]];
    if (!is_failed(peer) || now - peer.seen <= options_.protection) continue;
    take_out(bucket, place);
    refill(bucket);
    ++replaced_;
    return true;
  }
  return false;
}

Offer RoutingTable::cache(Instant now, std::size_t bucket, const wire::Contact& contact,
                          const PeerGroups& groups, bool connected) {
  if (options_.replacements_max == 0) return Offer::refused;
  auto& waiting = buckets_[bucket].replacements;
  Peer newcomer{.contact = KnownContact(contact),
                .groups = groups,
                .since = now,
                .seen = now,
                .round_trip_us = 0,
                .failures = 0,
                .connected = connected};
  if (const auto index = replacement_of(buckets_[bucket], contact.id)) {
    newcomer.connected = connected || waiting[*index].connected;
    newcomer.round_trip_us = waiting[*index].round_trip_us;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*index));
  } else {
    make_room_in_cache(waiting, groups);
  }
  waiting.push_back(std::move(newcomer));
  return Offer::cached;
}

/// The one seen longest ago goes; in an open network the one of the newcomer's own group, if that
/// has its share of the cache.
void RoutingTable::make_room_in_cache(std::vector<Peer>& waiting, const PeerGroups& groups) const {
  const auto is_kin = [&](const Peer& one) {
    return (!groups.place.is_exempt() && one.groups.place == groups.place) ||
           (!groups.inviter.is_exempt() && one.groups.inviter == groups.inviter);
  };
  if (options_.diversity.mode == Diversity::open) {
    const auto kin = std::count_if(waiting.begin(), waiting.end(), is_kin);
    if (static_cast<std::size_t>(kin) >= options_.diversity.per_bucket_max) {
      waiting.erase(std::find_if(waiting.begin(), waiting.end(), is_kin));
      return;
    }
  }
  if (waiting.size() == options_.replacements_max) waiting.erase(waiting.begin());
}

void RoutingTable::split() {
  const std::size_t old = buckets_.size() - 1;
  grow();
  ++splits_;
  const std::vector<std::uint32_t> members(
      indices_.begin() + static_cast<std::ptrdiff_t>(first(old)),
      indices_.begin() + static_cast<std::ptrdiff_t>(last(old)));
  buckets_[old].peers = 0;
  buckets_[old].begins = {};
  buckets_[old].has_twins = false;
  buckets_[old].legacy_peers = 0;
  buckets_[old].failed_peers = 0;
  buckets_[old].doubtful_peers = 0;
  for (const std::uint32_t index : members) {
    place_peer(bucket_of(peers_[index].contact.id), index);
  }
  std::vector<Peer> waiting = std::move(buckets_[old].replacements);
  buckets_[old].replacements.clear();
  for (Peer& replacement : waiting) {
    buckets_[bucket_of(replacement.contact.id)].replacements.push_back(std::move(replacement));
  }
  refill(old);
  refill(old + 1);
}

// ---- look

std::vector<PeerIndex> RoutingTable::by_preference(std::size_t bucket) const {
  TRESTLE_ASSERT(bucket < buckets_.size());
  std::vector<PeerIndex> order;
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    order.push_back(PeerIndex{indices_[place]});
  }
  std::sort(order.begin(), order.end(), [this](PeerIndex left, PeerIndex right) {
    const Peer& one = at(left);
    const Peer& other = at(right);
    if (is_failed(one) != is_failed(other)) return is_failed(other);
    if (one.connected != other.connected) return one.connected;
    if (options_.proximity == Proximity::by_round_trip &&
        one.round_trip_us != other.round_trip_us) {
      return rank_of(one.round_trip()) < rank_of(other.round_trip());
    }
    return one.contact.id < other.contact.id;
  });
  return order;
}

BucketStats RoutingTable::bucket(std::size_t index) const {
  TRESTLE_ASSERT(index < buckets_.size());
  BucketStats stats{.peers = buckets_[index].peers,
                    .connected = 0,
                    .replacements = buckets_[index].replacements.size()};
  for (std::size_t place = first(index); place < last(index); ++place) {
    if (peers_[indices_[place]].connected) ++stats.connected;
  }
  return stats;
}

RoutingTableStats RoutingTable::stats() const {
  RoutingTableStats stats{.peers = size_,
                          .connected = 0,
                          .replacements = 0,
                          .buckets = buckets_.size(),
                          .splits = splits_,
                          .replaced = replaced_,
                          .crowded = crowded_};
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    const BucketStats one = bucket(index);
    stats.connected += one.connected;
    stats.replacements += one.replacements;
  }
  return stats;
}

}  // namespace trestle::dht
