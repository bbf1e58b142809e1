#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/key_region.hpp"
#include "trestle/wire/message/dht.hpp"

namespace trestle::dht {

struct RefreshOptions {
  /// How long a copy goes without anybody showing that it lives on (STORE-01, X34). Not the life of
  /// the record, which its author gives.
  Duration interval = std::chrono::hours(1);
  /// Each holder waits a part of this more, drawn anew each time. With twenty holders the first
  /// comes 14 s before the second on average: time enough to tell all others, who then wait again.
  Duration spread = std::chrono::minutes(5);
  /// A refresh that reached nobody is tried again after a time between these: soon enough to stay
  /// below 5 % of the interval twice in three cases, too slow to hammer at peers that are away.
  Duration retry_min = std::chrono::minutes(1);
  Duration retry_max = std::chrono::minutes(5);
  /// For so many intervals in a row the word of one node puts off our own refresh; then we see for
  /// ourselves. One that lies, or is alone in an error, would else have all others wait until the
  /// last copy has gone. Of twenty holders one comes first three times in a row once in 400 times,
  /// and then one refresh more is all it costs.
  std::uint32_t words_of_one_max = 2;
  /// And so many whoever says so; fewer while only few have said so, as many as one may for each of
  /// them: two that take turns put it off for four. Of twenty holders each has its turn once in
  /// twenty intervals, and one in eight waits for longer than forty: that many more refreshes are
  /// made.
  std::uint32_t words_max = 40;
};

/// What another node's word that a record was refreshed counted for.
enum class Word : std::uint8_t { unknown_record, believed, doubted };

/// A record as one holder tells another of it, and until when it lives.
struct KeptRecord {
  NodeId place{};
  std::uint64_t version = 0;
  wire::RecordDigest digest{};
  Instant ends{};
  /// Of the old dialect: nothing proves it, and peers of that dialect may be given it.
  bool legacy = false;

  wire::ReplicaSummary summary(Instant now) const;
};

/// When each record that is kept here is to be refreshed: a policy.
///
///   kept or refreshed            opens            due, drawn from the spread
///   ---------|---- interval ------->|-----------x----->|
///            |                      |  taken along when a neighbour in the key space is due
///            `<-- somebody else's refresh: the interval begins again (STORE-04)
///
/// Elapsed time on our own clock only, and none of it is ever told (STORE-06). Looking for what is
/// due costs nothing but the top of a heap, however many records there are.
class RefreshSchedule {
 public:
  RefreshSchedule(const RefreshOptions& options, const Rng& rng);

  // ---- inputs ----
  /// Kept from now on, or replaced by another content, or shown to live on.
  void on_kept(Instant now, const KeptRecord& record);
  /// Kept since before the start, nobody knows how long ago it was refreshed. The key space is
  /// swept once within the first interval: a record is due when the sweep passes its place. So a
  /// thousand nodes that start in one second do not announce all they have in the next, and the
  /// holders of one record still come within one spread of each other.
  void on_restored(Instant now, const KeptRecord& record);
  /// We have shown that it lives on, until `ends` at least. False if it is not kept.
  bool on_refreshed(Instant now, const NodeId& place, Instant ends);
  /// `from` says so. Doubted: it lives until `ends`, but our own refresh comes when it would have.
  Word on_word(Instant now, const NodeId& place, Instant ends, const NodeId& from);
  /// Our own refresh of it reached nobody.
  void on_failed(Instant now, const NodeId& place);
  /// Due at a time drawn from now to `within`, if it was not due sooner.
  void hurry(Instant now, const NodeId& place, Duration within);

  // ---- taking ----
  /// The record that has been due for longest; it stays due.
  std::optional<NodeId> first_due(Instant now);
  /// Not due until it is refreshed or has failed.
  void suspend(const NodeId& place);
  /// Suspends up to `records_max` records of the region whose time has come, or whose window is
  /// open, and returns them: `centre` and those after it first.
  std::vector<KeptRecord> take(Instant now, const KeyRegion& region, const NodeId& centre,
                               std::size_t records_max);
  bool is_suspended(const NodeId& place) const;
  /// Forgets those whose life has ended.
  void drop_ended(Instant now);

  // ---- look ----
  const KeptRecord* find(const NodeId& place) const;
  /// When somebody last showed that it lives on; when we were told to keep it.
  std::optional<Instant> refreshed(const NodeId& place) const;
  Instant next_due() const { return dues_.next(); }
  Instant next_end() const { return ends_.next(); }
  /// When its refresh is or was due; `kNever` if it is not kept.
  Instant due_of(const NodeId& place) const;
  std::size_t size() const { return slot_by_place_.size(); }
  const RefreshOptions& options() const { return options_; }

  /// Calls `visit(const KeptRecord&)` from `from` to the end of the region by rising place; ends
  /// early when it returns false.
  template <typename Visit>
  void visit(const KeyRegion& region, const NodeId& from, Visit visit) const {
    for (auto entry = slot_by_place_.lower_bound(from);
         entry != slot_by_place_.end() && entry->first <= region.last; ++entry) {
      if (!visit(entries_[entry->second].record)) return;
    }
  }

 private:
  using Slot = Deadlines::Slot;
  struct Entry {
    KeptRecord record;
    Instant refreshed{};
    Instant opens{};
    Instant due{};
    /// For how long the words of others have put off our own refresh since the last one. Time in
    /// which nobody said anything counts for one interval at most.
    Duration put_off{};
    /// Whose word counted since: a bit for each, by a hash that only we know. Of twenty holders two
    /// or three share one with another, which makes us believe a little less.
    std::uint64_t tellers = 0;
    /// Whose word counted last, and how much of that time is due to it alone.
    NodeId teller{};
    Duration put_off_by_teller{};
    bool suspended = false;
  };

  Entry* entry_of(const NodeId& place);
  Entry& enter(const KeptRecord& record);
  void prolong(Entry& entry, Instant ends);
  static void trust_again(Entry& entry);
  std::uint64_t teller_bit(const NodeId& teller) const;
  void open_at(Entry& entry, Instant opens);
  void set_due(Entry& entry, Instant due);
  Slot slot_of(const Entry& entry) const { return static_cast<Slot>(&entry - entries_.data()); }

  RefreshOptions options_;
  Rng rng_;
  /// Odd; whom others take for how many must not be theirs to choose.
  std::uint64_t teller_salt_;
  std::map<NodeId, Slot> slot_by_place_;
  std::vector<Entry> entries_;
  std::vector<Slot> vacant_;
  Deadlines dues_;
  Deadlines ends_;
};

}  // namespace trestle::dht
