#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/histogram.hpp"
#include "trestle/dht/hand_overs.hpp"
#include "trestle/dht/neighbour_watch.hpp"
#include "trestle/dht/refresh_schedule.hpp"
#include "trestle/dht/replica_plan.hpp"
#include "trestle/dht/replica_round.hpp"

namespace trestle::dht {

/// What to do when about half of the neighbours are gone at once.
enum class EarlyRepair : std::uint8_t { within_the_spread, never };

struct RepublisherOptions {
  RefreshOptions refresh;
  ReplicaPlanOptions plan;
  ReplicaRoundOptions round;
  HandOverOptions hand_over;
  NeighbourWatchOptions watch;

  /// Refreshes under way at a time. One waits for silent peers while the next goes on; more would
  /// only be felt by others.
  std::size_t sweeps_max = 2;
  /// Hand-overs under way at a time.
  std::size_t hand_overs_max = 2;
  /// Records refreshed together: what a few offers to each of the nearest can name.
  std::size_t records_per_sweep_max = 1'024;
  /// Nodes that a refresh chooses among: twice the copies, since the nearest to one place of a part
  /// of the key space are not quite the nearest to another.
  std::size_t nearest_wanted = 40;
  /// How long such an answer is used again: at 10 % churn an hour one node in sixty is gone then.
  Duration region_fresh_for = std::chrono::minutes(10);
  /// Answers kept: a holder needs one or two, an author of records everywhere gains little by more.
  std::size_t regions_max = 8;

  /// Who asked us to spread a record may have to send it first.
  Duration spread_wait = std::chrono::seconds(2);
  Duration delegated_for = std::chrono::seconds(15);
  /// Records that wait to be spread for others; more are left to the ordinary refresh.
  std::size_t delegated_max = 4'096;

  /// Somebody showed us an outdated record: ours is refreshed within this, so that also those we
  /// were not told of learn of it.
  Duration newer_within = std::chrono::seconds(30);
  EarlyRepair early_repair = EarlyRepair::within_the_spread;
  /// Records hurried at a time, and the pause to the next: bounded work in one call.
  std::size_t repaired_at_once_max = 1'024;
  Duration repair_pause = std::chrono::milliseconds(100);
};

struct RepublisherStats {
  std::size_t records = 0;
  std::size_t rounds = 0;  ///< Under way now.
  /// When the next refresh is or was due; `kNever` if there is none.
  Instant next_due = kNever;
  std::uint64_t sweeps = 0;
  std::uint64_t lookups = 0;
  std::uint64_t lookups_saved = 0;  ///< An answer of late was used again.
  std::uint64_t refreshed = 0;      ///< Records, by our own sweeps.
  std::uint64_t refreshed_by_others = 0;
  std::uint64_t words_doubted = 0;  ///< That others refreshed a record, which we then did too.
  std::uint64_t refreshes_failed = 0;
  std::uint64_t delegated = 0;  ///< Records handed to a nearer node to spread.
  std::uint64_t spread = 0;     ///< Records spread for others.
  std::uint64_t hand_overs = 0;
  std::uint64_t repairs = 0;
  RoundStats sent;
  std::uint64_t offered = 0;  ///< Summaries that others sent us, and what we said:
  std::uint64_t said_have = 0;
  std::uint64_t said_need = 0;
  std::uint64_t said_mismatch = 0;
  std::uint64_t said_newer = 0;
  std::uint64_t said_refused = 0;
  /// How late our own refreshes were begun.
  Histogram lateness;
};

}  // namespace trestle::dht
