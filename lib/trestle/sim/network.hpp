#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/sim/connection.hpp"
#include "trestle/sim/scheduler.hpp"
#include "trestle/sim/world_options.hpp"

namespace trestle::sim {

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

/// An input for a node that a network event led to.
struct Delivery {
  enum class Kind : std::uint8_t { accepted, dialled, dial_failed, frame, drained, closed };
  Kind kind = Kind::accepted;
  NodeIndex node = kNoNode;
  NodeIndex peer = kNoNode;
  link::ConnectionId id{};
  std::uint32_t slot = 0;
  ConnectionSerial connection = 0;
  Side side = kDialler;
  ErrorCode code = ErrorCode::none;
  std::uint16_t status = 0;
  std::size_t drained = 0;
  std::string_view reason;  ///< Static storage. A close that was sent carries its own as bytes.
  Item item;                ///< What arrived.
};

/// Which end of which connection a node means by an id of its own. Until the next order or event.
struct HeldEnd {
  std::uint32_t slot = 0;
  Side side = kDialler;
};

struct NetworkStats {
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t accepted = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_delivered = 0;
  std::uint64_t frames_lost =
      0;  ///< In flight when the connection broke, or for an end that was gone.
  std::uint64_t bytes_sent = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t resets = 0;
  std::uint64_t stalls = 0;
  std::uint64_t stalls_given_up = 0;
  std::uint64_t late_opens = 0;  ///< An abandoned dial that reached its listener all the same.
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
  Instant arrival(Instant now, std::uint32_t slot, Side side, std::size_t size);
  void schedule_due(Instant now, std::uint32_t slot, Side side);
  void schedule_drain(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_due(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_drains(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_lane_gives_up(Instant now, std::uint32_t slot, Side side);
  std::optional<Delivery> on_broken(std::uint32_t slot, Side side);

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
};

}  // namespace trestle::sim
