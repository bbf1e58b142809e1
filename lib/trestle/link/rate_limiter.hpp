#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::link {

/// Whose budget a request is charged to: the identity that was proven, else the address, else the
/// connection. Never the address where an identity was proven: behind one proxy everybody has the
/// same one, and the good would starve with the bad.
class RateKey {
 public:
  constexpr RateKey() = default;
  static RateKey of_identity(const NodeId& id) { return RateKey(Kind::identity, id); }
  static RateKey of_connection(ConnectionId connection) {
    return RateKey(Kind::connection, {connection.value(), 0, 0});
  }
  /// For a peer that proves nothing: its address as far as whoever has one has them all (IPv4
  /// whole, IPv6 its /64), or its connection where the address says nothing about it.
  static RateKey of_unproven(std::string_view address, ConnectionId connection);

  friend constexpr auto operator<=>(const RateKey&, const RateKey&) = default;

 private:
  enum class Kind : std::uint8_t { identity, address, connection };
  constexpr RateKey(Kind kind, const NodeId& bits) : kind_(kind), bits_(bits) {}

  Kind kind_ = Kind::identity;
  NodeId bits_{};
};

/// A token bucket: `burst` requests at once, and `per_interval` more in each interval.
struct Rate {
  Duration interval{};
  std::uint32_t per_interval = 1;
  std::uint32_t burst = 1;
};

struct RateVerdict {
  bool allowed = true;
  /// When to ask again: an interval's worth of requests is there by then.
  Duration retry_after{};
  /// How many were refused since the bucket was last full, this one included.
  std::uint64_t refused = 0;

  /// The 1st, 10th, 100th, ... refusal: worth a line in a log, all others are not (RATE-06).
  bool crosses_threshold() const;
};

/// Token buckets for many peers: a policy. Whose buckets are full again is forgotten, at the latest
/// when the next newcomer asks, and nobody when its link closes: who comes back finds its bucket as
/// it left it. The table is bounded; beyond that the peer that asked least recently is forgotten,
/// which fills its buckets, so there must be room for more peers than can be linked at a time.
class RateLimiter {
 public:
  /// Buckets of different purpose that one peer has.
  static constexpr std::size_t kBudgets = 5;

  explicit RateLimiter(std::size_t peers_max);

  /// May this peer have one more request out of its bucket number `budget`? The rate may differ
  /// from call to call.
  RateVerdict take(Instant now, const RateKey& peer, std::size_t budget, const Rate& rate);

  std::size_t size() const { return peers_.size(); }

 private:
  struct Bucket {
    /// When it is full again: the bucket's whole state (the generic cell rate algorithm).
    Instant full_at{};
    /// What one request costs of that time.
    Duration cost{};
    std::uint64_t refused = 0;
  };
  struct Peer {
    std::array<Bucket, kBudgets> buckets;
    Instant used{};
  };

  Peer& peer_of(Instant now, const RateKey& key);
  void forget_full(Instant now);
  void forget_oldest();

  std::size_t peers_max_;
  FlatMap<RateKey, Peer> peers_;
};

}  // namespace trestle::link
