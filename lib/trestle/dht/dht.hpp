#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/dht/dht_options.hpp"
#include "trestle/dht/dht_state.hpp"
#include "trestle/dht/dht_stats.hpp"
#include "trestle/dht/link_origin.hpp"

namespace trestle::dht {

/// One node's part in the DHT: a machine. It knows links by `NodeId` alone; its owner carries the
/// messages, times the questions and proves who is at the other end.
///
///   links, requests, answers, commands --> Dht --> Ask, Respond, Ended, Discovered, ...
///
/// It promises: every request is answered once, in the same call or, where the disk has to sync a
/// record first, within 2.5 s (P-CR-6); every accepted operation ends once, also if no question is
/// ever answered; no peer enters the routing table before its link is up (T9); no record of a peer
/// counts that was not verified (I12); a write is never called acknowledged by fewer than W synced
/// copies; with `refuses_data` no record is ever kept, asked for or sent (P-CR-12).
class Dht : private DhtState {
 public:
  /// `self.id` is our place. `suite` is used for hashing only and must outlive the machine.
  Dht(wire::Contact self, const DhtOptions& options, crypto::Suite& suite, const Rng& rng);
  ~Dht();

  // ---- life ----
  /// Before anything else, if there is anything: what the disk had.
  void restore(Instant now, std::vector<StoredRecord> records);
  /// The calendar, which versions are taken from.
  void on_wall_clock(Instant now, WallTime wall);

  // ---- links and hearsay ----
  /// A link to a peer that proved itself (or is admitted as legacy) is open. Bootstrap nodes and
  /// observers are ignored: they have no DHT.
  void on_link_up(Instant now, const wire::Contact& contact, const LinkOrigin& origin = {});
  void on_link_down(Instant now, const NodeId& peer, LinkEnding ending = LinkEnding::lost);
  /// Somebody told us of this peer: a candidate for lookups, not for the table.
  void on_contact(Instant now, const wire::Contact& contact);
  /// It was dialled, for other reasons than a question of ours, and was not there.
  void on_unreachable(Instant now, const NodeId& peer);
  /// A round trip to a linked peer was measured.
  void on_round_trip(const NodeId& peer, Duration round_trip);
  /// Any sign of life from a linked peer.
  void on_heard(Instant now, const NodeId& peer);

  // ---- requests of others ----
  /// find_node or find_value. Exactly one `Respond` with this token follows at once; for any other
  /// message it is a failure.
  void on_request(Instant now, const NodeId& from, RequestToken token,
                  const wire::Message& request);
  /// A store request, its record verified. One `Respond` follows.
  void on_store(Instant now, const NodeId& from, RequestToken token,
                const crypto::VerifiedRecord& record);

  // ---- ends of our own questions ----
  void on_answer(Instant now, AskId ask, const wire::Message& answer);
  /// The answer was a record, and it is verified.
  void on_record(Instant now, AskId ask, const crypto::VerifiedRecord& record);
  /// No answer came and none will. Timeouts, unreachable peers and lost connections count against
  /// the peer, and so does a forged record (UNAUTHORIZED); a busy one or our own cancelling does
  /// not.
  void on_ask_failed(Instant now, AskId ask, ErrorCode code);

  // ---- answers to orders ----
  void on_value(OperationId operation, Bytes value);
  void on_signed(Instant now, OperationId operation, const wire::Signature& signature);
  void on_persisted(Instant now, StorageTicket ticket, ErrorCode code);

  // ---- commands ----
  /// Stores a value at the nodes nearest to the key. Refused: unsupported (we refuse data),
  /// invalid_request (empty or overlong key, ttl not positive), unauthorized (another node's key),
  /// too_large, busy, shutting_down. Ends with `none` and the receipt as soon as that is good, or
  /// when nobody is left to ask; else outdated, unreachable, or why the nodes refused.
  Result<OperationId, ErrorCode> put(Instant now, std::string key, Bytes value, Duration ttl);
  /// The same with a sealed value, which is bound to its version and therefore asked for by
  /// `SealValue` when that is known.
  Result<OperationId, ErrorCode> put_sealed(Instant now, std::string key, Duration ttl);
  /// Gives the record its whole life again, whoever wrote it. As `put`, or not_found.
  Result<OperationId, ErrorCode> refresh(Instant now, std::string key);
  /// Deletes: a tombstone takes the record's place. As `refresh`.
  Result<OperationId, ErrorCode> remove(Instant now, std::string key);
  /// Ends with the record, or not_found, unreachable, timeout. What we keep ourselves is answered
  /// at once, unless several paths are wished for. Refused like `put`, and invalid_request: so many
  /// paths there are not.
  Result<OperationId, ErrorCode> get(Instant now, std::string key, const LookupWish& wish = {});
  /// The nodes nearest to `target`. Refused: busy, shutting_down, invalid_request.
  Result<OperationId, ErrorCode> find(Instant now, const NodeId& target,
                                      const LookupWish& wish = {});
  /// From now on.
  void report_questions(QuestionReport report) { options_.questions = report; }
  /// Ends every operation with shutting_down. Afterwards requests are refused and nothing is begun.
  void close(Instant now);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();

  const DhtOptions& options() const { return options_; }
  bool is_open() const { return open_; }
  /// Whether our own neighbourhood was looked up and answered by two peers or more, not long ago,
  /// and links were never all lost since: what readiness rests on. False in a network of two.
  bool neighbourhood_confirmed(Instant now) const;
  const wire::Contact& self() const { return self_; }
  const RoutingTable& table() const { return table_; }
  /// A linked peer; nothing if there is no link. Valid until the next change of links.
  const wire::Contact* linked(const NodeId& peer) const { return links_.find(peer); }
  /// Whom we would name to this asker as nearest to the target.
  wire::Contacts contacts_for(const NodeId& asker, const NodeId& target) const;
  /// The linked peer that takes a message for `target` on from us; see next_hop.hpp. Never one of
  /// the old dialect, which drops what is not for itself, and never one of those excluded.
  std::optional<NodeId> next_hop(const NodeId& target, std::span<const NodeId> excluded) const;
  /// The answer to a question that others carried here: find_node and find_value, nothing else.
  wire::Message serve_carried(Instant now, const NodeId& origin, const wire::Message& request);
  const RecordStore& records() const { return desk_.records(); }
  DhtStats stats() const;
  /// How late the latest refresh of a record is.
  Duration republish_lag(Instant now) const { return republisher_.lag(now); }

 private:
  // serving.cpp: requests of others
  wire::Message serve(Instant now, const NodeId& from, const wire::Message& request);
  wire::Message serve_find_value(Instant now, const NodeId& from,
                                 const wire::FindValueRequest& request);
  wire::Dialect dialect_of(const NodeId& peer) const;

  // limiting.cpp: limits in both directions
  std::optional<wire::Message> refusal_of_rate(Instant now, const NodeId& from,
                                               const wire::Message& request);
  bool pace(Instant now, Ask&& ask);
  bool wait_and_repeat(Instant now, AskId ask, const wire::Failure& failure);
  void look_elsewhere(Instant now);
  bool is_awaited(const PendingAsk& pending);
  void send(Instant now, PendingAsk& pending, Ask&& order);
  void settle_debt(PendingAsk& pending);
  void release_asks(Instant now);
  bool bounds_groups() const { return options_.table.diversity.mode == Diversity::open; }
  PeerGroups groups_of(const wire::Contact& contact) const;
  /// Those of a choice, in its order, that keep every group to its share of it.
  wire::Contacts spread_over_groups(wire::Contacts chosen) const;

  // probing.cpp: round trips
  void probe_round_trips(Instant now);
  void probe(Instant now, const wire::Contact& peer);

  // operations.cpp: the look-ups of users and of upkeep
  bool has_vacancy(Purpose purpose) const;
  std::optional<ErrorCode> refusal(std::string_view key) const;
  OperationId begin(Instant now, Purpose purpose, LookupKind kind, const NodeId& target,
                    std::string key, std::optional<Write> write = {}, const LookupWish& wish = {});
  OperationId end_at_once(Ended ended);
  void look_up(Instant now, Slot slot, LookupKind kind, const NodeId& target, std::string key,
               const LookupWish& wish = {});
  void compare_with_own(Instant now, const std::string& key, LookupEnded& ended);
  LookupOptions lookup_options(Purpose purpose, const LookupWish& wish) const;
  void seed(Instant now, Lookup& lookup);
  void seed_failed(Instant now, Lookup& lookup);
  void pump(Instant now, Slot slot);
  void pump_lookup(Instant now, Slot slot);
  void on_lookup_ended(Instant now, Slot slot, LookupEnded& ended);
  void end(Slot slot, Ended ended);
  bool issue(Instant now, Slot slot, AskKind kind, wire::Contact&& peer, wire::Message&& message,
             Duration timeout, const std::optional<NodeId>& through = {});

  // ways.cpp: round trips, ways through others, searches that the network carries
  Candidate candidate(Instant now, const wire::Contact& contact) const;
  Candidate candidate(Instant now, const Peer& peer) const;
  Candidate with_pace(Instant now, Candidate made) const;
  std::vector<Candidate> resolve(Instant now, const wire::Contacts& contacts,
                                 const NodeId& namer) const;
  std::optional<NodeId> way_to(const NodeId& peer, const std::optional<NodeId>& namer) const;
  bool ask_through(Instant now, const PendingAsk& pending, Operation& operation, ErrorCode code);
  bool ask_again(Instant now, const PendingAsk& pending, const Lookup& lookup);
  bool begin_recursive(Instant now, Slot slot, LookupMode mode);
  void settle_recursive(Instant now, Operation& operation, const NodeId& peer,
                        const wire::Message& answer);
  void count_silence(const PendingAsk& pending, ErrorCode code);
  void tell_question(const PendingAsk& pending, const Operation& operation);

  // writing.cpp: put, refresh, remove
  Result<OperationId, ErrorCode> begin_rewrite(Instant now, Purpose purpose, std::string key);
  Result<OperationId, ErrorCode> begin_put(Instant now, std::string key, Duration ttl, Write write);
  Result<OperationId, ErrorCode> begin_write(Instant now, Purpose purpose, Write write);
  bool adopt(Purpose purpose, Write& write, const wire::Record& known) const;
  void order_signature(Instant now, const Operation& operation, wire::Record& record);
  std::optional<Slot> slot_of(OperationId id) const;
  void on_write_lookup_ended(Instant now, Slot slot, LookupEnded& ended);
  void find_targets(Instant now, Write& write, const NodeId& place, wire::Contacts&& answered);
  void spread_if_ready(Instant now, Slot slot);
  void pump_write(Instant now, Slot slot);
  void tell(Slot slot, ErrorCode code);
  void cut_oldest_spread();
  void learn(Instant now, Slot slot, const wire::Contact& newer_at);
  void on_learned(Instant now, Slot slot, const wire::Record* shown);
  bool supersedes(Instant now, const wire::Record& shown, const wire::Record& ours);
  void pump_desk(Instant now);

  // asking.cpp: ends of our own questions
  std::optional<PendingAsk> take_answered(Instant now, AskId ask);
  Operation* operation_of(const PendingAsk& pending);
  void learn(Instant now, const wire::Contacts& contacts);
  void settle_lookup(Instant now, Operation& operation, const NodeId& peer,
                     const wire::Message& answer);
  void settle_store(Instant now, Operation& operation, const PendingAsk& pending,
                    const wire::Message& answer);
  void forget_asks(Instant now);

  // upkeep.cpp: the copies of what is kept here
  void restore_upkeep(Instant now);
  void note_delivery(Instant now, const std::string& key, const NodeId& from);
  wire::Message serve_offer(Instant now, const NodeId& from, const wire::ReplicaOffer& offer);
  wire::ReplicaState judge_offer(Instant now, const wire::ReplicaSummary& offered);
  bool belongs_near(const NodeId& place) const;
  void keep_alive(Instant now);
  void pump_upkeep(Instant now);
  void send_copy(Instant now, SendCopy&& copy);
  void issue_upkeep(Instant now, UpkeepTicket ticket, wire::Contact&& peer, wire::Message&& message,
                    Duration timeout);
  void on_upkeep_lookup_ended(Instant now, const NodeId& target, LookupEnded& ended);
  void settle_upkeep(Instant now, const PendingAsk& pending, const wire::Message& answer);

  // maintenance.cpp: our own neighbourhood, refreshes
  void keep_up(Instant now);
  void plan_self_lookup(Instant now);
  void on_neighbourhood_changed(Instant now);
  void on_returned(Instant now);
  void begin_self_lookup(Instant now);
  void on_all_links_lost(Instant now);
  void begin_refresh(Instant now);
  void on_self_lookup_ended(Instant now, LookupEnded& ended);
  void confirm_neighbourhood(Instant now, const LookupStats& lookup);
  bool knows_anybody() const;
  NodeId random_target(unsigned bucket);
  std::size_t bucket_of(const NodeId& target) const;
  Instant jittered(Instant now, Duration interval);
};

}  // namespace trestle::dht
