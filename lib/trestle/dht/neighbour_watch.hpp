#pragma once

#include <cstddef>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

namespace trestle::dht {

struct NeighbourWatchOptions {
  /// How often it is noted anew who our neighbours are: links that are closed for want of room
  /// should not add up to a loss.
  Duration interval = std::chrono::minutes(10);
  /// A loss has to last this long: a restart takes seconds, and the mesh dials again at once.
  Duration settle = std::chrono::minutes(1);
  /// No judgement on fewer neighbours.
  std::size_t neighbours_min = 3;
};

/// Notices that so many of our near neighbours went away at once that what we keep together has
/// probably fewer copies than acknowledge a record (design section 6): a policy. Single losses are
/// left to the ordinary refresh, since most who leave come back.
class NeighbourWatch {
 public:
  explicit NeighbourWatch(const NeighbourWatchOptions& options) : options_(options) {}

  /// Our nearest neighbours that we have a link to.
  void note(Instant now, const std::vector<NodeId>& neighbours);
  void on_link_up(Instant now, const NodeId& peer);
  void on_link_down(Instant now, const NodeId& peer);
  /// No links, no judgement: we are the one that is lost.
  void forget();

  /// When to look at our neighbours again; `kNever` if they were never noted.
  Instant next_note() const { return next_note_; }
  /// When a loss that goes on calls for repair.
  Instant next_deadline() const { return thin_at_; }
  /// True once for each such loss.
  bool is_due(Instant now);

 private:
  struct Neighbour {
    NodeId id{};
    bool linked = true;
  };

  bool is_thin() const;
  void judge(Instant now);

  NeighbourWatchOptions options_;
  std::vector<Neighbour> neighbours_;
  Instant next_note_ = kNever;
  Instant thin_at_ = kNever;
};

}  // namespace trestle::dht
