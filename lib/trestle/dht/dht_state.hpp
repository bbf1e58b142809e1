#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/dht/ask_pacing.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/dht/dht_options.hpp"
#include "trestle/dht/dht_stats.hpp"
#include "trestle/dht/holder_floor.hpp"
#include "trestle/dht/republisher.hpp"
#include "trestle/dht/upkeep_pace.hpp"
#include "trestle/dht/write.hpp"

namespace trestle::dht {

/// What a `Dht` remembers; dht.hpp says what it does with it.
class DhtState {
 protected:
  DhtState(wire::Contact self, const DhtOptions& options, crypto::Suite& suite, const Rng& rng);

  using Slot = Deadlines::Slot;
  enum class Purpose : std::uint8_t {
    put,
    prolong,
    remove,
    get,
    find,
    // From here on nobody waits for them.
    self_lookup,
    refresh,
    upkeep
  };
  static constexpr bool is_upkeep(Purpose purpose) { return purpose >= Purpose::self_lookup; }
  struct Operation {
    OperationId id;
    Purpose purpose;
    Lookup lookup;
    /// put, prolong, remove.
    std::optional<Write> write;
  };
  enum class AskKind : std::uint8_t { lookup, store, learn, upkeep, probe, recursive };
  struct PendingAsk {
    Slot slot = 0;
    /// upkeep: the ticket in its place.
    OperationId operation;
    NodeId peer{};
    Instant issued{};
    AskKind kind = AskKind::lookup;
    /// store: which spread it belongs to.
    std::uint32_t attempt = 0;
    /// For asking it again.
    std::unique_ptr<Ask> order{};
    /// A link was open when it was asked: the time it takes is a round trip, unless it had to wait
    /// for its turn.
    bool linked = false;
    bool was_held_back = false;
    /// It has left, and its peer owes us an answer.
    bool is_owed = false;
    /// Another peer carries it.
    bool carried = false;
    /// It was lost with a connection before, and is asked on another one.
    bool again = false;
  };

  wire::Contact self_;
  DhtOptions options_;
  crypto::Suite* suite_;
  Rng rng_;
  RoutingTable table_;
  RecordDesk desk_;
  std::optional<WallClock> calendar_;
  Republisher republisher_;
  HolderFloor floor_;
  HeardContacts heard_;
  PeerLatencies latencies_;
  /// Linked peers that left questions unanswered, and how many in a row.
  FlatMap<NodeId, std::uint32_t> silent_;
  FlatMap<NodeId, wire::Contact> links_;
  /// Of the linked peers, those that proved no identity.
  FlatMap<NodeId, link::RateKey> unproven_;
  ServingLimits limits_;
  AskPacing pacing_;
  /// As many places as were ever taken at once. An operation is large, and most nodes have none.
  std::vector<std::unique_ptr<Operation>> operations_;
  Deadlines timers_;
  FlatMap<AskId, PendingAsk> asks_;
  std::uint64_t last_operation_ = 0;
  std::uint64_t last_ask_ = 0;
  SelfLookupPace self_lookup_pace_;
  RefreshTurns refresh_turns_;
  Instant self_lookup_at_ = kNever;
  Instant refresh_at_ = kNever;
  Instant probe_at_ = kNever;
  std::uint32_t self_lookup_retries_ = 0;
  bool self_lookup_running_ = false;
  bool neighbourhood_known_ = false;
  /// When a lookup last confirmed it; nothing while none has.
  std::optional<Instant> neighbourhood_confirmed_at_;
  bool looked_elsewhere_ = false;
  bool refresh_running_ = false;
  bool open_ = true;
  DhtCounters counters_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::dht
