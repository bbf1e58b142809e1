#pragma once

#include <cstddef>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::bridge {

/// The live members a bridge may name, and the other bridges. A policy: it answers questions about
/// a given `now` and emits nothing.
///
/// Every choice among them is uniform (BRIDGE-10). Members are drawn from the whole table and those
/// that are not eligible, or drawn before, are passed over: with mostly fresh members that takes as
/// many draws as members wanted, however many there are. When too many draws were in vain, the rest
/// comes from a partial Fisher-Yates shuffle over the eligible ones. Both give every set of
/// eligible members the same chance, whatever was drawn before.
class Members {
 public:
  /// `members_max` bounds the nodes and, separately, the bridges remembered.
  Members(std::size_t members_max, Duration heard_fresh, Rng rng);

  /// Adds or renews a peer that has just shown itself. Peers that cannot be dialled, bootstrap
  /// nodes and observers are of no use to a newcomer and not kept. False when it was not kept.
  bool up(Instant now, const wire::Contact& contact);
  void heard(Instant now, const NodeId& id);
  /// It did not answer when asked: not asked again before it shows itself.
  void silent(const NodeId& id);
  void down(const NodeId& id);

  /// Up to `count` distinct nodes heard within the fresh time, without `newcomer`.
  wire::Contacts choose_fresh(Instant now, const NodeId& newcomer, std::size_t count);
  /// Fills `stale` with the ids of the nodes worth asking for a sign of life, in random order,
  /// without `newcomer`.
  void shuffle_stale(Instant now, const NodeId& newcomer, std::vector<NodeId>& stale);
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
    Instant heard{};
    bool ignored_probe = false;
  };
  using Table = FlatMap<NodeId, Member>;

  bool is_fresh(Instant now, const Member& member) const;
  wire::Contacts choose(const Table& table, Instant now, const NodeId& newcomer, std::size_t count);
  /// Draws that miss before the whole table is looked at.
  static constexpr std::size_t kMissesMax = 8;

  std::size_t members_max_;
  Duration heard_fresh_;
  Rng rng_;
  Table nodes_;
  Table bridges_;
  /// Positions in a table. Kept between calls, so that a choice allocates nothing but its answer.
  std::vector<std::size_t> chosen_;
  std::vector<std::size_t> eligible_;
};

}  // namespace trestle::bridge
