#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::dht {

struct HandOverOptions {
  /// A new neighbour is offered what it should keep after a time between these: it may know nobody
  /// yet, and its other neighbours should not all come at once. The first fills it, the others
  /// learn that it has everything.
  Duration wait_min = std::chrono::seconds(2);
  Duration wait_max = std::chrono::seconds(12);
  /// The pause between two parts of what one peer is offered.
  Duration pause = std::chrono::seconds(1);
  /// A peer that comes and goes is not looked through again for one refresh interval.
  Duration rest = std::chrono::hours(1);
  /// Peers that wait to be offered something; more are left to the ordinary refresh.
  std::size_t peers_max = 64;
  /// Peers remembered as served; the one served longest ago is forgotten for another.
  std::size_t served_max = 256;
  /// Single records owed to one peer.
  std::size_t owed_max = 200;
  /// Records looked at in one part: at a microsecond each, a millisecond.
  std::size_t examined_max = 1'024;
  /// Only the nearest to a record hand it over: enough that one of them is alive and linked, few
  /// enough that twenty holders do not offer the same.
  std::size_t givers = 3;
};

/// Whom to offer what between two refreshes: new neighbours everything they should keep, and who
/// showed us an outdated record what we have instead. A policy.
class HandOvers {
 public:
  HandOvers(const HandOverOptions& options, const Rng& rng);

  /// What one peer is to be offered now.
  struct Part {
    NodeId peer{};
    /// These in any case.
    std::vector<NodeId> owed;
    /// And from here on what it should keep, if it is set.
    std::optional<NodeId> from;
    /// Since when it is linked: what was refreshed later it was offered by whoever did that.
    Instant since{};
  };

  void on_link_up(Instant now, const NodeId& peer);
  void on_link_down(const NodeId& peer);
  void owe(Instant now, const NodeId& peer, const NodeId& place);
  /// The look through what is kept got as far as this place.
  void go_on(Instant now, const Part& part, const NodeId& from);

  std::optional<Part> take(Instant now);
  Instant next_deadline() const;
  const HandOverOptions& options() const { return options_; }
  std::size_t size() const { return waiting_.size(); }
  /// Peers for which there was no room.
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Waiting {
    Instant due{};
    std::vector<NodeId> owed;
    std::optional<NodeId> from;
    Instant since{};
  };

  Waiting* enter(Instant now, const NodeId& peer);
  void note_served(Instant now, const NodeId& peer);

  HandOverOptions options_;
  Rng rng_;
  FlatMap<NodeId, Waiting> waiting_;
  /// By the first 64 bits of their ids. Whoever forges another's is not looked through either.
  FlatMap<std::uint64_t, Instant> served_;
  std::uint64_t left_out_ = 0;
};

}  // namespace trestle::dht
