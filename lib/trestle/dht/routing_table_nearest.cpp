// The routing table's one hot question: who is nearest.
#include <algorithm>
#include <array>

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
    case Reach::failed:
      break;
  }
  return {kFailed, kFailed};
}

}  // namespace

std::size_t RoutingTable::visit_bucket(std::size_t bucket, const Question& question,
                                       std::span<PeerIndex> out) const {
  const Bucket& its = buckets_[bucket];
  if (its.has_twins) return sort_bucket(bucket, question, out);
  if (question.mask == kFailed && question.flags == 0 && its.failed_peers == 0 &&
      question.excluded_bucket != bucket) {
    return rank_bucket(bucket, question.target, out, [](std::size_t) { return true; });
  }
  return rank_bucket(bucket, question.target, out, [&](std::size_t place) {
    return (flags_[place] & question.mask) == question.flags && place != question.excluded;
  });
}

/// Writes the nearest of one bucket. Those of the octant that agrees with the target's bits are
/// nearer than all others, and so on; inside each, insertion into a short sorted run of whole
/// words, no call and no allocation: for the two or three of a usual octant nothing is faster.
template <typename Passes>
inline std::size_t RoutingTable::rank_bucket(std::size_t bucket, const NodeId& target,
                                             std::span<PeerIndex> out, Passes&& passes) const {
  // One more place in front: zero is never larger than a key, so the insertion needs no other end.
  std::array<std::uint64_t, kBucketPeersCeiling + 1> sorted;
  sorted[0] = 0;
  const Bucket& its = buckets_[bucket];
  const std::uint64_t* const highs = highs_.data() + first(bucket);
  const std::uint32_t* const indices = indices_.data() + first(bucket);
  const std::size_t nearest = octant_of(bucket, target);
  PeerIndex* place = out.data();
  PeerIndex* const full = place + out.size();
  for (std::size_t rank = 0; rank < kOctants; ++rank) {
    const std::size_t octant = nearest ^ rank;
    const std::size_t octant_end = its.begins[octant + 1];
    std::uint64_t* end = sorted.data() + 1;
    for (std::size_t peer = its.begins[octant]; peer < octant_end; ++peer) {
      if (!passes(first(bucket) + peer)) continue;
      const std::uint64_t key = ((highs[peer] ^ target.high()) & ~kPeerBits) | peer;
      std::uint64_t* at = end++;
      for (; key < at[-1]; --at) *at = at[-1];
      *at = key;
    }
    for (const std::uint64_t* key = sorted.data() + 1; key != end; ++key) {
      *place++ = PeerIndex{indices[*key & kPeerBits]};
      if (place == full) return out.size();
    }
  }
  return static_cast<std::size_t>(place - out.data());
}

/// The same by whole distances, where those words cannot tell two peers apart.
std::size_t RoutingTable::sort_bucket(std::size_t bucket, const Question& question,
                                      std::span<PeerIndex> out) const {
  std::vector<std::size_t> places;
  for (std::size_t place = first(bucket); place < last(bucket); ++place) {
    if ((flags_[place] & question.mask) != question.flags || place == question.excluded) continue;
    places.push_back(place);
  }
  std::sort(places.begin(), places.end(), [&](std::size_t left, std::size_t right) {
    return closer(question.target, id_at(left), id_at(right));
  });
  const std::size_t count = std::min(places.size(), out.size());
  for (std::size_t rank = 0; rank < count; ++rank) out[rank] = PeerIndex{indices_[places[rank]]};
  return count;
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
    const std::size_t bucket = bucket_of(*selection.excluding);
    if (const auto place = place_of(bucket, *selection.excluding)) {
      question.excluded = *place;
      question.excluded_bucket = bucket;
    }
  }
  const NodeId apart = distance(self_, target);
  const std::size_t last_bucket = buckets_.size() - 1;
  std::size_t found = 0;
  for (std::size_t bucket = 0; bucket < last_bucket && found < out.size(); ++bucket) {
    if (apart.bit(static_cast<unsigned>(bucket))) {
      found += visit_bucket(bucket, question, out.subspan(found));
    }
  }
  if (found < out.size()) found += visit_bucket(last_bucket, question, out.subspan(found));
  for (std::size_t bucket = last_bucket; bucket-- > 0 && found < out.size();) {
    if (!apart.bit(static_cast<unsigned>(bucket))) {
      found += visit_bucket(bucket, question, out.subspan(found));
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

}  // namespace trestle::dht
