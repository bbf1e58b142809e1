#include "trestle/mesh/announcements.hpp"

#include <algorithm>
#include <utility>

namespace trestle::mesh {

bool Announcements::on_link_up(Instant now, const wire::Contact& peer, Direction direction) {
  if (linked_since_ == kNever) linked_since_ = now;
  const bool is_settled = after(linked_since_, options_.settled_after) <= now;
  const bool is_new = remember(now, peer.id);
  if (!is_new || !is_settled || direction != Direction::accepted) return false;
  // What an old peer says of itself is not proven: nobody is sent to an address for it.
  if (peer.dialect != wire::Dialect::native || peer.address.empty()) return false;
  return told_.take(now, {.every = options_.told_every, .at_once = options_.told_at_once_max});
}

Announcements::Verdict Announcements::on_announced(Instant now, const NodeId& from,
                                                   const NodeId& peer) {
  RateAccount& heard = *senders_.insert(from, {}).first;
  if (!heard.take(now, {.every = options_.heard_every, .at_once = options_.heard_at_once_max})) {
    return Verdict::too_many;
  }
  return remember(now, peer) ? Verdict::news : Verdict::repeated;
}

bool Announcements::remember(Instant now, const NodeId& peer) {
  if (Instant* last = remembered_.find(peer)) {
    return after(std::exchange(*last, now), options_.remembered_for) <= now;
  }
  if (remembered_.size() >= options_.remembered_max) {
    const auto oldest = std::min_element(
        remembered_.begin(), remembered_.end(),
        [](const auto& left, const auto& right) { return left.second < right.second; });
    remembered_.erase(oldest);
  }
  remembered_.insert(peer, now);
  return true;
}

}  // namespace trestle::mesh
