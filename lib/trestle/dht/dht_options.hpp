#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trestle/base/time.hpp"
#include "trestle/dht/ask_pacing.hpp"
#include "trestle/dht/heard_contacts.hpp"
#include "trestle/dht/lookup.hpp"
#include "trestle/dht/lookup_wish.hpp"
#include "trestle/dht/peer_latency.hpp"
#include "trestle/dht/record_desk.hpp"
#include "trestle/dht/republisher_options.hpp"
#include "trestle/dht/routing_table.hpp"
#include "trestle/dht/serving_limits.hpp"
#include "trestle/dht/spread.hpp"

namespace trestle::dht {

/// Whether this node keeps and serves records. A bridge does not (P-CR-12).
enum class DataPolicy : std::uint8_t { keeps_data, refuses_data };

/// Whether the end of every single question is told: for the log at its finest level.
enum class QuestionReport : std::uint8_t { none, told };

struct DhtOptions {
  /// The network's name and our key: what our own records are signed for and by.
  std::string network;
  wire::PublicKey author{};
  DataPolicy data = DataPolicy::keeps_data;
  /// Contacts in one answer, and nodes a record is stored at (X30: k = replication = 20).
  std::size_t contacts_per_answer_max = 20;

  RoutingTableOptions table;
  LookupOptions lookup;
  RecordStoreOptions records;
  RecordDeskOptions desk;
  SpreadOptions spread;
  RepublisherOptions republish;
  HeardContactsOptions heard;
  ServingLimitsOptions limits;
  AskPacingOptions pacing;
  PeerLatenciesOptions latencies;

  /// For searches of users, for our own neighbourhood and for refreshes.
  LookupMode mode = LookupMode::iterative;
  /// How long the network may take to carry a recursive search: twenty hops of 100 ms and back, as
  /// its forwarders count it.
  Duration recursive_timeout = std::chrono::seconds(4);
  /// Records that end a search along several paths: two copies show which is newer.
  std::size_t critical_quorum = 2;
  /// A linked peer of which nothing was heard for this long, twice the pause between keepalives, is
  /// waited for as one that is asleep.
  Duration inactive_after = std::chrono::minutes(1);
  /// So many unanswered questions in a row over a link that lives make a peer deaf.
  std::uint32_t deaf_after = 3;
  QuestionReport questions = QuestionReport::none;

  /// Operations of users under way: 64 lookups of 4 parallel questions keep within the 256 that
  /// the request tables of twenty links take without trouble. More get `busy`.
  std::size_t operations_max = 64;
  /// Writes that are acknowledged and still bring copies to the rest of the nearest: as many again.
  /// For one more the oldest stops: what it has not reached the holders bring there.
  std::size_t background_max = 64;
  /// Peers of the table a lookup begins with: twice k, so that it can still fill its k answers
  /// where some of the nearest are silent and everybody else names the same twenty.
  std::size_t seeds_max = 40;
  /// Peers that failed of late among them, while usable ones are few and there is a link: a lookup
  /// must not spend its questions on the dead. The mesh dials those in turn (RECOV-06).
  std::size_t failed_seeds_max = 4;
  /// Questions under way altogether; a bound on memory, never reached with the figures above.
  std::size_t asks_max = 4096;
  /// A question whose end nobody reported is given up after this: longer than any ask's timeout.
  Duration ask_forgotten_after = std::chrono::seconds(15);

  /// Below this many links the node keeps looking for its own neighbourhood.
  std::size_t links_wanted = 8;
  /// First look-up of ourselves: its bound, its repetitions and the pauses 1, 2, 4 s (X31).
  Duration self_lookup_timeout = std::chrono::seconds(15);
  std::uint32_t self_lookup_retries_max = 3;
  Duration self_lookup_backoff = std::chrono::seconds(1);
  /// How often it is repeated while links are short and the neighbourhood changes: twice a minute
  /// finds a healed network within the minute P-CR-17 allows, at the cost of some 25 questions
  /// each. While nothing changes the pauses double, up to the interval of refreshes.
  Duration self_lookup_interval = std::chrono::seconds(30);
  Duration self_lookup_interval_max = std::chrono::minutes(10);
  /// Distinct peers that must answer before our neighbourhood counts as confirmed: one may be the
  /// other half of a pair that is cut off from everybody else.
  std::uint32_t confirming_answers = 2;
  /// How long a confirmation holds. Every refresh that two peers answer renews it: one interval
  /// with its jitter, and three minutes for one that comes late.
  Duration confirmation_holds = std::chrono::minutes(15);
  /// One part of the key space is looked up this often: the one that was left alone longest.
  Duration refresh_interval = std::chrono::minutes(10);
  /// Answers that make do for it. The eight nearest to a random place name all that a bucket takes;
  /// each further one costs a dial in a large network, and who holds records there is nobody's
  /// question.
  std::size_t refresh_answers = 8;
  /// With proximity: peers of each bucket whose round trip is measured, and how often (ROUTE-08).
  std::size_t probes_per_bucket_max = 3;
  Duration probe_interval = std::chrono::seconds(60);
  Duration probe_timeout = std::chrono::seconds(3);
  /// The intervals vary by one part in this many, so that nodes started together drift apart
  /// (T33).
  std::uint32_t jitter_divisor = 5;
};

}  // namespace trestle::dht
