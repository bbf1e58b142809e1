#pragma once

#include <cstddef>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/rotating_subset.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::bridge {

/// The live members a bridge may name, and the other bridges. A policy: it answers questions about
/// a given `now` and emits nothing.
///
/// Each newcomer is named some of a few, which are its own until a turn is over, so that asking
/// again and again tells nobody who all the members are (T27, `RotatingSubset`). Over all newcomers
/// every choice is uniform (BRIDGE-10), and one newcomer's choice among its few is a partial
/// Fisher-Yates shuffle.
class Members {
 public:
  /// `members_max` bounds the nodes and, separately, the bridges remembered.
  Members(std::size_t members_max, Duration heard_fresh, const RotatingSubsetOptions& named,
          Rng rng);

  /// Adds or renews a peer that has just shown itself. Peers that cannot be dialled, bootstrap
  /// nodes and observers are of no use to a newcomer and not kept. False when it was not kept.
  bool up(Instant now, const wire::Contact& contact);
  void heard(Instant now, const NodeId& id);
  /// It did not answer when asked: not asked again before it shows itself.
  void silent(const NodeId& id);
  void down(const NodeId& id);

  /// Up to `count` distinct nodes heard within the fresh time, without `newcomer`.
  wire::Contacts choose_fresh(Instant now, const NodeId& newcomer, std::size_t count);
  /// Fills `stale` with the ids of the nodes worth asking for a sign of life, without `newcomer`,
  /// in its own order: the last one first.
  void order_stale(Instant now, const NodeId& newcomer, std::vector<NodeId>& stale);
  /// Up to `count` other bridges heard within the fresh time, without `newcomer`.
  wire::Contacts choose_bridges(Instant now, const NodeId& newcomer, std::size_t count);

  /// The node with that id, however long silent, or null.
  const wire::Contact* find(const NodeId& id) const;
  bool is_fresh(Instant now, const NodeId& id) const;
  /// Known, and not found silent since it was heard last.
  bool is_worth_asking(const NodeId& id) const;
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Member {
    wire::Contact contact;
    RotatingSubset::Mark mark;
    Instant heard{};
    bool ignored_probe = false;
  };
  using Table = FlatMap<NodeId, Member>;

  bool is_fresh(Instant now, const Member& member) const;
  /// Fills `eligible_` with those of a table that are wanted, in the order of the table.
  void gather(const Table& table, Instant now, const NodeId& newcomer, const auto& is_wanted);
  wire::Contacts choose(const Table& table, Instant now, const NodeId& newcomer, std::size_t count);

  std::size_t members_max_;
  Duration heard_fresh_;
  RotatingSubset named_;
  Rng rng_;
  Table nodes_;
  Table bridges_;
  /// By their index in the table. Kept between calls, so that a choice allocates nothing but its
  /// answer.
  std::vector<RotatingSubset::Candidate> eligible_;
};

}  // namespace trestle::bridge
