#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trestle/base/time.hpp"
#include "trestle/link/rate_limiter.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

/// How far the network around us has come; the limits follow (X32, RATE-04).
enum class NetworkState : std::uint8_t {
  starting,   ///< Our own neighbourhood is not known yet: everybody may be looking for everybody.
  few_peers,  ///< Every lookup comes by everybody.
  stable,     ///< A lookup asks a small part of the network.
};

/// What a peer may ask of us in one interval, and at once.
struct Allowance {
  std::uint32_t per_interval = 1;
  std::uint32_t burst = 1;
};

struct ServingLimitsOptions {
  /// The intervals of X32.
  Duration interval_starting = std::chrono::milliseconds(500);
  Duration interval_few_peers = std::chrono::seconds(1);
  Duration interval_stable = std::chrono::seconds(2);
  /// Up to this many peers in the table there are few: twice k.
  std::size_t few_peers_max = 40;

  // What a peer with a proven identity may do. A lookup asks each peer once, so what a peer may ask
  // is how many lookups may pass through it: as many in each interval as a node may have under way
  // (operations_max, 64), and eight times that at once, for a node that stores all it has. To
  // serve one costs some 5 us, so the whole allowance of 200 linked peers is a tenth of a core.
  Allowance finds{.per_interval = 64, .burst = 512};
  /// The way to a value ends at its holders, which therefore see many more of them.
  Allowance values{.per_interval = 1024, .burst = 4096};
  /// A record costs a signature check and a share of a synced write. The burst is a whole quota
  /// (1,000 records for each identity), handed over when a holder is replaced.
  Allowance stores{.per_interval = 128, .burst = 1024};
  /// An offer names many records; a sweep over ten thousand is some 160 of them.
  Allowance replicas{.per_interval = 32, .burst = 256};
  /// Requests to be carried on for others.
  Allowance forwards{.per_interval = 64, .burst = 512};

  /// Peers of the old dialect prove nothing and are counted by address. They keep the very
  /// intervals of X32 between their own questions; the burst is what the nodes of one household
  /// may ask while they start.
  Allowance unproven{.per_interval = 1, .burst = 64};

  /// Peers remembered: five times the links of a server (200), so that no linked one is forgotten
  /// to make room. 160 bytes each.
  std::size_t peers_max = 1024;
};

/// Whether a request is served or has to wait: a policy. Everybody has a bucket of its own for each
/// kind of request, so whoever asks too much of one thing is limited in that alone, and nobody
/// else is.
class ServingLimits {
 public:
  enum class Standing : std::uint8_t { proven, unproven };

  explicit ServingLimits(const ServingLimitsOptions& options);

  link::RateVerdict admit(Instant now, const link::RateKey& peer, Standing standing,
                          const wire::Message& request, NetworkState state);
  NetworkState state(bool neighbourhood_known, std::size_t peers) const;
  std::size_t size() const { return limiter_.size(); }

 private:
  enum class Budget : std::uint8_t { find, value, store, replica, forward };

  static Budget budget_of(const wire::Message& request);
  const Allowance& allowance_of(Budget budget, Standing standing) const;

  ServingLimitsOptions options_;
  link::RateLimiter limiter_;
};

}  // namespace trestle::dht
