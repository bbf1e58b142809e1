#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

struct RoutingTableOptions {
  /// k of Kademlia: peers per bucket, at most 64 (X30).
  std::size_t bucket_peers_max = 20;
  /// Newcomers remembered beside a full bucket (ROUTE-06: at most k).
  std::size_t replacements_max = 20;
  /// One bucket per common prefix length; 160 is every possible one, so nothing is ever refused
  /// for want of a bucket. Small platforms set 8, 12 or 20 (ROUTE-11).
  std::size_t buckets_max = NodeId::kBits;
  /// Peers of the old dialect prove nothing; they get at most half of a bucket (design section 5).
  std::size_t legacy_peers_per_bucket_max = 10;
  /// Consecutive failures after which a peer counts as gone and may be replaced (X33).
  std::uint32_t failures_max = 3;
  /// Who showed itself this recently keeps its place whatever happens (ROUTE-07, P-KR-21).
  Duration protection = std::chrono::minutes(5);
};

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
  wire::Contact contact;
  /// Last sign of life.
  Instant seen{};
  std::uint32_t failures = 0;
  /// A link to it is open now. Together with `known()` these are the two bits of one entry.
  bool connected = false;

  /// Can be reached again without a link; a browser cannot (X25).
  bool known() const { return !contact.address.empty(); }
};

/// Which peers a question is about: those that failed too often, or a part of the others.
enum class Reach : std::uint8_t { connected, usable, failed };

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
/// replacement cache instead (P-KR-1..5, P-KR-19..22). Ids lie in one array, bucket after bucket,
/// and buckets are visited in the order of their distance: `closest` is exact without sorting the
/// table.
class RoutingTable {
 public:
  RoutingTable(const NodeId& self, const RoutingTableOptions& options);

  /// A peer without an open link that proved itself before. Refused: our own id, no address.
  Offer offer(Instant now, const wire::Contact& contact);
  /// A link to this peer opened. The contact replaces what was known of it.
  Offer on_connected(Instant now, const wire::Contact& contact);
  /// A dialable peer stays, as disconnected; any other leaves at once (X25, ROUTE-09).
  void on_disconnected(Instant now, const NodeId& id);
  /// A sign of life.
  void on_seen(Instant now, const NodeId& id);
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
  /// The same as contacts.
  wire::Contacts closest_contacts(const NodeId& target, std::size_t count,
                                  const Selection& selection = {}) const;

  const Peer* find(const NodeId& id) const;
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
  /// Calls `look(const wire::Contact&)` for the cache of one bucket, least recently seen first.
  template <typename Look>
  void visit_replacements(std::size_t bucket, Look&& look) const {
    for (const Replacement& replacement : buckets_[bucket].replacements) look(replacement.contact);
  }

 private:
  struct Replacement {
    wire::Contact contact;
    Instant seen{};
    bool connected = false;
  };
  struct Bucket {
    std::size_t peers = 0;
    std::size_t legacy_peers = 0;
    /// Most recently seen last.
    std::vector<Replacement> replacements;
  };
  /// What `closest` was asked, in the terms of the arrays.
  struct Question {
    NodeId target{};
    /// Wanted are peers whose masked flags are exactly these.
    std::uint8_t mask = 0;
    std::uint8_t flags = 0;
    std::size_t excluded = SIZE_MAX;
  };

  std::size_t first(std::size_t bucket) const { return bucket * options_.bucket_peers_max; }
  std::size_t last(std::size_t bucket) const { return first(bucket) + buckets_[bucket].peers; }
  std::size_t bucket_of(const NodeId& id) const;
  std::optional<std::size_t> place_of(std::size_t bucket, const NodeId& id) const;
  static std::optional<std::size_t> replacement_of(const Bucket& bucket, const NodeId& id);

  Offer admit(Instant now, const wire::Contact& contact, bool connected);
  void update(Instant now, std::size_t place, const wire::Contact& contact, bool connected);
  bool has_room(std::size_t bucket, wire::Dialect dialect) const;
  void add(std::size_t bucket, const wire::Contact& contact, Instant seen, bool connected);
  void place_peer(std::size_t bucket, std::uint32_t index);
  void take_out(std::size_t bucket, std::size_t place);
  void refill(std::size_t bucket);
  bool replace_one(Instant now, std::size_t bucket, bool even_if_none_waits);
  Offer cache(Instant now, std::size_t bucket, const wire::Contact& contact, bool connected);
  void split();
  void grow();
  void refresh_flags(std::size_t place);
  void visit_bucket(std::size_t bucket, const Question& question, std::span<PeerIndex> out,
                    std::size_t& found) const;
  void visit_tied_bucket(std::size_t bucket, const Question& question, std::span<PeerIndex> out,
                         std::size_t& found) const;

  NodeId self_;
  RoutingTableOptions options_;
  std::vector<Bucket> buckets_;
  /// Three arrays side by side, `bucket_peers_max` places a bucket: what `closest` reads.
  std::vector<NodeId> ids_;
  std::vector<std::uint8_t> flags_;
  std::vector<std::uint32_t> indices_;
  std::vector<Peer> peers_;
  std::vector<std::uint32_t> vacant_;
  std::size_t size_ = 0;
  std::uint64_t splits_ = 0;
  std::uint64_t replaced_ = 0;
};

}  // namespace trestle::dht
