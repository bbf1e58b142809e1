#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/dht/dht_options.hpp"

namespace trestle::dht {

struct DhtStats {
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
  std::uint64_t requests = 0;
  std::uint64_t requests_senseless = 0;
  std::uint64_t data_refused = 0;
  std::uint64_t stores_accepted = 0;
  std::uint64_t stores_refused = 0;
  std::uint64_t contacts_discovered = 0;
  std::size_t operations = 0;  ///< Under way now.
  std::size_t links = 0;
  std::size_t contacts_heard = 0;
  RoutingTableStats table;
  RecordStoreStats records;
};

/// One node's part in the DHT: a machine. It knows links by `NodeId` alone; its owner carries the
/// messages, times the questions and proves who is at the other end.
///
///   links, requests, answers, commands --> Dht --> Ask, Respond, Ended, Discovered, ...
///
/// It promises: every request is answered once, in the same call; every accepted operation ends
/// once, also if no question is ever answered; no peer enters the routing table before its link is
/// up (T9); with `refuses_data` no record is ever kept, asked for or sent (P-CR-12).
class Dht {
 public:
  /// `self.id` is our place. `suite` is used for hashing only and must outlive the machine.
  Dht(wire::Contact self, const DhtOptions& options, crypto::Suite& suite, const Rng& rng);

  // ---- links and hearsay ----
  /// A link to a peer that proved itself (or is admitted as legacy) is open. Bootstrap nodes and
  /// observers are ignored: they have no DHT.
  void on_link_up(Instant now, const wire::Contact& contact);
  void on_link_down(Instant now, const NodeId& peer);
  /// Somebody told us of this peer: a candidate for lookups, not for the table.
  void on_contact(Instant now, const wire::Contact& contact);
  /// Any sign of life from a linked peer.
  void on_heard(Instant now, const NodeId& peer);

  // ---- requests of others ----
  /// find_node, find_value or store. Exactly one `Respond` with this token follows at once; for any
  /// other message it is a failure.
  void on_request(Instant now, const NodeId& from, RequestToken token,
                  const wire::Message& request);

  // ---- ends of our own questions ----
  void on_answer(Instant now, AskId ask, const wire::Message& answer);
  /// No answer came and none will. Timeouts, unreachable peers and lost connections count against
  /// the peer, a busy one or our own cancelling does not.
  void on_ask_failed(Instant now, AskId ask, ErrorCode code);

  // ---- commands ----
  /// Stores a value at the nodes nearest to the key. Refused: unsupported (we refuse data),
  /// invalid_request (empty or overlong key, ttl not positive), too_large, busy, shutting_down.
  /// Ends with `none` and the number of replicas, else unreachable, or why the nodes refused.
  Result<OperationId, ErrorCode> put(Instant now, std::string key, Bytes value, Duration ttl);
  /// Ends with the record, or not_found, unreachable, timeout. Refused like `put`.
  Result<OperationId, ErrorCode> get(Instant now, std::string key);
  /// The nodes nearest to `target`. Refused: busy, shutting_down.
  Result<OperationId, ErrorCode> find(Instant now, const NodeId& target);
  /// Ends every operation with shutting_down. Afterwards requests are refused and nothing is begun.
  void close(Instant now);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect() { return outbox_.poll(); }

  bool is_open() const { return open_; }
  /// Whether our own neighbourhood was looked up and answered by two peers or more, not long ago,
  /// and links were never all lost since: what readiness rests on. False in a network of two.
  bool neighbourhood_confirmed(Instant now) const;
  const wire::Contact& self() const { return self_; }
  const RoutingTable& table() const { return table_; }
  const RecordStore& records() const { return records_; }
  DhtStats stats() const;

 private:
  using Slot = Deadlines::Slot;
  enum class Purpose : std::uint8_t { put, get, find, self_lookup, refresh };
  struct Operation {
    OperationId id;
    Purpose purpose;
    Lookup lookup;
    /// put: what to store, with the time to live granted.
    wire::Record record;
    std::optional<Replication> replication;
    /// put: whether our own store keeps a copy.
    bool kept_here = false;
  };
  enum class AskKind : std::uint8_t { lookup, store };
  struct PendingAsk {
    Slot slot = 0;
    OperationId operation;
    NodeId peer{};
    Instant issued{};
    AskKind kind = AskKind::lookup;
  };

  // serving.cpp: requests of others
  wire::Message serve(Instant now, const NodeId& from, const wire::Message& request);
  wire::Message serve_find_value(Instant now, const NodeId& from,
                                 const wire::FindValueRequest& request);
  wire::Message serve_store(Instant now, const NodeId& from, const wire::StoreRequest& request);
  wire::Contacts contacts_for(const NodeId& asker, const NodeId& target) const;

  // operations.cpp: put, get, find
  bool has_vacancy(Purpose purpose) const;
  std::optional<ErrorCode> refusal(std::string_view key) const;
  OperationId begin(Instant now, Purpose purpose, LookupKind kind, const NodeId& target,
                    wire::Record record);
  void seed(Lookup& lookup);
  void seed_failed(Lookup& lookup);
  void pump(Instant now, Slot slot);
  void pump_lookup(Instant now, Slot slot);
  void pump_replication(Instant now, Slot slot);
  void on_lookup_ended(Instant now, Slot slot, LookupEnded& ended);
  void begin_replication(Instant now, Slot slot, LookupEnded& ended);
  void end(Slot slot, Ended ended);
  bool issue(Instant now, Slot slot, AskKind kind, wire::Contact&& peer, wire::Message&& message,
             Duration timeout);

  // asking.cpp: ends of our own questions
  Operation* operation_of(const PendingAsk& pending);
  std::vector<Candidate> resolve(const wire::Contacts& contacts) const;
  void learn(Instant now, const wire::Contacts& contacts);
  void settle_lookup(Instant now, Operation& operation, const NodeId& peer,
                     const wire::Message& answer);
  void settle_store(Instant now, Operation& operation, const NodeId& peer,
                    const wire::Message& answer);
  void forget_asks(Instant now);

  // maintenance.cpp: our own neighbourhood, refreshes
  void keep_up(Instant now);
  void plan_self_lookup(Instant now);
  void begin_self_lookup(Instant now);
  void on_all_links_lost(Instant now);
  void begin_refresh(Instant now);
  void on_self_lookup_ended(Instant now, LookupEnded& ended);
  void confirm_neighbourhood(Instant now, const LookupStats& lookup);
  bool knows_anybody() const;
  NodeId random_target();
  Instant jittered(Instant now, Duration interval);

  wire::Contact self_;
  DhtOptions options_;
  crypto::Suite* suite_;
  Rng rng_;
  RoutingTable table_;
  RecordStore records_;
  HeardContacts heard_;
  FlatMap<NodeId, wire::Contact> links_;
  std::vector<std::optional<Operation>> operations_;
  Deadlines timers_;
  FlatMap<AskId, PendingAsk> asks_;
  std::uint64_t last_operation_ = 0;
  std::uint64_t last_ask_ = 0;
  Instant self_lookup_at_ = kNever;
  Instant refresh_at_ = kNever;
  std::uint32_t self_lookup_retries_ = 0;
  bool self_lookup_running_ = false;
  bool neighbourhood_known_ = false;
  /// When a lookup last confirmed it; nothing while none has.
  std::optional<Instant> neighbourhood_confirmed_at_;
  bool refresh_running_ = false;
  bool open_ = true;
  DhtStats stats_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::dht
