// Frames and closes on their way: admission to the kernel, arrival in order, stalls.

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/network.hpp"
#include "trestle/sim/stream_end.hpp"

namespace trestle::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

constexpr std::uint64_t kOneInToldLater = 8;

/// A close frame with its status, and the end of the stream.
constexpr std::size_t kCloseBytes = 8;

std::size_t size_on_line(const Item& item) {
  return item.kind == Item::Kind::frame ? item.bytes.size() : kCloseBytes;
}

}  // namespace

std::size_t Network::send(Instant now, const HeldEnd& end, link::SendFrame&& order) {
  const auto [slot, side] = end;
  Connection& connection = connections_[slot];
  TRESTLE_ASSERT(connection.ends[side].state == EndState::open);
  ++stats_.frames_sent;
  stats_.bytes_sent += order.bytes.size();
  if (is_in_bytes()) {
    const bool is_queued = stream_of(slot, side).end->send(order.kind, std::move(order.bytes));
    if (!is_queued) scheduler_.add(now, EventKind::stream_tells, slot, connection.generation, side);
    schedule_write(now, slot, side);  // behind whatever else the turn has to say
    return 0;
  }
  Lane& lane = connection.lanes[side];
  Item& item = lane.items.emplace_back();
  item.frame_kind = order.kind;
  item.bytes = std::move(order.bytes);
  admit(now, slot, side);
  // Progress that is told in pieces, or later, is the exception and must occur all the same.
  const bool tells_later = options_.segments_max > 1 && connection.rng.chance(1, kOneInToldLater);
  const bool took_all = lane.admitted == lane.items.size() && !lane.drain_scheduled;
  if (took_all && !tells_later) return std::exchange(lane.undrained, 0);
  schedule_drain(now, slot, side);
  return 0;
}

bool Network::close(Instant now, NodeIndex node, const link::CloseTransport& order) {
  const std::optional<HeldEnd> end = held(node, order.connection);
  if (!end) return false;
  const auto [slot, side] = *end;
  const Connection& connection = connections_[slot];
  const bool was_open = connection.ends[side].state == EndState::open;
  end_closed(slot, side);
  if (was_open && is_in_bytes()) {
    stream_of(slot, side).end->close(now, static_cast<std::uint16_t>(order.status), order.reason);
    write_stream(now, slot, side);  // at once: the process may end with its turn
  } else if (was_open) {
    push_close(now, slot, side, static_cast<std::uint16_t>(order.status), order.reason);
  } else {
    abandon_dial(now, slot);
  }
  release_if_over(slot);
  return true;
}

void Network::push_close(Instant now, std::uint32_t slot, Side side, std::uint16_t status,
                         std::string_view reason) {
  Item item;
  item.kind = Item::Kind::close;
  item.status = status;
  item.bytes = to_bytes(as_bytes(reason));
  connections_[slot].lanes[side].items.push_back(std::move(item));
  admit(now, slot, side);
}

/// The kernel takes over what it has room for.
void Network::admit(Instant now, std::uint32_t slot, Side side) {
  Lane& lane = connections_[slot].lanes[side];
  if (lane.vanishes) {
    for (const Item& item : lane.items) {
      if (item.kind != Item::Kind::frame) continue;
      ++stats_.frames_lost;
      lane.undrained += item.bytes.size();
    }
    lane.items.clear();
  }
  while (lane.admitted < lane.items.size()) {
    Item& item = lane.items[lane.admitted];
    const std::size_t size = size_on_line(item);
    if (lane.kernel_bytes > 0 && lane.kernel_bytes + size > options_.send_buffer_bytes) break;
    const Instant arrives = arrival(now, slot, side, size, options_.segments_max);
    if (lane.items.empty()) return;  // the draw broke the connection
    item.arrives = arrives;
    lane.kernel_bytes += size;
    ++lane.admitted;
    if (item.kind == Item::Kind::frame) lane.undrained += size;
  }
  schedule_due(now, slot, side);
}

void Network::schedule_drain(Instant now, std::uint32_t slot, Side side) {
  Lane& lane = connections_[slot].lanes[side];
  if (lane.undrained == 0 || lane.drain_scheduled) return;
  lane.drain_scheduled = true;
  scheduler_.add(now + options_.drain_delay, EventKind::lane_drains, slot,
                 connections_[slot].generation, side);
}

Instant Network::arrival(Instant now, std::uint32_t slot, Side side, std::size_t size,
                         std::uint32_t segments_most) {
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  Instant departs = std::max(now, lane.busy_until);
  if (options_.bandwidth > 0) {
    departs += Duration(static_cast<Duration::rep>(size * kMillion / options_.bandwidth));
  }
  lane.busy_until = departs;

  const std::uint64_t segments_max = std::min<std::uint64_t>(segments_most, size);
  std::uint64_t segments = 1 + connection.rng.below(segments_max);
  Duration way = latency(connection);
  for (; segments > 1; --segments) {
    const Duration segment_way = latency(connection);
    way = std::max(way, segment_way);
  }
  Duration repeat = options_.retransmission;
  std::uint32_t repeats = 0;
  while (connection.rng.chance(options_.loss_per_million, kMillion)) {
    ++stats_.retransmissions;
    if (++repeats > options_.retransmissions_max) break;
    way += repeat;
    repeat *= 2;
  }
  const bool reset = connection.rng.chance(options_.reset_per_million, kMillion);
  if (reset || repeats > options_.retransmissions_max) break_connection(now, slot);
  lane.last_arrival = std::max(lane.last_arrival, departs + way);
  return lane.last_arrival;
}

void Network::schedule_due(Instant now, std::uint32_t slot, Side side) {
  Lane& lane = connections_[slot].lanes[side];
  if (lane.due_scheduled || lane.stalled || lane.first == lane.admitted) return;
  lane.due_scheduled = true;
  scheduler_.add(std::max(now, lane.items[lane.first].arrives), EventKind::lane_due, slot,
                 connections_[slot].generation, side);
}

std::optional<Delivery> Network::on_lane_due(Instant now, std::uint32_t slot, Side side) {
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  lane.due_scheduled = false;
  if (lane.first == lane.admitted) return std::nullopt;
  if (is_cut(connection, side)) {
    ++stats_.stalls;
    lane.stalled = true;
    lane.stalled_since = now;
    scheduler_.add(now + options_.stall_max, EventKind::lane_gives_up, slot, connection.generation,
                   side);
    return std::nullopt;
  }
  if (is_in_bytes()) return on_segments(now, slot, side);
  End& receiver = connection.ends[opposite(side)];
  if (receiver.state == EndState::dialling) {  // the answer to the handshake is late, and first
    lane.due_scheduled = true;
    scheduler_.add(now + options_.retransmission, EventKind::lane_due, slot, connection.generation,
                   side);
    return std::nullopt;
  }

  Item item = std::move(lane.items[lane.first]);
  lane.kernel_bytes -= size_on_line(item);
  lane.drop_first();
  admit(now, slot, side);
  schedule_drain(now, slot, side);

  const bool is_frame = item.kind == Item::Kind::frame;
  if (receiver.state != EndState::open) {
    if (!is_frame) return std::nullopt;
    ++stats_.frames_lost;
    // An end that said goodbye has its close under way. One that broke silently answers with a
    // reset.
    const bool sender_open = connection.ends[side].state == EndState::open;
    const bool way_back = !is_cut(connection, opposite(side));
    if (sender_open && way_back && !connection.lanes[opposite(side)].ends_in_close()) {
      const Duration way = latency(connection);
      scheduler_.add(now + way, EventKind::connection_broken, slot, connection.generation, side);
    }
    return std::nullopt;
  }
  Delivery result =
      delivery(is_frame ? Delivery::Kind::frame : Delivery::Kind::closed, slot, opposite(side));
  if (is_frame) {
    ++stats_.frames_delivered;
  } else {
    result.status = item.status;
    end_closed(slot, opposite(side));
    drop_items(connection.lanes[opposite(side)]);
  }
  result.item = std::move(item);
  return result;
}

std::optional<Delivery> Network::on_lane_drains(Instant now, std::uint32_t slot, Side side) {
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  lane.drain_scheduled = false;
  if (lane.undrained == 0 || connection.ends[side].state != EndState::open) return std::nullopt;
  std::size_t part = lane.undrained;
  // Progress comes in pieces now and then: a write took a part only.
  if (options_.segments_max > 1 && connection.rng.chance(1, 2)) {
    part = 1 + static_cast<std::size_t>(connection.rng.below(part));
  }
  lane.undrained -= part;
  schedule_drain(now, slot, side);
  Delivery result = delivery(Delivery::Kind::drained, slot, side);
  result.drained = part;
  return result;
}

/// Nothing was acknowledged for too long: the sender gives up. The other end is not told; it learns
/// when it sends.
std::optional<Delivery> Network::on_lane_gives_up(Instant now, std::uint32_t slot, Side side) {
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  if (!lane.stalled || now - lane.stalled_since < options_.stall_max) return std::nullopt;
  ++stats_.stalls_given_up;
  if (is_in_bytes()) return on_stream_lost(now, slot, side, "nothing acknowledged for too long");
  drop_items(lane);
  if (connection.ends[side].state != EndState::open) return std::nullopt;
  Delivery result = delivery(Delivery::Kind::closed, slot, side);
  result.status = 1006;
  result.reason = "nothing acknowledged for too long";
  end_closed(slot, side);
  return result;
}

std::optional<Delivery> Network::on_broken(Instant now, std::uint32_t slot, Side side) {
  if (is_in_bytes()) return on_stream_lost(now, slot, side, "connection reset");
  Connection& connection = connections_[slot];
  if (connection.ends[side].state != EndState::open) return std::nullopt;
  drop_items(connection.lanes[side]);
  Delivery result = delivery(Delivery::Kind::closed, slot, side);
  result.status = 1006;
  result.reason = "connection reset";
  end_closed(slot, side);
  return result;
}

}  // namespace trestle::sim
