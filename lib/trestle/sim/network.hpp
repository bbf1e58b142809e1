#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/sim/connection.hpp"
#include "trestle/sim/delivery.hpp"
#include "trestle/sim/scheduler.hpp"
#include "trestle/sim/world_options.hpp"

namespace trestle::sim {

class StreamEnd;
struct StreamNews;
struct StreamTools;

/// How a node ends without saying goodbye.
enum class KillKind : std::uint8_t {
  process,  ///< The kernel lives on and closes its sockets: peers hear of it.
  power,    ///< Nothing is sent any more: peers believe in their connections until they use them.
};

/// Which nodes cannot reach which. Lasts until it is healed.
struct Partition {
  enum class Kind : std::uint8_t {
    two_way,  ///< Nothing passes between different groups.
    one_way,  ///< Nothing passes from a group to one of a higher number; the other way is open.
  };
  Kind kind = Kind::two_way;
  /// One group number per node; nodes beyond the end are in group 0.
  std::vector<std::uint8_t> groups;
};

/// WebSocket connections over an imperfect network, in virtual time: latency, bandwidth,
/// back-pressure, refusals, lost dials, resets, half-open ends, partitions. Machine of the world:
/// takes orders, answers `handle` with at most one input for a node.
///
/// A stream keeps its order and loses nothing while it lives: what is lost below shows as delay.
/// Where both directions of a path matter (opening), a one-way partition blocks; acknowledgements
/// of established streams pass it.
class Network {
 public:
  Network(const NetworkOptions& options, Rng rng, Scheduler& scheduler);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // ---- nodes ----
  /// `url` is where the node listens (matched without its path), empty for nobody.
  NodeIndex add_node(std::string_view url);
  void node_up(Instant now, NodeIndex node, std::uint32_t incarnation);
  void node_down(Instant now, NodeIndex node, KillKind kind);

  // ---- orders of a node; false or nothing: the id names no connection of the node ----
  /// Returns the connection's serial, and whose listener was dialled.
  std::pair<ConnectionSerial, NodeIndex> dial(Instant now, NodeIndex node, const link::Dial& order);
  /// How many bytes the kernel took over at once, as a rule all of them; of the others it is told
  /// by a delivery. The end is an open one.
  std::size_t send(Instant now, const HeldEnd& end, link::SendFrame&& order);
  bool close(Instant now, NodeIndex node, const link::CloseTransport& order);
  /// The id that the listener gave to an accepted connection.
  void bind_accepted(std::uint32_t slot, link::ConnectionId id);

  // ---- time ----
  /// Handles one of the network's events.
  std::optional<Delivery> handle(Instant now, const Event& event);

  // ---- faults ----
  /// Returns a number by which it is healed.
  std::uint32_t partition(Partition partition);
  void heal(Instant now, std::uint32_t partition);
  void heal_all(Instant now);
  /// The `pick`-th open connection of the node (modulo their number) breaks, both ends are told. 0
  /// if it has none.
  ConnectionSerial reset(Instant now, NodeIndex node, std::uint64_t pick);
  /// The same for whatever stands in that slot, be it a dial.
  void reset_slot(Instant now, std::uint32_t slot) { break_connection(now, slot); }
  /// The same, but nobody is told.
  ConnectionSerial cut(NodeIndex node, std::uint64_t pick);
  /// The same, but only the peer is told; what the node sends from now on vanishes without a sign.
  ConnectionSerial half_open(Instant now, NodeIndex node, std::uint64_t pick);
  /// The node's process is stopped: what is for it waits in its kernel until `resume`.
  void pause(NodeIndex node);
  void resume(Instant now, NodeIndex node);
  /// Nothing passes from or to the node until it was unclogged as often as it was clogged.
  void clog(NodeIndex node);
  void unclog(Instant now, NodeIndex node);
  /// From now on the line loses nothing, resets nothing, and dials neither get lost nor come late.
  void end_accidents();
  /// Everything from and to the node takes this much longer.
  void set_extra_latency(NodeIndex node, Duration extra);

  // ---- look ----
  const NetworkStats& stats() const { return stats_; }
  /// The connection a node knows by that id, if it is one of its own.
  const Connection* find(NodeIndex node, link::ConnectionId id) const;
  std::optional<HeldEnd> held(NodeIndex node, link::ConnectionId id) const;
  const Connection& connection(const HeldEnd& end) const { return connections_[end.slot]; }
  /// Connections on which this node's end is open (or dialling too).
  std::size_t open_ends(NodeIndex node) const;
  std::size_t connections_in_use() const { return connections_.size() - free_.size(); }
  bool is_blocked(NodeIndex from, NodeIndex to) const;
  /// One end of a stream of bytes; null if there is none.
  const StreamEnd* stream(std::uint32_t slot, Side side) const;
  /// What all streams of bytes hold, what is under way included.
  std::size_t stream_bytes() const;
  bool has_complaint() const { return complaint_.has_value(); }
  Complaint take_complaint();

 private:
  struct Place {  // where a node is
    std::uint32_t incarnation = 0;
    bool listening = false;
    bool powered = true;
    std::uint32_t clogs = 0;
    Duration extra_latency{};
    FlatMap<link::ConnectionId, std::uint32_t> ends;
    bool paused = false;
    std::vector<Event> held;  ///< What happened to it while it was paused.
  };

  struct Stream {
    std::unique_ptr<StreamEnd> end;
    bool is_write_scheduled = false;
    Instant deadline_scheduled = kNever;
  };

  // network_opening.cpp
  std::optional<Delivery> on_dial_arrives(Instant now, std::uint32_t slot);
  std::optional<Delivery> on_dial_concludes(Instant now, std::uint32_t slot);
  std::optional<Delivery> on_dial_expires(Instant now, std::uint32_t slot);
  bool retry_opening(Instant now, std::uint32_t slot, EventKind kind);
  void abandon_dial(Instant now, std::uint32_t slot);
  Delivery fail_dial(std::uint32_t slot, ErrorCode code, std::string_view reason);

  // network_flow.cpp
  void push_close(Instant now, std::uint32_t slot, Side side, std::uint16_t status,
                  std::string_view reason);
  void admit(Instant now, std::uint32_t slot, Side side);
  Instant arrival(Instant now, std::uint32_t slot, Side side, std::size_t size,
                  std::uint32_t segments_most);
  void schedule_due(Instant now, std::uint32_t slot, Side side);
  void schedule_drain(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_due(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_drains(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_gives_up(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_broken(Instant now, std::uint32_t slot, Side side);

  // network_bytes.cpp; all of it for streams of bytes alone
  bool is_in_bytes() const { return tools_ != nullptr; }
  Stream& stream_of(std::uint32_t slot, Side side) { return streams_[slot][side]; }
  bool begin_stream(std::uint32_t slot, std::string_view url);
  std::optional<Delivery> on_connected(Instant now, std::uint32_t slot);
  void abandon_stream(std::uint32_t slot);
  void stop_streams(Instant now, NodeIndex node, KillKind kind);
  void schedule_write(Instant now, std::uint32_t slot, Side side);
  void schedule_deadline(Instant now, std::uint32_t slot, Side side);
  void write_stream(Instant now, std::uint32_t slot, Side side);
  bool push_item(Instant now, std::uint32_t slot, Side side, Item&& item);
  std::optional<Delivery> on_segments(Instant now, std::uint32_t slot, Side side);
  void answer_with_reset(Instant now, std::uint32_t slot, Side speaker);
  std::optional<Delivery> on_stream_lost(Instant now, std::uint32_t slot, Side side,
                                         std::string_view why);
  std::optional<Delivery> on_stream_deadline(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> tell(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> told(Instant now, std::uint32_t slot, Side side, StreamNews&& news);
  std::optional<Delivery> told_of_upgrade(std::uint32_t slot, Side side);
  std::optional<Delivery> told_of_end(Instant now, std::uint32_t slot, Side side,
                                      const StreamNews& news);
  void complain(std::uint32_t slot, Side hearer, bool is_refusal, std::string_view what);
  bool is_spoken(std::uint32_t slot, Side side) const;

  // network.cpp
  /// `ws://host:port` without its path: what decides where a dial goes.
  static std::string_view authority(std::string_view url);
  std::uint32_t allocate();
  void release_if_over(std::uint32_t slot);
  void end_closed(std::uint32_t slot, Side side);
  bool is_cut(const Connection& connection, Side from) const;
  /// Whether that end is the one which the node knows by this id, and does so still.
  bool answers(const HeldEnd& held, NodeIndex node, link::ConnectionId id) const;
  void break_connection(Instant now, std::uint32_t slot);
  void resume_stalled(Instant now);
  void resume_stalled_of(Instant now, NodeIndex node);
  void resume_stalled_at(Instant now, std::uint32_t slot);
  void drop_items(Lane& lane);
  /// The node that an event leads to an input for; kNoNode if to none.
  NodeIndex hearer(const Event& event) const;
  std::uint32_t pick_open(NodeIndex node, std::uint64_t pick) const;
  Duration latency(Connection& connection);
  Delivery delivery(Delivery::Kind kind, std::uint32_t slot, Side side) const;

  NetworkOptions options_;
  Rng rng_;
  Scheduler& scheduler_;
  std::vector<Place> places_;
  FlatMap<std::string, NodeIndex> listeners_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> free_;
  std::vector<std::pair<std::uint32_t, Partition>> partitions_;
  std::uint32_t last_partition_ = 0;
  ConnectionSerial last_serial_ = 0;
  /// Who was told something last: most orders are about the connection that led to them.
  HeldEnd told_;
  NetworkStats stats_;
  /// Null where frames are carried.
  std::unique_ptr<StreamTools> tools_;
  std::vector<std::array<Stream, 2>> streams_;  ///< By slot, beside `connections_`.
  std::optional<Complaint> complaint_;
};

}  // namespace trestle::sim
