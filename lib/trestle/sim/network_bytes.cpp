// Streams that carry bytes: the upgrade, the codec's frames and its closing, cut into segments.

#include <algorithm>
#include <string>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/network.hpp"
#include "trestle/sim/stream_end.hpp"

namespace trestle::sim {
namespace {

/// What an Ethernet carries of a stream at a time.
constexpr std::size_t kSegmentBytesMax = 1460;
constexpr std::size_t kTinyBytesMax = 16;

/// Of eight segments one is tiny, two are cut anywhere, the others are as long as may be.
std::size_t segment_bytes(Rng& rng, std::size_t available) {
  const std::size_t bytes_max = std::min(available, kSegmentBytesMax);
  switch (rng.below(8)) {
    case 0:
      return 1 + rng.below(std::min(bytes_max, kTinyBytesMax));
    case 1:
    case 2:
      return 1 + rng.below(bytes_max);
    default:
      return bytes_max;
  }
}

/// What a codec refuses because of the message, not because of how it was written.
bool is_refusal(const StreamNews& news) {
  using wire::websocket::Flaw;
  return news.flaw == Flaw::too_large || news.flaw == Flaw::not_utf8;
}

}  // namespace

const StreamEnd* Network::stream(std::uint32_t slot, Side side) const {
  return slot < streams_.size() ? streams_[slot][side].end.get() : nullptr;
}

std::size_t Network::stream_bytes() const {
  std::size_t bytes = 0;
  for (std::uint32_t slot = 0; slot < streams_.size(); ++slot) {
    for (const Side side : {kDialler, kAcceptor}) {
      bytes += connections_[slot].lanes[side].kernel_bytes;
      if (const StreamEnd* end = stream(slot, side)) bytes += end->buffered_bytes();
    }
  }
  return bytes;
}

// ---- beginning and end

/// False if no request can be made for that address.
bool Network::begin_stream(std::uint32_t slot, std::string_view url) {
  Stream& stream = stream_of(slot, kDialler);
  stream.end = StreamEnd::dialling(*tools_, url, connections_[slot].rng);
  return stream.end != nullptr;
}

/// A segment can pass in both directions: the dialler sends its request.
std::optional<Delivery> Network::on_connected(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.ends[kDialler].state != EndState::dialling) {
    connection.opening = Opening::over;  // it went away before
    return std::nullopt;
  }
  connection.opening = Opening::connected;
  connection.ends[kAcceptor].incarnation = places_[connection.target].incarnation;
  stream_of(slot, kAcceptor).end = StreamEnd::accepting(*tools_, now);
  schedule_deadline(now, slot, kAcceptor);
  schedule_write(now, slot, kDialler);
  return std::nullopt;
}

/// The dialler went away. What its system has taken still arrives, and then the end, if there was a
/// connection at all.
void Network::abandon_stream(std::uint32_t slot) {
  StreamEnd* end = stream_of(slot, kDialler).end.get();
  if (end == nullptr) return;
  end->break_off();
  if (connections_[slot].opening != Opening::connected) end->on_end_said();
}

/// Of a node that goes, the ends that it no longer knows too: they were closing.
void Network::stop_streams(Instant now, NodeIndex node, KillKind kind) {
  for (std::uint32_t slot = 0; slot < connections_.size(); ++slot) {
    if (!connections_[slot].in_use) continue;
    for (const Side side : {kDialler, kAcceptor}) {
      StreamEnd* end = stream_of(slot, side).end.get();
      if (connections_[slot].ends[side].node != node || end == nullptr) continue;
      const Opening opening = connections_[slot].opening;
      const bool is_connecting = opening != Opening::connected && opening != Opening::over;
      end->break_off();
      if (kind == KillKind::power) drop_items(connections_[slot].lanes[side]);
      if (kind == KillKind::power || is_connecting) end->on_end_said();
      write_stream(now, slot, side);
    }
    release_if_over(slot);
  }
}

// ---- writing

void Network::schedule_write(Instant now, std::uint32_t slot, Side side) {
  Stream& stream = stream_of(slot, side);
  if (stream.is_write_scheduled) return;
  stream.is_write_scheduled = true;
  scheduler_.add(now, EventKind::stream_writes, slot, connections_[slot].generation, side);
}

void Network::schedule_deadline(Instant now, std::uint32_t slot, Side side) {
  Stream& stream = stream_of(slot, side);
  const Instant deadline = stream.end->next_deadline();
  if (deadline >= stream.deadline_scheduled) return;  // an early one does no harm
  stream.deadline_scheduled = deadline;
  scheduler_.add(std::max(now, deadline), EventKind::stream_deadline, slot,
                 connections_[slot].generation, side);
}

/// As much as the window takes.
void Network::write_stream(Instant now, std::uint32_t slot, Side side) {
  Stream& stream = stream_of(slot, side);
  stream.is_write_scheduled = false;
  if (stream.end == nullptr) return;
  StreamEnd& end = *stream.end;
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  for (ByteSpan output = end.output(now); !output.empty(); output = end.output(now)) {
    if (lane.vanishes) {
      end.on_written(output.size());
      stats_.frames_lost += end.forget_said();
      continue;
    }
    const std::size_t room = options_.send_buffer_bytes - lane.kernel_bytes;
    if (room == 0) break;
    const std::size_t bytes = segment_bytes(connection.rng, std::min(room, output.size()));
    Item item;
    item.kind = Item::Kind::segment;
    item.bytes = to_bytes(output.first(bytes));
    end.on_written(bytes);
    ++stats_.segments_sent;
    if (!push_item(now, slot, side, std::move(item))) return;  // the draw broke the connection
  }
  lane.undrained += end.take_drained();
  if (end.wants_end()) {
    end.on_end_said();
    Item item;
    item.kind = Item::Kind::end;
    if (!lane.vanishes && !push_item(now, slot, side, std::move(item))) return;
  }
  schedule_due(now, slot, side);
  schedule_drain(now, slot, side);
  schedule_deadline(now, slot, side);
}

/// False: nothing is under way any more.
bool Network::push_item(Instant now, std::uint32_t slot, Side side, Item&& item) {
  Lane& lane = connections_[slot].lanes[side];
  const std::size_t bytes = item.bytes.size();
  lane.items.push_back(std::move(item));
  const Instant arrives = arrival(now, slot, side, bytes, 1);
  if (lane.items.empty()) return false;
  lane.items.back().arrives = arrives;
  lane.kernel_bytes += bytes;
  ++lane.admitted;
  return true;
}

// ---- reading

/// What has arrived of one direction, in one read or several.
std::optional<Delivery> Network::on_segments(Instant now, std::uint32_t slot, Side side) {
  constexpr std::uint64_t kOneInReadAlone = 4;
  Connection& connection = connections_[slot];
  Lane& lane = connection.lanes[side];
  Bytes read;
  std::size_t segments = 0;
  bool is_end = false;
  while (!is_end && lane.first < lane.admitted && lane.items[lane.first].arrives <= now) {
    if (segments > 0 && connection.rng.chance(1, kOneInReadAlone)) break;
    const Item item = std::move(lane.items[lane.first]);
    lane.kernel_bytes -= item.bytes.size();
    lane.drop_first();
    append(read, item.bytes);
    is_end = item.kind == Item::Kind::end;
    ++segments;
  }
  schedule_due(now, slot, side);
  StreamEnd* speaker = stream_of(slot, side).end.get();
  if (speaker != nullptr && speaker->has_output()) schedule_write(now, slot, side);

  const Side reader = opposite(side);
  StreamEnd* end = stream_of(slot, reader).end.get();
  if (end == nullptr || end->is_deaf()) {
    if (!read.empty()) answer_with_reset(now, slot, side);
    return std::nullopt;
  }
  ++stats_.reads;
  if (segments > 1) ++stats_.reads_joined;
  end->on_bytes(now, read);
  if (end->is_reading()) ++stats_.reads_cut;
  if (is_end) end->on_end(now, {});
  write_stream(now, slot, reader);
  return tell(now, slot, reader);
}

/// The system of who is gone answers for it.
void Network::answer_with_reset(Instant now, std::uint32_t slot, Side speaker) {
  Connection& connection = connections_[slot];
  const StreamEnd* end = stream(slot, speaker);
  if (end == nullptr || end->has_said_end() || is_cut(connection, opposite(speaker))) return;
  const Duration way = latency(connection);
  scheduler_.add(now + way, EventKind::connection_broken, slot, connection.generation, speaker);
}

std::optional<Delivery> Network::on_stream_lost(Instant now, std::uint32_t slot, Side side,
                                                std::string_view why) {
  drop_items(connections_[slot].lanes[side]);
  StreamEnd* end = stream_of(slot, side).end.get();
  if (end == nullptr) return std::nullopt;
  end->on_reset(now, why);
  return tell(now, slot, side);
}

std::optional<Delivery> Network::on_stream_deadline(Instant now, std::uint32_t slot, Side side) {
  Stream& stream = stream_of(slot, side);
  stream.deadline_scheduled = kNever;
  if (stream.end == nullptr) return std::nullopt;
  stream.end->on_deadline(now);
  write_stream(now, slot, side);
  return tell(now, slot, side);
}

// ---- news

/// The first of its news that its node is to hear; the others follow at once.
std::optional<Delivery> Network::tell(Instant now, std::uint32_t slot, Side side) {
  StreamEnd* end = stream_of(slot, side).end.get();
  if (end == nullptr) return std::nullopt;
  while (auto news = end->poll_news()) {
    std::optional<Delivery> delivery = told(now, slot, side, std::move(*news));
    if (!delivery) continue;
    if (end->has_news()) {
      scheduler_.add(now, EventKind::stream_tells, slot, connections_[slot].generation, side);
    }
    return delivery;
  }
  return std::nullopt;
}

std::optional<Delivery> Network::told(Instant now, std::uint32_t slot, Side side,
                                      StreamNews&& news) {
  // Null before there is a connection: then nothing can be heard but an end.
  StreamEnd* speaker = stream_of(slot, opposite(side)).end.get();
  TRESTLE_ASSERT(speaker != nullptr || news.kind == StreamNews::Kind::closed);
  switch (news.kind) {
    case StreamNews::Kind::upgraded:
      return told_of_upgrade(slot, side);
    case StreamNews::Kind::flawed:
      complain(slot, side, is_refusal(news), news.reason);
      return told_of_end(now, slot, side, news);
    case StreamNews::Kind::closed:
      if (speaker != nullptr && !speaker->confirm_close(news)) {
        complain(slot, side, false, "a close that is not the one that was said, or comes too soon");
      }
      return told_of_end(now, slot, side, news);
    case StreamNews::Kind::message:
      break;
  }
  if (!speaker->confirm(news.frame)) complain(slot, side, false, "not the message that was said");
  if (connections_[slot].ends[side].state != EndState::open) {
    ++stats_.frames_lost;
    return std::nullopt;
  }
  ++stats_.frames_delivered;
  Delivery result = delivery(Delivery::Kind::frame, slot, side);
  result.item.frame_kind = news.frame.kind;
  result.item.bytes = std::move(news.frame.bytes);
  return result;
}

std::optional<Delivery> Network::told_of_upgrade(std::uint32_t slot, Side side) {
  Connection& connection = connections_[slot];
  EndState& state = connection.ends[side].state;
  if (side == kAcceptor) {
    state = EndState::open;
    ++stats_.accepted;
    if (connection.ends[kDialler].state != EndState::dialling) ++stats_.late_opens;
    return delivery(Delivery::Kind::accepted, slot, kAcceptor);
  }
  if (state != EndState::dialling) return std::nullopt;
  state = EndState::open;
  connection.opening = Opening::over;
  return delivery(Delivery::Kind::dialled, slot, kDialler);
}

std::optional<Delivery> Network::told_of_end(Instant now, std::uint32_t slot, Side side,
                                             const StreamNews& news) {
  const EndState state = connections_[slot].ends[side].state;
  Delivery result;
  if (state == EndState::dialling) {
    result = fail_dial(slot, ErrorCode::connection_lost, {});
    schedule_write(now, slot, side);
  } else if (state == EndState::open) {
    result = delivery(Delivery::Kind::closed, slot, side);
    result.status = news.status;
    end_closed(slot, side);
  } else {
    return std::nullopt;
  }
  result.item.bytes = to_bytes(as_bytes(news.reason));
  return result;
}

/// The first is enough: the run ends with it.
void Network::complain(std::uint32_t slot, Side hearer, bool is_refusal, std::string_view what) {
  if (complaint_) return;
  const Connection& connection = connections_[slot];
  const NodeIndex speaker = connection.ends[opposite(hearer)].node;
  complaint_ = Complaint{speaker, is_refusal,
                         "#" + std::to_string(connection.serial) + ", said by n" +
                             std::to_string(speaker) + ": " + std::string(what)};
}

Complaint Network::take_complaint() {
  Complaint complaint = std::move(*complaint_);
  complaint_.reset();
  return complaint;
}

bool Network::is_spoken(std::uint32_t slot, Side side) const {
  const StreamEnd* end = stream(slot, side);
  return end != nullptr && !end->is_deaf();
}

}  // namespace trestle::sim
