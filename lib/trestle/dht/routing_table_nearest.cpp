// The routing table's one hot question: who is nearest.
#include <algorithm>
#include <array>
#include <bit>

#include "trestle/dht/routing_table.hpp"
#include "trestle/dht/routing_table_flags.hpp"

namespace trestle::dht {
namespace {

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
    case Reach::sound:
      return {kDoubtful, 0};
    case Reach::failed:
      break;
  }
  return {kFailed, kFailed};
}

}  // namespace

/// Writes the nearest of one bucket from `out` on, at most up to `full`; returns where it stopped.
/// Insertion into one sorted run of whole words, no call and no allocation. Octants come in the
/// order of their distance, so nobody is moved past more than the two or three of its own, and
/// octants beyond what is wanted are not looked at.
template <typename Passes>
inline PeerIndex* RoutingTable::rank_bucket(std::size_t bucket, const NodeId& target,
                                            PeerIndex* out, PeerIndex* full,
                                            Passes&& passes) const {
  // One more place in front: zero is never larger than a key, so the insertion needs no other end.
  std::array<std::uint64_t, kBucketPeersCeiling + 1> sorted;
  sorted[0] = 0;
  const std::uint8_t* const begins = buckets_[bucket].begins.data();
  const std::uint64_t* const ids = keys_.data() + first(bucket);
  const std::uint32_t* const indices = indices_.data() + first(bucket);
  const std::uint64_t from = target.high() & ~kPeerBits;
  const std::size_t nearest = octant_of(bucket, target);
  const std::ptrdiff_t wanted = full - out;
  const std::uint64_t* const keys = sorted.data() + 1;
  std::uint64_t* end = sorted.data() + 1;
  for (std::size_t rank = 0; rank < kOctants && end - keys < wanted; ++rank) {
    const std::uint8_t* const octant = begins + (nearest ^ rank);
    for (std::size_t peer = octant[0]; peer < octant[1]; ++peer) {
      if (!passes(first(bucket) + peer)) continue;
      const std::uint64_t key = ids[peer] ^ from;
      std::uint64_t* at = end++;
      for (; key < at[-1]; --at) *at = at[-1];
      *at = key;
    }
  }
  const std::ptrdiff_t count = std::min(end - keys, wanted);
  for (std::ptrdiff_t place = 0; place < count; ++place) {
    out[place] = PeerIndex{indices[keys[place] & kPeerBits]};
  }
  return out + count;
}

PeerIndex* RoutingTable::visit_bucket(std::size_t bucket, const Question& question, PeerIndex* out,
                                      PeerIndex* full) const {
  const Bucket& its = buckets_[bucket];
  if (its.has_twins) return sort_bucket(bucket, question, out, full);
  const bool passes_all =
      question.flags == 0 &&
      ((question.mask == kFailed && its.failed_peers == 0) || its.doubtful_peers == 0);
  if (passes_all && question.excluded_bucket != bucket) {
    return rank_bucket(bucket, question.target, out, full, [](std::size_t) { return true; });
  }
  return rank_bucket(bucket, question.target, out, full, [&](std::size_t place) {
    return (flags_[place] & question.mask) == question.flags && place != question.excluded;
  });
}

/// The same by whole distances, where those words cannot tell two peers apart.
PeerIndex* RoutingTable::sort_bucket(std::size_t bucket, const Question& question, PeerIndex* out,
                                     PeerIndex* full) const {
  std::vector<std::size_t> places;
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    if ((flags_[place] & question.mask) != question.flags || place == question.excluded) continue;
    places.push_back(place);
  }
  std::sort(places.begin(), places.end(), [&](std::size_t left, std::size_t right) {
    return closer(question.target, id_at(left), id_at(right));
  });
  for (const std::size_t place : places) {
    if (out == full) break;
    *out++ = PeerIndex{indices_[place]};
  }
  return out;
}

std::size_t RoutingTable::closest(const NodeId& target, const Selection& selection,
                                  std::span<PeerIndex> out) const {
  // Ids of bucket b agree with ours in b bits and differ in the next. Seen from the target, a
  // bucket whose bit differs between target and us is nearer than all later ones together, any
  // other one is farther than all later ones together. So: the former ascending, the last, the
  // latter descending.
  const Condition condition = condition_of(selection.reach);
  Question question{.target = target,
                    .mask = condition.mask,
                    .flags = condition.wanted,
                    .excluded = SIZE_MAX,
                    .excluded_bucket = SIZE_MAX};
  if (selection.excluding) exclude(*selection.excluding, question);
  const std::size_t last_bucket = buckets_.size() - 1;
  const NodeId apart = distance(self_, target);
  PeerIndex* place = out.data();
  PeerIndex* const full = place + out.size();
  // The first whose bit differs; the ids of a network agree with ours in far less than 64 bits.
  const auto nearest = static_cast<std::size_t>(std::countl_zero(apart.high()));
  for (std::size_t bucket = nearest; bucket < last_bucket && place != full; ++bucket) {
    if (apart.bit(static_cast<unsigned>(bucket))) {
      place = visit_bucket(bucket, question, place, full);
    }
  }
  if (place != full) place = visit_bucket(last_bucket, question, place, full);
  for (std::size_t bucket = last_bucket; bucket-- > 0 && place != full;) {
    if (!apart.bit(static_cast<unsigned>(bucket))) {
      place = visit_bucket(bucket, question, place, full);
    }
  }
  return static_cast<std::size_t>(place - out.data());
}

void RoutingTable::exclude(const NodeId& id, Question& question) const {
  const std::size_t bucket = bucket_of(id);
  const auto place = place_of(bucket, id);
  if (!place) return;
  question.excluded = *place;
  question.excluded_bucket = bucket;
}

bool RoutingTable::is_among_nearest(const NodeId& centre, const NodeId& id,
                                    std::size_t count) const {
  std::vector<PeerIndex> nearest(count);
  const std::size_t found = closest(centre, {.reach = Reach::usable, .excluding = {}}, nearest);
  return found < count || !closer(centre, at(nearest.back()).contact.id, id);
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

}  // namespace trestle::dht
