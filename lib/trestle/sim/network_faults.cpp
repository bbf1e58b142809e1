// Partitions, resets, half-open connections: what a nemesis does to the network.

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/network.hpp"
#include "trestle/sim/stream_end.hpp"

namespace trestle::sim {
namespace {

std::uint8_t group_of(const Partition& partition, NodeIndex node) {
  return node < partition.groups.size() ? partition.groups[node] : std::uint8_t{0};
}

}  // namespace

std::uint32_t Network::partition(Partition partition) {
  partitions_.emplace_back(++last_partition_, std::move(partition));
  return last_partition_;
}

void Network::heal(Instant now, std::uint32_t partition) {
  std::erase_if(partitions_, [&](const auto& entry) { return entry.first == partition; });
  resume_stalled(now);
}

void Network::heal_all(Instant now) {
  partitions_.clear();
  for (Place& place : places_) {
    place.extra_latency = Duration::zero();
    place.clogs = 0;
  }
  resume_stalled(now);
}

bool Network::is_blocked(NodeIndex from, NodeIndex to) const {
  const Place& sender = places_[from];
  const Place& receiver = places_[to];
  if (!sender.powered || !receiver.powered || sender.clogs + receiver.clogs > 0) return true;
  for (const auto& [number, partition] : partitions_) {
    const std::uint8_t left = group_of(partition, from);
    const std::uint8_t right = group_of(partition, to);
    if (partition.kind == Partition::Kind::one_way ? left < right : left != right) return true;
  }
  return false;
}

bool Network::is_cut(const Connection& connection, Side from) const {
  return connection.cut ||
         is_blocked(connection.ends[from].node, connection.ends[opposite(from)].node);
}

void Network::end_accidents() {
  options_.loss_per_million = 0;
  options_.reset_per_million = 0;
  options_.slow_dial_per_million = 0;
  options_.lost_dial_per_million = 0;
}

void Network::clog(NodeIndex node) { ++places_[node].clogs; }

void Network::unclog(Instant now, NodeIndex node) {
  Place& place = places_[node];
  if (place.clogs == 0) return;  // everything was healed meanwhile
  if (--place.clogs == 0) resume_stalled_of(now, node);
}

/// What stalled and has a way again goes on once the sender's next retransmission is due.
void Network::resume_stalled(Instant now) {
  for (std::uint32_t slot = 0; slot < connections_.size(); ++slot) resume_stalled_at(now, slot);
}

void Network::resume_stalled_of(Instant now, NodeIndex node) {
  for (const auto& [id, slot] : places_[node].ends) resume_stalled_at(now, slot);
}

void Network::resume_stalled_at(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (!connection.in_use) return;
  for (const Side side : {kDialler, kAcceptor}) {
    Lane& lane = connection.lanes[side];
    if (!lane.stalled || is_cut(connection, side)) continue;
    lane.stalled = false;
    // The retransmission timer doubled while nothing passed: it is about as long as the stall
    // itself.
    const Duration waited = now - lane.stalled_since;
    const Duration wait =
        connection.rng.between(Duration::zero(), std::max(waited, options_.retransmission));
    lane.last_arrival = std::max(lane.last_arrival, now + wait);
    lane.due_scheduled = true;
    scheduler_.add(now + wait, EventKind::lane_due, slot, connection.generation, side);
  }
}

/// Both ends hear of it, each after the way to it; what was in flight is lost.
void Network::break_connection(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.cut) return;
  connection.cut = true;
  ++stats_.resets;
  for (Lane& lane : connection.lanes) drop_items(lane);
  for (const Side side : {kDialler, kAcceptor}) {
    const bool is_in_use =
        is_in_bytes() ? is_spoken(slot, side) : connection.ends[side].state == EndState::open;
    if (is_in_use) {
      const Duration way = latency(connection);
      scheduler_.add(now + way, EventKind::connection_broken, slot, connection.generation, side);
    }
  }
}

std::uint32_t Network::pick_open(NodeIndex node, std::uint64_t pick) const {
  const Place& place = places_[node];
  std::vector<std::uint32_t> open;
  for (const auto& [id, slot] : place.ends) {
    const Connection& connection = connections_[slot];
    const bool both_open = connection.ends[kDialler].state == EndState::open &&
                           connection.ends[kAcceptor].state == EndState::open;
    if (both_open && !connection.cut) open.push_back(slot);
  }
  if (open.empty()) return static_cast<std::uint32_t>(connections_.size());
  return open[static_cast<std::size_t>(pick % open.size())];
}

ConnectionSerial Network::reset(Instant now, NodeIndex node, std::uint64_t pick) {
  const std::uint32_t slot = pick_open(node, pick);
  if (slot == connections_.size()) return 0;
  break_connection(now, slot);
  return connections_[slot].serial;
}

ConnectionSerial Network::cut(NodeIndex node, std::uint64_t pick) {
  const std::uint32_t slot = pick_open(node, pick);
  if (slot == connections_.size()) return 0;
  connections_[slot].cut = true;
  return connections_[slot].serial;
}

ConnectionSerial Network::half_open(Instant now, NodeIndex node, std::uint64_t pick) {
  const std::uint32_t slot = pick_open(node, pick);
  if (slot == connections_.size()) return 0;
  Connection& connection = connections_[slot];
  const Side side = connection.ends[kDialler].node == node ? kDialler : kAcceptor;
  connection.cut = true;
  for (Lane& lane : connection.lanes) drop_items(lane);
  connection.lanes[side].vanishes = true;
  const Duration way = latency(connection);
  scheduler_.add(now + way, EventKind::connection_broken, slot, connection.generation,
                 opposite(side));
  return connection.serial;
}

void Network::pause(NodeIndex node) { places_[node].paused = true; }

/// Everything that waited is handled now, in the order in which it came.
void Network::resume(Instant now, NodeIndex node) {
  Place& place = places_[node];
  place.paused = false;
  for (const Event& event : place.held) {
    scheduler_.add(now, event.kind, event.slot, event.generation, event.side);
  }
  place.held.clear();
}

NodeIndex Network::hearer(const Event& event) const {
  const Connection& connection = connections_[event.slot];
  switch (event.kind) {
    case EventKind::dial_arrives:
      return connection.target;
    case EventKind::dial_concludes:
    case EventKind::dial_expires:
      return connection.ends[kDialler].node;
    case EventKind::lane_due:
      // On a dead path it is the sender that something happens to: it gets no acknowledgement.
      if (is_cut(connection, event.side)) return kNoNode;
      return connection.ends[opposite(event.side)].node;
    case EventKind::lane_drains:
    case EventKind::lane_gives_up:
    case EventKind::connection_broken:
    case EventKind::stream_writes:
    case EventKind::stream_tells:
    case EventKind::stream_deadline:
      return connection.ends[event.side].node;
    case EventKind::crypto_done:
    case EventKind::disk_done:
    case EventKind::action:
      break;
  }
  return kNoNode;
}

void Network::set_extra_latency(NodeIndex node, Duration extra) {
  places_[node].extra_latency = extra;
}

}  // namespace trestle::sim
