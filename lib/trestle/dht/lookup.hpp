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
#include "trestle/wire/message/message.hpp"

namespace trestle::dht {

struct LookupOptions {
  /// Questions under way at a time (X30).
  std::size_t parallel_max = 4;
  /// How many of the nearest must have answered (X30).
  std::size_t nearest = 20;
  /// Contacts read from one answer; what lies beyond is a lie or of no use (T9).
  std::size_t contacts_per_answer_max = 20;
  /// Contacts remembered. More than `asks_max`, so that whom we asked is never forgotten.
  std::size_t candidates_max = 256;
  /// Step bound: with ideal tables 26 questions close the set in a network of a million (D15).
  std::size_t asks_max = 128;
  /// P-CR-7, LOOK-01.
  Duration timeout_connected = std::chrono::seconds(10);
  Duration timeout_unconnected = std::chrono::seconds(3);
  /// The whole of it (LOOK-01).
  Duration timeout_total = std::chrono::seconds(30);
  /// From then on an answer is still welcome, but another peer is asked in its stead: several times
  /// any healthy round trip with a dial in it, a third of the shortest timeout.
  Duration straggler_after = std::chrono::seconds(1);
  /// A search for nodes waits no longer for stragglers once this many have answered for each.
  std::size_t answers_per_straggler = 4;
  /// A peer that named this many more dead contacts than living ones is believed last.
  std::uint32_t misleading_max = 3;
};

enum class LookupKind : std::uint8_t {
  find_node,   ///< Ends when the nearest have answered.
  find_value,  ///< Ends at the first record.
};

/// A peer that may be asked.
struct Candidate {
  wire::Contact contact;
  /// A link to it is open: it is asked first among its distance class and waited for longer.
  bool connected = false;
};

struct LookupStats {
  std::uint32_t asks = 0;
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
};

/// The last effect of a lookup.
struct LookupEnded {
  /// find_node: `none` if anybody answered, also if the total bound cut it short. find_value:
  /// `none` if found, `not_found` if the nearest said no. Both: `unreachable` if there was nobody
  /// to ask or nobody answered, `timeout` if the total bound came first, or the code given to
  /// `cancel`.
  ErrorCode code = ErrorCode::none;
  /// Everybody who answered, nearest first (true distance, never the order of an answer).
  wire::Contacts answered;
  std::optional<wire::Record> record;
  /// Who had the record.
  NodeId found_at{};
  LookupStats stats;
};

using LookupEffect = std::variant<LookupAsk, LookupEnded>;

/// One iterative lookup of Kademlia: a machine. Its owner seeds it, starts it, carries out each ask
/// and reports its end once; the machine has its own deadlines and ends also if nothing is
/// reported. No peer is asked twice. Among the nearest candidates the best distance class (leading
/// bits shared with the target) goes first and connected peers first inside it (LOOK-02, P-CR-24,
/// X28): a dial is spent only where it brings us nearer.
///
///   fresh --ask--> asked --(straggler_after)--> straggler --> answered | failed
///                    `------------------------------------^
class Lookup {
 public:
  /// `key` is the text to ask for, empty for find_node. `self` is never asked.
  Lookup(const NodeId& self, LookupKind kind, const NodeId& target, std::string key,
         const LookupOptions& options);

  // ---- commands ----
  /// Before or after the start; ignored after the end.
  void add_seed(const Candidate& candidate);
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
  /// A link opened: the peer showed itself, its contact counts from now on.
  void on_link_up(Instant now, const wire::Contact& contact);
  void on_link_down(Instant now, const NodeId& peer);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<LookupEffect> poll_effect() { return outbox_.poll(); }

  bool is_ended() const { return ended_; }
  LookupKind kind() const { return kind_; }
  const NodeId& target() const { return target_; }
  const LookupStats& stats() const { return stats_; }

 private:
  using Index = std::uint16_t;
  enum class State : std::uint8_t { fresh, asked, straggler, answered, failed };
  struct Entry {
    NodeId distance{};
    wire::Contact contact;
    Instant asked_at{};
    Instant deadline{};
    State state = State::fresh;
    bool connected = false;
    /// Who named it.
    std::optional<Index> source;
    std::uint16_t hops = 1;
    /// What came of the contacts this one named.
    std::uint32_t named_dead = 0;
    std::uint32_t named_alive = 0;
  };
  enum class Belief : std::uint8_t { believed, all };
  enum class Verdict : std::uint8_t { waiting, done, doubtful_left };

  Entry* entry_of(const NodeId& peer);
  std::size_t order_place(const NodeId& distance) const;
  void name_candidate(const Candidate& candidate, std::optional<Index> source);
  std::optional<Index> vacant_entry(const NodeId& distance);
  bool is_doubtful(const Entry& entry) const;
  Entry* open_ask(const NodeId& peer);
  Entry* answered(Instant now, const NodeId& peer);
  void fail(Entry& entry, ErrorCode code);
  void expire(Entry& entry);

  void advance(Instant now);
  void ask_while_allowed(Instant now, Belief belief);
  Entry* choose(Belief belief);
  void ask(Instant now, Entry& entry);
  Verdict verdict() const;
  bool may_leave_stragglers(std::size_t answered, std::size_t stragglers) const;
  void end(ErrorCode code, std::optional<wire::Record> record = {}, const NodeId& found_at = {});

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
  Instant total_deadline_ = kNever;
  LookupStats stats_;
  Outbox<LookupEffect> outbox_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace trestle::dht
