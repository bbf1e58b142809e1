#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/lookup_options.hpp"
#include "trestle/dht/lookup_step.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

/// A peer that may be asked.
struct Candidate {
  wire::Contact contact;
  /// A link to it is open: it is asked first among its distance class and waited for longer.
  bool connected = false;
  /// Linked, and known to be asleep: not waited for long.
  bool inactive = false;
  /// Owes an answer for longer than it usually takes: asked when nobody else is left.
  bool silent = false;
  /// What its answers take, or what is assumed of it (P-KR-9). Decides inside a distance class
  /// only.
  Duration round_trip{};
  /// Within what it answers 19 times of 20; zero if not known.
  Duration patience{};
  /// It cannot be reached, but this peer, to which there is a link, can carry the question.
  std::optional<NodeId> through{};
};

struct LookupStats {
  std::uint32_t asks = 0;
  std::uint32_t asks_through = 0;  ///< Of these, carried by another peer.
  std::uint32_t hedges = 0;        ///< Of these, because another peer took long.
  std::uint32_t answers = 0;
  std::uint32_t failures = 0;
  std::uint32_t timeouts = 0;
  std::uint32_t late_answers = 0;
  /// Length of the longest chain of answers that led to a peer which answered.
  std::uint32_t hops = 0;
};

/// Ask this peer. At the latest after `timeout` the lookup goes on without it.
struct LookupAsk {
  wire::Contact peer;
  wire::Message message;
  Duration timeout{};
  std::optional<NodeId> through{};
};

/// The last effect of a lookup.
struct LookupEnded {
  /// find_node: `none` if anybody answered, also if the total bound cut it short. find_value:
  /// `none` if found, `not_found` if the nearest said no. Both: `unreachable` if there was nobody
  /// to ask or nobody answered, `busy` if so many of the nearest had no room for us, or we none for
  /// them, that what they know would have counted, `timeout` if the total bound came first, or the
  /// code given to `cancel`.
  ErrorCode code = ErrorCode::none;
  /// Everybody who answered, nearest first (true distance, never the order of an answer).
  wire::Contacts answered;
  /// Those of them to which there is no way but through another.
  std::vector<NodeId> answered_through;
  /// The newest of the records that were found.
  std::optional<wire::Record> record;
  /// Who had it.
  NodeId found_at{};
  LookupStats stats;
  /// Every question, in the order of asking, if the options want it told.
  std::vector<LookupStep> steps;
};

using LookupEffect = std::variant<LookupAsk, LookupEnded>;

/// One iterative lookup of Kademlia: a machine. Its owner seeds it, starts it, carries out each ask
/// and reports its end once; the machine has its own deadlines and ends also if nothing is
/// reported. No peer is asked twice. Among the nearest candidates the best distance class (leading
/// bits shared with the target) goes first, inside it connected peers, and then those that answer
/// soonest (LOOK-02, LOOK-04, P-CR-24, X28): a dial is spent only where it brings us nearer, and no
/// round trip, however short, is worth a step away from the target.
///
///   fresh --ask--> asked --(straggler_after)--> straggler --> answered | failed
///                    `------------------------------------^
///
/// With several paths (S/Kademlia; Baumgart and Mies, 2007) every path follows the names that its
/// own peers gave and asks whom no other path has asked. It is over when all paths are.
class Lookup {
 public:
  /// `key` is the text to ask for, empty for find_node. `self` is never asked.
  Lookup(const NodeId& self, LookupKind kind, const NodeId& target, std::string key,
         const LookupOptions& options);

  // ---- commands ----
  /// Before or after the start; ignored after the end.
  void add_seed(Candidate candidate);
  /// Asks the first peers; call once.
  void start(Instant now);
  /// Ends it with this code. Nothing happens if it has ended already.
  void cancel(Instant now, ErrorCode code);

  // ---- inputs ----
  /// `peer` answered with contacts, in any order and of any truth.
  void on_contacts(Instant now, const NodeId& peer, std::span<const Candidate> contacts);
  /// `peer` has the record. One under another key counts as a failure.
  void on_record(Instant now, const NodeId& peer, const wire::Record& record);
  void on_failed(Instant now, const NodeId& peer, ErrorCode code);
  /// Why a peer is not asked over a link of its own: it may not be there at all, or one of us two
  /// has no room for a link.
  enum class Hindrance : std::uint8_t { out_of_reach, no_room };
  /// The asked peer could not be linked; may it be asked by way of `through`, within the time that
  /// is left? True at most once for a peer, and counts as a question.
  bool reroute(const NodeId& peer, const NodeId& through,
               Hindrance hindrance = Hindrance::out_of_reach);
  /// A link opened: the peer showed itself, its contact counts from now on.
  void on_link_up(Instant now, const wire::Contact& contact);
  void on_link_down(Instant now, const NodeId& peer);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<LookupEffect> poll_effect();

  bool is_started() const { return started_; }
  bool is_ended() const { return ended_; }
  LookupKind kind() const { return kind_; }
  const NodeId& target() const { return target_; }
  /// find_value: the text to ask for.
  const std::string& key() const { return key_; }
  /// What it asks whoever plays this role.
  wire::Message question_to(wire::Role role) const;
  const LookupStats& stats() const { return stats_; }
  /// When the question to this peer, still open, is given up; nothing if none is open.
  std::optional<Instant> deadline_of(const NodeId& peer) const;
  /// Whether somebody named this peer in this lookup; one that only we remembered may be gone.
  bool was_named(const NodeId& peer) const;
  /// The question to this peer as far as it has come; nothing if it was not asked.
  std::optional<LookupStep> step_of(const NodeId& peer) const;

 private:
  using Index = std::uint16_t;
  using Path = std::uint8_t;
  enum class State : std::uint8_t { fresh, asked, straggler, answered, failed };
  struct Entry {
    NodeId distance{};
    Candidate candidate;
    Instant asked_at{};
    Instant deadline{};
    Instant hedge_at{};
    Instant ended_at{};
    State state = State::fresh;
    /// Another one was asked because this one takes long; it holds up no further question.
    bool hedged = false;
    /// The paths that know of it, a bit each, and the one that asked it.
    std::uint8_t paths = 0;
    Path path = 0;
    /// Who named it.
    std::optional<Index> source;
    std::uint16_t hops = 1;
    // For whoever wants to be told: which question it was, why, and what came of it.
    std::uint16_t question = 0;
    AskReason reason = AskReason::nearest;
    bool linked_when_asked = false;
    ErrorCode code = ErrorCode::none;
    std::uint32_t contacts = 0;
    /// What came of the contacts this one named.
    std::uint32_t named_dead = 0;
    std::uint32_t named_alive = 0;
  };
  enum class Belief : std::uint8_t { believed, all };
  enum class Verdict : std::uint8_t { waiting, doubtful_left, done };
  struct Choice {
    Entry* entry = nullptr;
    AskReason reason = AskReason::nearest;
  };

  // lookup.cpp: candidates, inputs, time
  const Entry* entry_of(const NodeId& peer) const;
  Entry* entry_of(const NodeId& peer);
  std::size_t order_place(const NodeId& distance) const;
  void name_candidate(Candidate candidate, std::optional<Index> source);
  std::optional<Index> vacant_entry(const NodeId& distance);
  void deal_paths();
  bool is_doubtful(const Entry& entry) const;
  Entry* open_ask(const NodeId& peer);
  Entry* answered(Instant now, const NodeId& peer);
  void count_answer(Instant now, Entry& entry);
  void fail(Instant now, Entry& entry, ErrorCode code);
  void expire(Instant now, Entry& entry);

  // lookup_progress.cpp: whom to ask, and when it is over
  void advance(Instant now);
  void ask_while_allowed(Instant now, Path path, Belief belief);
  bool may_ask(const Entry& entry, Path path) const;
  Choice choose(Path path, Belief belief);
  void ask(Instant now, Path path, const Choice& choice);
  Verdict verdict(Path path) const;
  Instant straggles_at(const Entry& entry) const;
  bool may_leave_stragglers(std::size_t answers, std::size_t denials, std::size_t stragglers) const;
  std::size_t share(std::size_t whole) const;
  ErrorCode code_of_failure() const;
  std::size_t width() const;
  void end(ErrorCode code);
  LookupStep step(const Entry& entry) const;
  std::vector<LookupStep> steps() const;

  NodeId self_;
  LookupKind kind_;
  NodeId target_;
  std::string key_;
  LookupOptions options_;
  /// Storage in order of arrival: an index names a candidate for good once it was asked.
  std::vector<Entry> entries_;
  /// Indices by distance to the target.
  std::vector<Index> order_;
  /// Indices of those asked and not ended.
  std::vector<Index> in_flight_;
  /// Questions still to be asked because of a slow or a failed peer: why the next ones are asked.
  std::size_t hedges_due_ = 0;
  std::size_t stand_ins_due_ = 0;
  std::size_t records_found_ = 0;
  /// Questions carried by others, by why they are.
  std::size_t through_out_of_reach_ = 0;
  std::size_t through_no_room_ = 0;
  std::optional<wire::Record> record_;
  NodeId found_at_{};
  Instant started_at_{};
  Instant total_deadline_ = kNever;
  LookupStats stats_;
  Outbox<LookupEffect> outbox_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace trestle::dht
