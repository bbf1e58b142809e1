#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/known_contact.hpp"
#include "trestle/dht/peer_group.hpp"
#include "trestle/dht/routing_table_flags.hpp"
#include "trestle/dht/routing_table_options.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// What became of a peer that was offered.
enum class Offer : std::uint8_t { added, updated, cached, refused };

/// Place of a peer in the table's storage. Stable while the peer stays in the table, also when
/// buckets split; used again after it has left.
struct PeerIndex {
  std::uint32_t value = 0;
  friend constexpr bool operator==(const PeerIndex&, const PeerIndex&) = default;
};

/// One peer of the table.
struct Peer {
  KnownContact contact;
  PeerGroups groups;
  /// When it came into the table.
  Instant since{};
  /// Last sign of life.
  Instant seen{};
  /// As measured last, at most an hour; zero if never.
  std::uint32_t round_trip_us = 0;
  /// In a row.
  std::uint16_t failures = 0;
  /// A link to it is open now. Together with `known()` these are the two bits of one entry.
  bool connected = false;

  Duration round_trip() const { return Duration(round_trip_us); }
  /// Can be reached again without a link; a browser cannot (X25).
  bool known() const { return !contact.address().empty(); }
};

/// Which peers a question is about: those that failed too often, or a part of the others. Sound are
/// those that never failed since they were last seen.
enum class Reach : std::uint8_t { connected, sound, usable, failed };

struct Selection {
  Reach reach = Reach::usable;
  /// Left out as well: the asker itself.
  std::optional<NodeId> excluding;
};

struct BucketStats {
  std::size_t peers = 0;
  std::size_t connected = 0;
  std::size_t replacements = 0;
};

struct RoutingTableStats {
  std::size_t peers = 0;
  std::size_t connected = 0;
  std::size_t replacements = 0;
  std::size_t buckets = 1;
  std::uint64_t splits = 0;
  std::uint64_t replaced = 0;
  std::uint64_t crowded = 0;  ///< Not taken into a bucket because their group has its share.
};

/// The peers a node knows, in Kademlia's buckets (Maymounkov and Mazières, 2002): a policy.
///
///   bucket 0    shares  0 leading bits with our id     half of the network, k of it kept
///   bucket 1    shares  1 bit                          a quarter, k of it kept
///   ...
///   last        shares that many or more               our neighbourhood, split when it overflows
///
/// Only peers that have shown themselves on a link belong here (threat T9); the owner sees to it.
/// Liveness beats everything: no living peer makes room for a newcomer, which waits in the bucket's
/// replacement cache instead (P-KR-1..5, P-KR-19..22). In an open network no group of peers that
/// may be in one hand gets more than its share of a bucket, a cache or the table.
///
/// Ids lie in one array, bucket after bucket, each in octants by its next three bits, and all are
/// visited in the order of their distance: `closest` is exact without sorting the table.
class RoutingTable {
 public:
  RoutingTable(const NodeId& self, const RoutingTableOptions& options);

  /// A peer without an open link that proved itself before. Refused: our own id, no address.
  Offer offer(Instant now, const wire::Contact& contact, const PeerGroups& groups = {});
  /// A link to this peer opened. The contact replaces what was known of it.
  Offer on_connected(Instant now, const wire::Contact& contact, const PeerGroups& groups = {});
  /// A dialable peer stays, as disconnected; any other leaves at once (X25, ROUTE-09).
  void on_disconnected(Instant now, const NodeId& id);
  /// A sign of life.
  void on_seen(Instant now, const NodeId& id);
  /// A round trip was measured. Changes no bucket (P-KR-17).
  void on_round_trip(const NodeId& id, Duration round_trip);
  /// It did not answer. After `failures_max` in a row it is passed over, and replaced by the most
  /// recently seen of its bucket's cache as soon as its protection has run out.
  void on_failure(Instant now, const NodeId& id);
  /// Takes it out, from a bucket or a cache; a cached peer moves up. False if it was unknown.
  bool remove(const NodeId& id);
  /// Replaces every peer that may be replaced by now. For the owner's slow tick.
  void replace_failed(Instant now);

  /// The peers nearest to `target` in exact order, at most `out.size()`; returns how many. Never
  /// our own id.
  std::size_t closest(const NodeId& target, const Selection& selection,
                      std::span<PeerIndex> out) const;
  /// Whether this id, known or not, is among the `count` usable peers nearest to `centre`, or would
  /// be if it were one. While fewer are known everybody is.
  bool is_among_nearest(const NodeId& centre, const NodeId& id, std::size_t count) const;
  /// The same as contacts.
  wire::Contacts closest_contacts(const NodeId& target, std::size_t count,
                                  const Selection& selection = {}) const;

  const Peer* find(const NodeId& id) const;
  /// The peers of one bucket as we would rather have them: linked before known before failed, and,
  /// with proximity, the nearer by round trip first inside each (P-KR-16).
  std::vector<PeerIndex> by_preference(std::size_t bucket) const;
  const Peer& at(PeerIndex index) const { return peers_[index.value]; }
  bool is_failed(const Peer& peer) const { return peer.failures >= options_.failures_max; }

  const NodeId& self() const { return self_; }
  std::size_t size() const { return size_; }
  std::size_t bucket_count() const { return buckets_.size(); }
  BucketStats bucket(std::size_t index) const;
  RoutingTableStats stats() const;

  /// Calls `look(const Peer&)` for every peer, bucket by bucket.
  template <typename Look>
  void visit(Look&& look) const {
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      for (std::size_t place = first(bucket); place < last(bucket); ++place) {
        look(peers_[indices_[place]]);
      }
    }
  }
  /// Calls `look` with each contact of the cache of one bucket, least recently seen first.
  template <typename Look>
  void visit_replacements(std::size_t bucket, Look&& look) const {
    for (const Peer& replacement : buckets_[bucket].replacements) look(replacement.contact);
  }

 private:
  static constexpr unsigned kOctantBits = 3;
  static constexpr std::size_t kOctants = 1 << kOctantBits;
  struct Bucket {
    std::size_t peers = 0;
    /// Where each octant begins, counted from the bucket's first place, and where the last ends.
    std::array<std::uint8_t, kOctants + 1> begins{};
    /// Two ids agree in more bits than a ranking looks at, which takes a forged one.
    bool has_twins = false;
    std::size_t legacy_peers = 0;
    std::size_t failed_peers = 0;
    std::size_t doubtful_peers = 0;
    /// Most recently seen last.
    std::vector<Peer> replacements;
  };
  /// What `closest` was asked, in the terms of the arrays.
  struct Question {
    const NodeId& target;
    /// Wanted are peers whose masked flags are exactly these.
    std::uint8_t mask;
    std::uint8_t flags;
    std::size_t excluded;
    std::size_t excluded_bucket;
  };

  std::size_t first(std::size_t bucket) const { return bucket * options_.bucket_peers_max; }
  std::size_t last(std::size_t bucket) const { return first(bucket) + buckets_[bucket].peers; }
  std::size_t bucket_of(const NodeId& id) const;
  /// By the first bits in which those of a bucket differ.
  std::size_t octant_of(std::size_t bucket, const NodeId& id) const {
    const bool is_last = bucket + 1 == buckets_.size();
    return id.bits_from<kOctantBits>(static_cast<unsigned>(is_last ? bucket : bucket + 1));
  }
  std::optional<std::size_t> place_of(std::size_t bucket, const NodeId& id) const;
  static std::optional<std::size_t> replacement_of(const Bucket& bucket, const NodeId& id);

  Offer admit(Instant now, const wire::Contact& contact, const PeerGroups& groups, bool connected);
  bool renew(Instant now, std::size_t bucket, const wire::Contact& contact,
             const PeerGroups& groups, bool& connected);
  void update(Instant now, std::size_t place, const wire::Contact& contact,
              const PeerGroups& groups, bool connected);
  bool has_room(std::size_t bucket, wire::Dialect dialect, const PeerGroups& groups) const;
  bool within_caps(std::size_t bucket, const PeerGroups& groups) const;
  bool within_cap(std::size_t bucket, PeerGroup PeerGroups::* kind, PeerGroup group) const;
  void add(std::size_t bucket, Peer peer);
  void place_peer(std::size_t bucket, std::uint32_t index);
  void copy_place(std::size_t from, std::size_t to);
  std::uint64_t key_of(const NodeId& id, std::size_t place) const {
    return (id.high() & ~kPeerBits) | place % options_.bucket_peers_max;
  }
  void take_out(std::size_t bucket, std::size_t place);
  void refill(std::size_t bucket);
  bool goes_before(const Peer& left, const Peer& right) const;
  bool replace_one(Instant now, std::size_t bucket, bool even_if_none_waits);
  Offer cache(Instant now, std::size_t bucket, const wire::Contact& contact,
              const PeerGroups& groups, bool connected);
  void make_room_in_cache(std::vector<Peer>& waiting, const PeerGroups& groups) const;
  void split();
  void grow();
  void refresh_flags(std::size_t place);

  bool has_twins(std::size_t bucket) const;
  const NodeId& id_at(std::size_t place) const { return peers_[indices_[place]].contact.id; }

  // routing_table_nearest.cpp
  void exclude(const NodeId& id, Question& question) const;
  PeerIndex* visit_bucket(std::size_t bucket, const Question& question, PeerIndex* out,
                          PeerIndex* full) const;
  template <typename Passes>
  PeerIndex* rank_bucket(std::size_t bucket, const NodeId& target, PeerIndex* out, PeerIndex* full,
                         Passes&& passes) const;
  PeerIndex* sort_bucket(std::size_t bucket, const Question& question, PeerIndex* out,
                         PeerIndex* full) const;

  NodeId self_;
  RoutingTableOptions options_;
  std::vector<Bucket> buckets_;
  /// Three arrays side by side, `bucket_peers_max` places a bucket: what `closest` reads. A key is
  /// the first 58 bits of an id, then its place in the bucket.
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint8_t> flags_;
  std::vector<std::uint32_t> indices_;
  std::vector<Peer> peers_;
  std::vector<std::uint32_t> vacant_;
  std::size_t size_ = 0;
  std::uint64_t splits_ = 0;
  std::uint64_t replaced_ = 0;
  std::uint64_t crowded_ = 0;
};

}  // namespace trestle::dht
