// Bridges that come and go while requests are under way.

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/link/pinned_url.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::pool {

namespace {

/// The candidate of that bridge which is the address in use. Who has proven an id stays where an
/// address is given this very id to expect, or no longer any.
auto candidate_in_use(const BridgeEndpoint& bridge, const BridgeSlot& slot, bool is_open) {
  const auto same = std::ranges::find(bridge.urls, slot.url());
  if (same != bridge.urls.end() || !is_open) return same;
  const std::string_view address = link::without_pin(slot.url());
  return std::ranges::find_if(bridge.urls, [&](const std::string& url) {
    const link::PinnedUrl fresh = link::parse_pinned_url(url);
    return fresh.url == address && (!fresh.id || *fresh.id == slot.peer.id);
  });
}

}  // namespace

bool BridgeSet::has_place() const {
  const auto configured = static_cast<std::size_t>(
      std::ranges::count(slots_, false, [](const BridgeSlot& slot) { return slot.is_attached; }));
  return configured < configured_max();
}

void BridgeSet::add(BridgeEndpoint bridge) {
  const auto stay = static_cast<std::size_t>(std::ranges::count_if(
      slots_, [](const BridgeSlot& slot) { return !slot.is_attached && !slot.is_leaving; }));
  if (bridge.urls.empty() || stay + joining_.size() >= configured_max()) {
    outbox_.push(LogRecord{LogLevel::error,
                           "bridge.not_added",
                           ErrorCode::busy,
                           {},
                           "a bridge without an address, or one too many"});
  } else if (has_place()) {
    join(std::move(bridge));
  } else {
    joining_.push_back(std::move(bridge));
  }
}

void BridgeSet::join(BridgeEndpoint bridge) {
  const link::Backoff backoff(options_.connect_backoff, rng_.fork("backoff", slots_made_++));
  slots_.emplace_back(std::move(bridge), backoff, options_.breaker);
}

void BridgeSet::reload(Instant now, const std::vector<BridgeEndpoint>& bridges, BridgeMode mode) {
  if (is_stopped_) return;
  std::vector<bool> stays(slots_.size(), false);
  std::vector<BridgeEndpoint> added;
  joining_.clear();
  for (const BridgeEndpoint& bridge : bridges) {
    // The same bridge: the address in use is still among its candidates.
    SlotIndex index = 0;
    std::vector<std::string>::const_iterator url;
    for (; index < stays.size(); ++index) {
      if (slots_[index].is_attached || stays[index]) continue;
      url = candidate_in_use(bridge, slots_[index], is_open(slots_[index]));
      if (url != bridge.urls.end()) break;
    }
    if (index == stays.size()) {
      added.push_back(bridge);
      continue;
    }
    BridgeSlot& slot = slots_[index];
    stays[index] = true;
    slot.is_leaving = false;
    slot.url_index = static_cast<std::size_t>(url - bridge.urls.begin());
    slot.endpoint = bridge;
  }
  for (SlotIndex index = 0; index < stays.size(); ++index) {
    if (!stays[index] && !slots_[index].is_attached) leave(now, slots_[index]);
  }
  for (BridgeEndpoint& bridge : added) add(std::move(bridge));
  mode_ = mode;
  if (!is_started_) return;
  for (SlotIndex index = 0; index < slots_.size(); ++index) {
    BridgeSlot& slot = slots_[index];
    // What was given up may have been set right: a new operation. What only waits goes on waiting.
    const bool was_given_up = std::exchange(slot.is_given_up, false);
    if (was_given_up || slot.state == BridgeState::failed) slot.backoff.reset();
    slot.is_excluded = false;
    const bool waits = slot.state == BridgeState::disconnected && slot.dial_at != kNever;
    const bool is_greeted = slot.state == BridgeState::idle && mode == BridgeMode::stateless;
    if (!waits && !is_greeted && slot.state != BridgeState::busy) dial(now, index);
  }
  weigh_ejections(now);
  report_available();
  advance_waiting(now);
  pump(now);
}

void BridgeSet::leave(Instant now, BridgeSlot& slot) {
  if (std::exchange(slot.is_leaving, true)) return;
  slot.dial_at = kNever;
  log(LogLevel::info, "bridge.removed", ErrorCode::none, slot,
      slot.url() + ": taken out of the settings; closes after its last answer");
  if (slot.connection && !is_open(slot)) {
    channels_.close(now, *slot.connection, ErrorCode::idle, "taken out of the settings");
  }
}

/// Closes what is kept only for the requests that were on it, when these have ended: connections of
/// bridges that leave, and in stateless mode those of all. Who waits for a place comes in. True if
/// there is something to drain.
bool BridgeSet::settle(Instant now) {
  bool has_moved = false;
  for (SlotIndex index = 0; index < slots_.size();) {
    BridgeSlot& slot = slots_[index];
    const bool is_over = slot.is_leaving || mode_ == BridgeMode::stateless;
    const bool is_kept_open = is_open(slot) && !slot.is_attached;
    if (is_over && is_kept_open && slot.in_flight == slot.stateless_in_flight) {
      channels_.close(now, *slot.connection, ErrorCode::idle, "nothing is asked here any more");
      has_moved = true;
    }
    if (slot.is_leaving && !slot.connection && slot.in_flight == 0) {
      remove(now, index);
    } else {
      ++index;
    }
  }
  while (!joining_.empty() && has_place()) {
    join(std::move(joining_.front()));
    joining_.erase(joining_.begin());
    if (is_started_) dial(now, static_cast<SlotIndex>(slots_.size() - 1));
    has_moved = true;
  }
  return has_moved;
}

/// Everything that names slots by their place moves up with those behind.
void BridgeSet::remove(Instant now, SlotIndex index) {
  slots_.erase(slots_.begin() + index);
  if (next_in_turn_ > index) --next_in_turn_;
  for (auto& [connection, holder] : holders_) {
    if (holder.slot > index) --holder.slot;
  }
  const std::uint64_t below = (std::uint64_t{1} << index) - 1;
  for (PoolRequest* request = requests_.at_or_after(0); request != nullptr;
       request = requests_.at_or_after(RequestTable::place_of(request->id) + 1)) {
    request->tried = (request->tried & below) | (request->tried >> 1 & ~below);
    for (Attempt& attempt : request->attempts) {
      if (!attempt.slot) continue;
      TRESTLE_ASSERT(*attempt.slot != index);
      if (*attempt.slot > index) --*attempt.slot;
    }
  }
  weigh_ejections(now);
  report_available();
}

}  // namespace trestle::pool
