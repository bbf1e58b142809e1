#include "trestle/sim/checkers/bridge_requests.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace trestle::sim::checkers {
namespace {

std::string name_of(NodeIndex node) { return "n" + std::to_string(node); }

/// Usable in pool mode, as the set itself decides it.
bool is_usable(Instant now, const pool::BridgeSlot& slot) {
  return slot.state == pool::BridgeState::ready && slot.is_healthy && !slot.is_leaving &&
         !slot.is_ejected && slot.breaker.would_permit(now);
}

}  // namespace

void BridgeRequests::watch(NodeIndex node, const PoolClient& client) {
  std::erase_if(watched_, [node](const Watched& watched) { return watched.node == node; });
  watched_.push_back({node, &client, {}, 0});
}

void BridgeRequests::observe(World& world, const Happening& happening) {
  if (happening.node == kNoNode) return;
  touched_ = happening.node;
  const bool is_end =
      happening.kind == HappeningKind::killed || happening.kind == HappeningKind::stopped;
  if (!is_end) return;
  std::erase_if(watched_, [&](const Watched& watched) {
    if (watched.node != happening.node) return false;
    if (happening.kind == HappeningKind::stopped && watched.client->under_way() > 0) {
      world.report_violation("every request ends exactly once",
                             name_of(watched.node) + " stopped without ending all");
    }
    return true;
  });
}

void BridgeRequests::after_event(World& world) {
  if (touched_ == kNoNode) return;
  for (Watched& watched : watched_) {
    if (watched.node != touched_ || world.is_paused(watched.node)) continue;
    check_ends(world, watched);
    check_connections(world, watched);
    check_turns(world, watched);
  }
  touched_ = kNoNode;
}

void BridgeRequests::check_ends(World& world, const Watched& watched) const {
  constexpr std::string_view kRule = "every request ends exactly once";
  const PoolClient& client = *watched.client;
  const PoolClientStats& stats = client.stats();
  if (stats.ended_wrongly > 0) {
    return world.report_violation(kRule, name_of(watched.node) + " heard an end twice");
  }
  if (client.set().requests_under_way() != client.under_way()) {
    return world.report_violation(
        kRule, name_of(watched.node) + " waits for " + std::to_string(client.under_way()) +
                   ", its set works on " + std::to_string(client.set().requests_under_way()));
  }
  // What fell due during a pause is handled at its end, one after the other.
  if (world.resumed_at(watched.node) == world.now()) return;
  if (client.longest_wait(world.now()) > options_.total_timeout) {
    world.report_violation(kRule, name_of(watched.node) + " waits beyond the total deadline");
  }
}

void BridgeRequests::check_connections(World& world, const Watched& watched) {
  std::size_t expected = 0;
  std::size_t asking = 0;
  for (const pool::BridgeSlot& slot : watched.client->set().slots()) {
    if (slot.connection && !slot.is_attached) ++expected;
    asking += slot.stateless_in_flight;
  }
  expected += asking;
  stateless_checked_ += asking;
  const std::size_t open = world.network().open_ends(watched.node);
  if (open != expected) {
    world.report_violation(
        "P-CR-13: as many connections as bridges in pool mode and as queries in "
        "stateless mode",
        name_of(watched.node) + " holds " + std::to_string(open) +
            " connections, and has a use for " + std::to_string(expected));
  }
}

void BridgeRequests::check_turns(World& world, Watched& watched) {
  if (!options_.is_round_robin) return;
  const pool::BridgeSet& set = watched.client->set();
  const std::vector<pool::BridgeSlot>& slots = set.slots();
  const std::uint64_t repeats = set.stats().moved + set.stats().retried + set.stats().hedged;
  // The probe of a breaker is one request to a bridge that is not in the rotation, and ends a
  // window.
  const auto is_probed = [&](std::size_t index) {
    return slots[index].counters.requests != watched.places[index].requests &&
           slots[index].breaker.state(world.now()) != link::BreakerState::closed;
  };
  bool is_same = slots.size() == watched.places.size() && repeats == watched.repeats &&
                 set.mode() == pool::BridgeMode::pool;
  for (std::size_t index = 0; is_same && index < slots.size(); ++index) {
    is_same = watched.places[index].is_usable == is_usable(world.now(), slots[index]) &&
              !is_probed(index);
  }
  watched.repeats = repeats;
  watched.places.resize(slots.size());
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t most = 0;
  for (std::size_t index = 0; index < slots.size(); ++index) {
    Place& place = watched.places[index];
    const std::uint64_t assigned = slots[index].counters.requests - place.requests;
    place.requests = slots[index].counters.requests;
    place.in_window = is_same ? place.in_window + assigned : 0;
    place.is_usable = is_usable(world.now(), slots[index]);
    if (is_same) assignments_checked_ += assigned;
    if (!place.is_usable && place.in_window > 0) {
      world.report_violation("P-BR-5: who cannot be used gets nothing",
                             name_of(watched.node) + " asked " + slots[index].url());
    }
    if (!place.is_usable) continue;
    least = std::min(least, place.in_window);
    most = std::max(most, place.in_window);
  }
  if (most > least + 1) {
    world.report_violation("P-BR-5: turns differ by one at most",
                           name_of(watched.node) + ": " + std::to_string(least) + " and " +
                               std::to_string(most) + " while the same bridges were usable");
  }
}

}  // namespace trestle::sim::checkers
