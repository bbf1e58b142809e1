#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/dht/ask_pacing.hpp"
#include "trestle/dht/record_store.hpp"
#include "trestle/dht/republisher_options.hpp"
#include "trestle/dht/routing_table.hpp"

namespace trestle::dht {

/// Counted along the way.
struct DhtCounters {
  std::uint64_t operations_started = 0;
  std::uint64_t operations_ended = 0;
  std::uint64_t operations_refused = 0;  ///< Answered `busy`.
  std::uint64_t lookups_started = 0;     ///< Those of our own upkeep included.
  std::uint64_t lookups_ended = 0;
  std::uint64_t lookup_hops = 0;  ///< Sum over ended lookups.
  std::uint64_t asks = 0;
  std::uint64_t answers = 0;
  std::uint64_t answers_late = 0;  ///< Nobody waited any more.
  std::uint64_t asks_failed = 0;
  std::uint64_t asks_forgotten = 0;  ///< The owner never reported their end.
  /// Lost with one of two connections to their peer, and asked on the other.
  std::uint64_t asks_repeated = 0;
  std::uint64_t asks_limited = 0;  ///< Answered RATE_LIMITED.
  std::uint64_t asks_through = 0;  ///< Carried by another peer (LOOK-07).
  std::uint64_t asks_recursive = 0;
  std::uint64_t hedges = 0;  ///< Questions asked because another peer took long.
  std::uint64_t deaf = 0;    ///< Questions unanswered over a link that lives.
  std::uint64_t probes = 0;  ///< Of the asks, those for the round trip alone.
  std::uint64_t requests = 0;
  std::uint64_t requests_senseless = 0;
  std::uint64_t requests_limited = 0;
  std::uint64_t data_refused = 0;
  std::uint64_t writes_acknowledged = 0;
  std::uint64_t writes_weak = 0;
  std::uint64_t writes_retried = 0;  ///< With a higher version.
  std::uint64_t spreads_cut = 0;     ///< Acknowledged, but stopped before the last copy.
  std::uint64_t contacts_discovered = 0;
};

/// The same with what is seen at the moment of asking.
struct DhtStats : DhtCounters {
  std::uint64_t stores_accepted = 0;
  std::uint64_t stores_refused = 0;
  std::uint64_t stores_busy = 0;  ///< The disk was too slow.
  std::size_t operations = 0;     ///< Under way now.
  std::size_t links = 0;
  std::size_t contacts_heard = 0;
  Duration round_trip{};  ///< Average over the peers that were measured.
  AskPacingStats pacing;
  RoutingTableStats table;
  RecordStoreStats records;
  RepublisherStats republish;
};

}  // namespace trestle::dht
