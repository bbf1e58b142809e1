#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "trestle/base/histogram.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/dht/hand_overs.hpp"
#include "trestle/dht/neighbour_watch.hpp"
#include "trestle/dht/replica_round.hpp"
#include "trestle/dht/republisher_options.hpp"

namespace trestle::dht {

/// Names one message to a peer until its end is reported.
struct UpkeepTicket {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const UpkeepTicket&, const UpkeepTicket&) = default;
};

/// Look up the nodes nearest to `target`; answered by `on_nearest` with those and whoever else is
/// known near to it, `wanted` at most.
struct FindNearest {
  NodeId target{};
  std::size_t wanted = 0;
};
/// Those our table knows, linked ones alone or all that can be asked; answered by `on_neighbours`.
struct FindNeighbours {
  NodeId target{};
  std::size_t wanted = 0;
  bool linked_only = false;
};
struct SendOffer {
  UpkeepTicket ticket;
  wire::Contact peer;
  wire::ReplicaOffer offer;
  Duration timeout{};
};
/// Send the record at this place, unless its content has another digest by now: then it has failed.
struct SendCopy {
  UpkeepTicket ticket;
  wire::Contact peer;
  NodeId place{};
  wire::RecordDigest digest{};
  Duration timeout{};
};

using RepublisherEffect = std::variant<FindNearest, FindNeighbours, SendOffer, SendCopy>;

/// Keeps the copies of what is kept here alive at the nodes nearest to each place: a machine. It
/// knows records by what an offer says of them, and neither store nor table.
///
///                                   our own refresh is due
///   the store --on_kept----------> RefreshSchedule ----> sweep: a lookup, or one of late
///   offers of others --on_offered--^ (puts it off)         |
///   a link up --> HandOvers ------------------------> ReplicaRound --SendOffer--> have, need, ...
///   an offer to be spread ----------------------------^      `--SendCopy, to those who need it
///
/// Nothing is refreshed before the node has found its neighbourhood (`on_warm`) or while it has no
/// peer: after either the first refresh waits a part of the spread, so that nodes that lost the
/// network together do not come back with all they have at once (T33).
class Republisher {
 public:
  Republisher(const NodeId& self, const RepublisherOptions& options, const Rng& rng);

  // ---- inputs: what is kept ----
  void on_kept(Instant now, const KeptRecord& record);
  void on_restored(Instant now, const KeptRecord& record);
  /// An equal record came, or was prolonged, by the word of `from`, perhaps ourselves: it lives
  /// until `ends`.
  void on_refreshed(Instant now, const NodeId& place, Instant ends, const NodeId& from);

  // ---- inputs: the network ----
  /// The node has looked up its neighbourhood and was answered.
  void on_warm(Instant now);
  /// It has no link any more.
  void on_cold();
  void on_link_up(Instant now, const wire::Contact& peer);
  void on_link_down(Instant now, const NodeId& peer);
  /// What this node would say to such an offer by what it keeps; `need` for what it does not.
  wire::ReplicaState judge(const wire::ReplicaSummary& offered) const;
  /// It was said to `from`, who asked us to spread the records or not. To be called before the
  /// `on_refreshed` that follows from `have`.
  void on_offered(Instant now, const NodeId& from, const wire::ReplicaSummary& offered,
                  wire::ReplicaState said, bool delegated);

  // ---- inputs: ends of our own orders ----
  /// Nearest first; empty if nobody answered.
  void on_nearest(Instant now, const NodeId& target, const wire::Contacts& contacts);
  void on_neighbours(Instant now, const FindNeighbours& asked, const wire::Contacts& contacts);
  void on_answer(Instant now, UpkeepTicket ticket, std::span<const wire::ReplicaState> states);
  void on_stored(Instant now, UpkeepTicket ticket);
  void on_failed(Instant now, UpkeepTicket ticket, ErrorCode code);
  /// Nothing is begun any more.
  void close();

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<RepublisherEffect> poll_effect();

  const RefreshSchedule& schedule() const { return schedule_; }
  /// How late the latest refresh is that is due; also while nothing can be refreshed, or nobody is
  /// reached.
  Duration lag(Instant now) const;
  RepublisherStats stats() const;

 private:
  enum class Origin : std::uint8_t { sweep, spread, hand_over };
  struct ActiveRound {
    std::uint32_t id = 0;
    Origin origin = Origin::sweep;
    /// sweep: since when its first record was due.
    Instant due{};
    ReplicaRound round;
  };
  struct Delegated {
    wire::RecordDigest digest{};
    /// So long its record is waited for.
    Instant until{};
  };
  struct KnownRegion {
    KeyRegion region;
    Instant found{};
    wire::Contacts contacts;
  };

  // republisher.cpp: sweeps
  bool may_begin() const;
  void begin_sweep(Instant now, const NodeId& centre);
  const KnownRegion* known_region_of(Instant now, const NodeId& place) const;
  void sweep(Instant now, const NodeId& centre, const KnownRegion& known);
  void repair(Instant now);

  // republisher_rounds.cpp: rounds, and what is not our own refresh
  void begin_round(Instant now, Origin origin, Instant due, std::vector<KeptRecord> records,
                   std::vector<ReplicaTask> tasks);
  ActiveRound* round_of(UpkeepTicket ticket);
  std::size_t rounds_of(Origin origin) const;
  void pump(Instant now);
  void settle(Instant now, const ActiveRound& active, const RoundEnded& ended);
  void begin_hand_overs(Instant now);
  void hand_over(Instant now, const NodeId& peer, const wire::Contacts& contacts);
  void spread(Instant now, const wire::Contacts& contacts);
  bool is_worth_spreading(Instant now, const wire::ReplicaSummary& offered) const;

  NodeId self_;
  RepublisherOptions options_;
  Rng rng_;
  RefreshSchedule schedule_;
  HandOvers hand_overs_;
  NeighbourWatch watch_;
  std::vector<KnownRegion> regions_;
  std::vector<ActiveRound> rounds_;
  std::uint32_t last_round_ = 0;
  /// The place whose nodes are being looked up, and since when it was due.
  std::optional<NodeId> looking_for_;
  Instant looking_due_{};
  std::optional<HandOvers::Part> handing_over_;
  /// What is to be spread for others, by place.
  FlatMap<NodeId, Delegated> delegated_;
  Instant spread_at_ = kNever;
  /// The repair of everything goes on from here.
  std::optional<NodeId> repairing_;
  Instant repair_at_ = kNever;
  bool warm_ = false;
  bool open_ = true;
  Instant held_until_{};
  /// Since when no refresh has reached anybody.
  Instant failing_since_ = kNever;
  RepublisherStats stats_;
  Outbox<RepublisherEffect> outbox_;
};

}  // namespace trestle::dht
