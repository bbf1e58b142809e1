#include "trestle/dht/routing_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {
namespace {

constexpr std::uint8_t kConnected = 1;
constexpr std::uint8_t kFailed = 2;

/// Upper bound of `bucket_peers_max`: a bucket is ranked on the stack, by keys of 64 bits whose
/// last six say which peer.
constexpr std::size_t kBucketPeersCeiling = 64;
constexpr std::uint64_t kPeerBits = kBucketPeersCeiling - 1;

/// Whether both keys carry the same part of a distance, so that it does not decide between them.
bool same_distance(std::uint64_t left, std::uint64_t right) { return (left ^ right) <= kPeerBits; }

/// The peers that pass have exactly these of the masked bits set.
struct Condition {
  std::uint8_t mask;
  std::uint8_t wanted;
};

Condition condition_of(Reach reach) {
  switch (reach) {
    case Reach::connected:
      return {kConnected | kFailed, kConnected};
    case Reach::usable:
      return {kFailed, 0};
    case Reach::failed:
      break;
  }
  return {kFailed, kFailed};
}

}  // namespace

RoutingTable::RoutingTable(const NodeId& self, const RoutingTableOptions& options)
    : self_(self), options_(options) {
  TRESTLE_ASSERT(options.bucket_peers_max >= 1);
  TRESTLE_ASSERT(options.bucket_peers_max <= kBucketPeersCeiling);
  TRESTLE_ASSERT(options.replacements_max <= options.bucket_peers_max);
  TRESTLE_ASSERT(options.buckets_max >= 1);
  TRESTLE_ASSERT(options.buckets_max <= NodeId::kBits);
  grow();
}

void RoutingTable::grow() {
  buckets_.emplace_back();
  const std::size_t places = first(buckets_.size());
  ids_.resize(places);
  flags_.resize(places);
  indices_.resize(places);
}

// ---- where things are

std::size_t RoutingTable::bucket_of(const NodeId& id) const {
  return std::min<std::size_t>(common_prefix_bits(self_, id), buckets_.size() - 1);
}

std::optional<std::size_t> RoutingTable::place_of(std::size_t bucket, const NodeId& id) const {
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    if (ids_[place] == id) return place;
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

Offer RoutingTable::offer(Instant now, const wire::Contact& contact) {
  if (contact.address.empty()) return Offer::refused;
  return admit(now, contact, false);
}

Offer RoutingTable::on_connected(Instant now, const wire::Contact& contact) {
  return admit(now, contact, true);
}

Offer RoutingTable::admit(Instant now, const wire::Contact& contact, bool connected) {
  if (contact.id == self_) return Offer::refused;
  std::size_t bucket = bucket_of(contact.id);
  if (const auto place = place_of(bucket, contact.id)) {
    update(now, *place, contact, connected);
    return Offer::updated;
  }
  while (buckets_[bucket].peers == options_.bucket_peers_max && bucket + 1 == buckets_.size() &&
         buckets_.size() < options_.buckets_max) {
    split();
    bucket = bucket_of(contact.id);
  }
  if (!has_room(bucket, contact.dialect) && replace_one(now, bucket, true)) {
    // It may have been waiting itself, and have moved up just now.
    if (const auto place = place_of(bucket, contact.id)) {
      update(now, *place, contact, connected);
      return Offer::added;
    }
  }
  if (!has_room(bucket, contact.dialect)) return cache(now, bucket, contact, connected);
  auto& waiting = buckets_[bucket].replacements;
  if (const auto index = replacement_of(buckets_[bucket], contact.id)) {
    connected = connected || waiting[*index].connected;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*index));
  }
  add(bucket, contact, now, connected);
  return Offer::added;
}

void RoutingTable::update(Instant now, std::size_t place, const wire::Contact& contact,
                          bool connected) {
  Peer& peer = peers_[indices_[place]];
  Bucket& bucket = buckets_[place / options_.bucket_peers_max];
  if (peer.contact.dialect == wire::Dialect::legacy) --bucket.legacy_peers;
  if (contact.dialect == wire::Dialect::legacy) ++bucket.legacy_peers;
  peer.contact = contact;
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
    Replacement& replacement = buckets_[bucket].replacements[*index];
    replacement.connected = false;
    if (replacement.contact.address.empty()) remove(id);
  }
}

void RoutingTable::on_seen(Instant now, const NodeId& id) {
  const std::size_t bucket = bucket_of(id);
  if (const auto place = place_of(bucket, id)) {
    Peer& peer = peers_[indices_[*place]];
    peer.seen = now;
    peer.failures = 0;
    refresh_flags(*place);
    return;
  }
  if (const auto index = replacement_of(buckets_[bucket], id)) {
    auto& waiting = buckets_[bucket].replacements;
    waiting[*index].seen = now;
    const auto seen = waiting.begin() + static_cast<std::ptrdiff_t>(*index);
    std::rotate(seen, seen + 1, waiting.end());
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

bool RoutingTable::has_room(std::size_t bucket, wire::Dialect dialect) const {
  if (buckets_[bucket].peers == options_.bucket_peers_max) return false;
  return dialect != wire::Dialect::legacy ||
         buckets_[bucket].legacy_peers < options_.legacy_peers_per_bucket_max;
}

void RoutingTable::add(std::size_t bucket, const wire::Contact& contact, Instant seen,
                       bool connected) {
  std::uint32_t index = static_cast<std::uint32_t>(peers_.size());
  if (vacant_.empty()) {
    peers_.emplace_back();
  } else {
    index = vacant_.back();
    vacant_.pop_back();
  }
  peers_[index] = Peer{.contact = contact, .seen = seen, .failures = 0, .connected = connected};
  place_peer(bucket, index);
  ++size_;
}

void RoutingTable::place_peer(std::size_t bucket, std::uint32_t index) {
  const std::size_t place = last(bucket);
  ids_[place] = peers_[index].contact.id;
  indices_[place] = index;
  refresh_flags(place);
  ++buckets_[bucket].peers;
  if (peers_[index].contact.dialect == wire::Dialect::legacy) ++buckets_[bucket].legacy_peers;
}

void RoutingTable::refresh_flags(std::size_t place) {
  const Peer& peer = peers_[indices_[place]];
  std::uint8_t flags = 0;
  if (peer.connected) flags |= kConnected;
  if (is_failed(peer)) flags |= kFailed;
  flags_[place] = flags;
}

void RoutingTable::take_out(std::size_t bucket, std::size_t place) {
  const std::uint32_t index = indices_[place];
  if (peers_[index].contact.dialect == wire::Dialect::legacy) --buckets_[bucket].legacy_peers;
  const std::size_t end = last(bucket) - 1;
  ids_[place] = ids_[end];
  flags_[place] = flags_[end];
  indices_[place] = indices_[end];
  --buckets_[bucket].peers;
  peers_[index] = Peer{};
  vacant_.push_back(index);
  --size_;
}

void RoutingTable::refill(std::size_t bucket) {
  auto& waiting = buckets_[bucket].replacements;
  std::size_t left = waiting.size();
  while (left > 0) {
    --left;
    if (!has_room(bucket, waiting[left].contact.dialect)) continue;
    const Replacement promoted = std::move(waiting[left]);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(left));
    add(bucket, promoted.contact, promoted.seen, promoted.connected);
  }
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
                          bool connected) {
  if (options_.replacements_max == 0) return Offer::refused;
  auto& waiting = buckets_[bucket].replacements;
  if (const auto index = replacement_of(buckets_[bucket], contact.id)) {
    connected = connected || waiting[*index].connected;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*index));
  } else if (waiting.size() == options_.replacements_max) {
    waiting.erase(waiting.begin());
  }
  waiting.push_back({.contact = contact, .seen = now, .connected = connected});
  return Offer::cached;
}

void RoutingTable::split() {
  const std::size_t old = buckets_.size() - 1;
  grow();
  ++splits_;
  const std::size_t begin = first(old);
  const std::size_t end = last(old);
  buckets_[old].peers = 0;
  buckets_[old].legacy_peers = 0;
  // Those that stay move down inside their own bucket: a place is written only after it was read.
  for (std::size_t place = begin; place < end; ++place) {
    const std::uint32_t index = indices_[place];
    place_peer(bucket_of(peers_[index].contact.id), index);
  }
  std::vector<Replacement> waiting = std::move(buckets_[old].replacements);
  buckets_[old].replacements.clear();
  for (Replacement& replacement : waiting) {
    buckets_[bucket_of(replacement.contact.id)].replacements.push_back(std::move(replacement));
  }
  refill(old);
  refill(old + 1);
}

// ---- nearest

/// Appends the nearest of one bucket. Insertion into a short sorted run of whole words, no call and
/// no allocation: at k = 20 nothing is faster. Should the first 58 bits of two distances agree,
/// which takes a forged id, the words cannot tell them apart and all is sorted by whole distances.
void RoutingTable::visit_bucket(std::size_t bucket, const Question& question,
                                std::span<PeerIndex> out, std::size_t& found) const {
  // One more place in front: zero is never larger than a key, so the insertion needs no other end.
  std::array<std::uint64_t, kBucketPeersCeiling + 1> sorted;
  sorted[0] = 0;
  std::uint64_t* const keys = sorted.data() + 1;
  const std::size_t begin = first(bucket);
  const std::size_t peers = buckets_[bucket].peers;
  const std::size_t wanted = out.size() - found;
  const std::size_t excluded = question.excluded - begin;
  const NodeId* const ids = ids_.data() + begin;
  const std::uint8_t* const flags = flags_.data() + begin;
  std::size_t count = 0;
  bool tied = false;
  for (std::size_t peer = 0; peer < peers; ++peer) {
    if ((flags[peer] & question.mask) != question.flags || peer == excluded) continue;
    const std::uint64_t key = ((ids[peer].high() ^ question.target.high()) & ~kPeerBits) | peer;
    std::uint64_t* at = keys + count;
    if (count < wanted) {
      ++count;
    } else {
      --at;
      tied = tied || same_distance(key, *at);
      if (key > *at) continue;
    }
    for (; key < at[-1]; --at) *at = at[-1];
    *at = key;
  }
  for (std::size_t rank = 1; rank < count; ++rank) {
    if (same_distance(keys[rank - 1], keys[rank])) tied = true;
  }
  if (tied) return visit_tied_bucket(bucket, question, out, found);
  const std::uint32_t* const indices = indices_.data() + begin;
  PeerIndex* const nearest = out.data() + found;
  for (std::size_t rank = 0; rank < count; ++rank) {
    nearest[rank] = PeerIndex{indices[keys[rank] & kPeerBits]};
  }
  found += count;
}

void RoutingTable::visit_tied_bucket(std::size_t bucket, const Question& question,
                                     std::span<PeerIndex> out, std::size_t& found) const {
  std::vector<std::size_t> places;
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    if ((flags_[place] & question.mask) != question.flags || place == question.excluded) continue;
    places.push_back(place);
  }
  std::sort(places.begin(), places.end(), [&](std::size_t left, std::size_t right) {
    return closer(question.target, ids_[left], ids_[right]);
  });
  for (const std::size_t place : places) {
    if (found == out.size()) return;
    out[found++] = PeerIndex{indices_[place]};
  }
}

std::size_t RoutingTable::closest(const NodeId& target, const Selection& selection,
                                  std::span<PeerIndex> out) const {
  // Ids of bucket b agree with ours in b bits and differ in the next. Seen from the target, a
  // bucket whose bit differs between target and us is nearer than all later ones together, any
  // other one is farther than all later ones together. So: the former ascending, the last, the
  // latter descending.
  const Condition condition = condition_of(selection.reach);
  Question question{.target = target, .mask = condition.mask, .flags = condition.wanted};
  if (selection.excluding) {
    const auto place = place_of(bucket_of(*selection.excluding), *selection.excluding);
    if (place) question.excluded = *place;
  }
  const NodeId apart = distance(self_, target);
  const std::size_t last_bucket = buckets_.size() - 1;
  std::size_t found = 0;
  for (std::size_t bucket = 0; bucket < last_bucket && found < out.size(); ++bucket) {
    if (apart.bit(static_cast<unsigned>(bucket))) {
      visit_bucket(bucket, question, out, found);
    }
  }
  if (found < out.size()) visit_bucket(last_bucket, question, out, found);
  for (std::size_t bucket = last_bucket; bucket-- > 0 && found < out.size();) {
    if (!apart.bit(static_cast<unsigned>(bucket))) {
      visit_bucket(bucket, question, out, found);
    }
  }
  return found;
}

wire::Contacts RoutingTable::closest_contacts(const NodeId& target, std::size_t count,
                                              const Selection& selection) const {
  std::vector<PeerIndex> indices(std::min(count, size_));
  indices.resize(closest(target, selection, indices));
  wire::Contacts contacts;
  contacts.reserve(indices.size());
  for (const PeerIndex index : indices) contacts.push_back(at(index).contact);
  return contacts;
}

// ---- look

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
                          .replaced = replaced_};
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    const BucketStats one = bucket(index);
    stats.connected += one.connected;
    stats.replacements += one.replacements;
  }
  return stats;
}

}  // namespace trestle::dht
