#include "trestle/dht/neighbour_watch.hpp"

#include <algorithm>

namespace trestle::dht {

void NeighbourWatch::note(Instant now, const std::vector<NodeId>& neighbours) {
  next_note_ = after(now, options_.interval);
  // A loss that is being judged is not talked away by the look that comes in between.
  if (thin_at_ != kNever) return;
  neighbours_.clear();
  for (const NodeId& neighbour : neighbours) neighbours_.push_back({.id = neighbour});
}

void NeighbourWatch::on_link_up(Instant now, const NodeId& peer) {
  for (Neighbour& neighbour : neighbours_) {
    if (neighbour.id == peer) neighbour.linked = true;
  }
  judge(now);
}

void NeighbourWatch::on_link_down(Instant now, const NodeId& peer) {
  for (Neighbour& neighbour : neighbours_) {
    if (neighbour.id == peer) neighbour.linked = false;
  }
  judge(now);
}

void NeighbourWatch::forget() {
  neighbours_.clear();
  next_note_ = kNever;
  thin_at_ = kNever;
}

bool NeighbourWatch::is_due(Instant now) {
  if (thin_at_ > now) return false;
  thin_at_ = kNever;
  neighbours_.clear();
  next_note_ = after(now, options_.interval);
  return true;
}

/// As if those we had links to and ourselves had been all holders: fewer than W are left.
bool NeighbourWatch::is_thin() const {
  if (neighbours_.size() < options_.neighbours_min) return false;
  const std::size_t holders = neighbours_.size() + 1;
  const auto left =
      1 + static_cast<std::size_t>(std::count_if(neighbours_.begin(), neighbours_.end(),
                                                 [](const Neighbour& it) { return it.linked; }));
  return left < std::max<std::size_t>(2, holders / 2 + 1);
}

void NeighbourWatch::judge(Instant now) {
  if (!is_thin()) {
    thin_at_ = kNever;
  } else if (thin_at_ == kNever) {
    thin_at_ = after(now, options_.settle);
  }
}

}  // namespace trestle::dht
