#include "trestle/sim/network.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/stream_end.hpp"

namespace trestle::sim {

std::string_view Network::authority(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  return url.substr(0, url.find('/', scheme + 3));
}

Network::Network(const NetworkOptions& options, Rng rng, Scheduler& scheduler)
    : options_(options), rng_(std::move(rng)), scheduler_(scheduler) {
  if (options_.carriage == Carriage::bytes) {
    tools_ = std::make_unique<StreamTools>(rng_.fork("streams"), options_.ciphers);
  }
}

Network::~Network() = default;

// ---- nodes ----

NodeIndex Network::add_node(std::string_view url) {
  const auto node = static_cast<NodeIndex>(places_.size());
  places_.emplace_back();
  if (!url.empty()) {
    const auto [stored, inserted] = listeners_.insert(std::string(authority(url)), node);
    TRESTLE_ASSERT(inserted);  // two nodes cannot listen at one place
  }
  return node;
}

void Network::node_up(Instant now, NodeIndex node, std::uint32_t incarnation) {
  Place& place = places_[node];
  TRESTLE_ASSERT(!place.listening);
  place.incarnation = incarnation;
  place.listening = true;
  if (std::exchange(place.powered, true)) return;
  resume_stalled(now);  // what stalled on the way to it has no end here that could be asked
}

void Network::node_down(Instant now, NodeIndex node, KillKind kind) {
  resume(now, node);
  Place& place = places_[node];
  place.listening = false;
  place.powered = kind == KillKind::process;
  FlatMap<link::ConnectionId, std::uint32_t> ends;
  std::swap(ends, place.ends);
  for (const auto& [id, slot] : ends) {
    Connection& connection = connections_[slot];
    const Side side = connection.ends[kDialler].node == node && connection.ends[kDialler].id == id
                          ? kDialler
                          : kAcceptor;
    Lane& lane = connection.lanes[side];
    const bool was_open = connection.ends[side].state == EndState::open;
    connection.ends[side].state = EndState::closed;
    if (is_in_bytes()) continue;  // its streams stop below, those that it no longer knows too
    if (kind == KillKind::power) {
      drop_items(lane);
    } else if (was_open) {
      // The kernel still delivers what it took over, then closes; no WebSocket close frame: 1006 at
      // the other end.
      while (lane.items.size() > lane.admitted) {
        ++stats_.frames_lost;
        lane.items.pop_back();
      }
      push_close(now, slot, side, 1006, "the peer's process ended");
    } else {
      abandon_dial(now, slot);
    }
    release_if_over(slot);
  }
  if (is_in_bytes()) stop_streams(now, node, kind);
}

// ---- table of connections ----

std::uint32_t Network::allocate() {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(connections_.size());
    connections_.emplace_back();
    if (is_in_bytes()) streams_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Connection& connection = connections_[slot];
  connection.serial = ++last_serial_;
  connection.in_use = true;
  connection.cut = false;
  connection.opening = Opening::under_way;
  connection.opening_tries = 0;
  connection.target = kNoNode;
  connection.rng = rng_.fork("connection", connection.serial);
  connection.ends = {};
  for (Lane& lane : connection.lanes) {
    lane.clear();
    lane.busy_until = lane.last_arrival = lane.stalled_since = Instant{};
    lane.due_scheduled = lane.drain_scheduled = lane.vanishes = false;
  }
  return slot;
}

/// The slot is given back once no end believes in the connection and nothing is under way. Events
/// that still name it are recognised by their generation.
void Network::release_if_over(std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (!connection.in_use) return;
  for (const End& end : connection.ends) {
    if (end.state == EndState::open || end.state == EndState::dialling) return;
  }
  if (connection.opening == Opening::under_way && !connection.cut) return;
  for (const Lane& lane : connection.lanes) {
    if (!lane.empty()) return;
  }
  if (is_in_bytes()) {
    for (const Stream& stream : streams_[slot]) {
      if (stream.end != nullptr && !stream.end->has_said_end()) return;
    }
    for (const Stream& stream : streams_[slot]) {
      if (stream.end != nullptr) stats_.frames_lost += stream.end->forget_said();
    }
    streams_[slot] = {};
  }
  connection.in_use = false;
  ++connection.generation;
  free_.push_back(slot);
}

void Network::end_closed(std::uint32_t slot, Side side) {
  End& end = connections_[slot].ends[side];
  end.state = EndState::closed;
  places_[end.node].ends.erase(end.id);
}

const Connection* Network::find(NodeIndex node, link::ConnectionId id) const {
  const std::uint32_t* slot = places_[node].ends.find(id);
  return slot == nullptr ? nullptr : &connections_[*slot];
}

std::optional<HeldEnd> Network::held(NodeIndex node, link::ConnectionId id) const {
  if (answers(told_, node, id)) return told_;
  const std::uint32_t* slot = places_[node].ends.find(id);
  if (slot == nullptr) return std::nullopt;
  const End& dialler = connections_[*slot].ends[kDialler];
  return HeldEnd{*slot, dialler.node == node && dialler.id == id ? kDialler : kAcceptor};
}

bool Network::answers(const HeldEnd& held, NodeIndex node, link::ConnectionId id) const {
  if (held.slot >= connections_.size()) return false;
  const End& end = connections_[held.slot].ends[held.side];
  return end.node == node && end.id == id &&
         (end.state == EndState::open || end.state == EndState::dialling);
}

std::size_t Network::open_ends(NodeIndex node) const { return places_[node].ends.size(); }

void Network::drop_items(Lane& lane) {
  for (std::size_t index = lane.first; index < lane.items.size(); ++index) {
    if (lane.items[index].kind == Item::Kind::frame) ++stats_.frames_lost;
  }
  lane.clear();
}

Delivery Network::delivery(Delivery::Kind kind, std::uint32_t slot, Side side) const {
  const Connection& connection = connections_[slot];
  Delivery result;
  result.kind = kind;
  result.node = connection.ends[side].node;
  result.peer = connection.ends[opposite(side)].node;
  if (result.peer == kNoNode) result.peer = connection.target;
  result.id = connection.ends[side].id;
  result.slot = slot;
  result.connection = connection.serial;
  result.side = side;
  return result;
}

std::optional<Delivery> Network::handle(Instant now, const Event& event) {
  if (connections_[event.slot].generation != event.generation) return std::nullopt;
  const NodeIndex node = hearer(event);
  if (node != kNoNode && places_[node].paused) {
    places_[node].held.push_back(event);
    return std::nullopt;
  }
  std::optional<Delivery> result;
  switch (event.kind) {
    case EventKind::dial_arrives:
      result = on_dial_arrives(now, event.slot);
      break;
    case EventKind::dial_concludes:
      result = on_dial_concludes(now, event.slot);
      break;
    case EventKind::dial_expires:
      result = on_dial_expires(now, event.slot);
      break;
    case EventKind::lane_due:
      result = on_lane_due(now, event.slot, event.side);
      break;
    case EventKind::lane_drains:
      result = on_lane_drains(now, event.slot, event.side);
      break;
    case EventKind::lane_gives_up:
      result = on_lane_gives_up(now, event.slot, event.side);
      break;
    case EventKind::connection_broken:
      result = on_broken(now, event.slot, event.side);
      break;
    case EventKind::stream_writes:
      write_stream(now, event.slot, event.side);
      break;
    case EventKind::stream_tells:
      result = tell(now, event.slot, event.side);
      break;
    case EventKind::stream_deadline:
      result = on_stream_deadline(now, event.slot, event.side);
      break;
    case EventKind::crypto_done:
    case EventKind::disk_done:
    case EventKind::action:
      TRESTLE_ASSERT(false);  // the world's own events
  }
  release_if_over(event.slot);
  if (result) told_ = {result->slot, result->side};
  return result;
}

}  // namespace trestle::sim
