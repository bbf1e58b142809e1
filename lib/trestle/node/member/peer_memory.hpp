#pragma once

#include <cstddef>
#include <optional>

#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/saved_peers.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::node {

struct PeerMemoryOptions {
  /// How often the peers worth remembering are told to the driver: what a crash loses is what was
  /// learned since. The first time earlier, since a young node learns most.
  Duration interval = std::chrono::minutes(5);
  Duration first_after = std::chrono::minutes(1);
  /// Both vary by one part in this many, so that nodes started together do not write together.
  std::uint32_t jitter_divisor = 5;
  /// Remembered peers that are tried at start: some eight parallel dials each time one of them
  /// ends, beside the bootstrap node's answer.
  std::size_t tried_max = 64;
  /// With fewer in sight than this, what was remembered before is kept beside them: a node that
  /// starts cut off must not forget the rest of its network.
  std::size_t kept_below = 32;
  dht::SavedPeersOptions saved;
};

/// The peers of the last run, and when to save those of this one: a policy.
class PeerMemory {
 public:
  PeerMemory(const PeerMemoryOptions& options, const Rng& rng)
      : options_(options), rng_(rng.fork("peer memory")) {}

  void restore(wire::Contacts peers);
  void start(Instant now);
  /// Whom to try at start, best first.
  wire::Contacts to_try() const;
  /// What to save now; nothing if there is nobody worth it.
  std::optional<wire::Contacts> snapshot(const dht::RoutingTable& table) const;

  Instant next_deadline() const { return save_at_; }
  /// True once for every time it is to be saved.
  bool pop_due(Instant now);

 private:
  Instant jittered(Instant now, Duration interval);

  PeerMemoryOptions options_;
  Rng rng_;
  wire::Contacts restored_;
  Instant save_at_ = kNever;
};

}  // namespace trestle::node
