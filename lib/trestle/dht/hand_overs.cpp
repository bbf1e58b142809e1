#include "trestle/dht/hand_overs.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

HandOvers::HandOvers(const HandOverOptions& options, const Rng& rng)
    : options_(options), rng_(rng.fork("hand-overs")) {
  TRESTLE_ASSERT(options.peers_max >= 1 && options.served_max >= 1);
  TRESTLE_ASSERT(options.wait_min <= options.wait_max && options.pause > Duration{});
}

void HandOvers::on_link_up(Instant now, const NodeId& peer) {
  const Instant* served = served_.find(peer.high());
  if (served != nullptr && now < after(*served, options_.rest)) return;
  Waiting* waiting = enter(now, peer);
  if (waiting == nullptr) return;
  waiting->from = NodeId{};
  waiting->since = now;
  note_served(now, peer);
}

void HandOvers::on_link_down(const NodeId& peer) { waiting_.erase(peer); }

void HandOvers::owe(Instant now, const NodeId& peer, const NodeId& place) {
  Waiting* waiting = enter(now, peer);
  if (waiting == nullptr || waiting->owed.size() >= options_.owed_max) return;
  auto& owed = waiting->owed;
  if (std::find(owed.begin(), owed.end(), place) == owed.end()) owed.push_back(place);
}

void HandOvers::go_on(Instant now, const Part& part, const NodeId& from) {
  Waiting* waiting = enter(now, part.peer);
  if (waiting == nullptr) return;
  waiting->from = from;
  waiting->since = part.since;
  waiting->due = after(now, options_.pause);
}

std::optional<HandOvers::Part> HandOvers::take(Instant now) {
  for (auto entry = waiting_.begin(); entry != waiting_.end(); ++entry) {
    if (entry->second.due > now) continue;
    Part part{.peer = entry->first,
              .owed = std::move(entry->second.owed),
              .from = entry->second.from,
              .since = entry->second.since};
    waiting_.erase(entry);
    return part;
  }
  return std::nullopt;
}

Instant HandOvers::next_deadline() const {
  Instant next = kNever;
  for (const auto& [peer, waiting] : waiting_) next = std::min(next, waiting.due);
  return next;
}

HandOvers::Waiting* HandOvers::enter(Instant now, const NodeId& peer) {
  if (Waiting* known = waiting_.find(peer)) return known;
  if (waiting_.size() >= options_.peers_max) {
    ++left_out_;
    return nullptr;
  }
  const Duration wait = rng_.between(options_.wait_min, options_.wait_max);
  return waiting_.insert(peer, {.due = after(now, wait), .owed = {}, .from = {}, .since = now})
      .first;
}

void HandOvers::note_served(Instant now, const NodeId& peer) {
  if (!served_.contains(peer.high()) && served_.size() >= options_.served_max) {
    const auto oldest = std::min_element(
        served_.begin(), served_.end(),
        [](const auto& left, const auto& right) { return left.second < right.second; });
    served_.erase(oldest);
  }
  served_.insert_or_assign(peer.high(), now);
}

}  // namespace trestle::dht
