#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/peer_group.hpp"

namespace trestle::dht {

/// Whether round trips decide where liveness and distance do not (ROUTE-08).
enum class Proximity : std::uint8_t { off, by_round_trip };

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
  DiversityOptions diversity;
  /// Off: the answer to "who is near" is then the same for everybody.
  Proximity proximity = Proximity::off;
};

}  // namespace trestle::dht
