#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/node/node.hpp"
#include "trestle/sim/disk.hpp"
#include "trestle/sim/fingerprint.hpp"
#include "trestle/sim/happening.hpp"
#include "trestle/sim/network.hpp"
#include "trestle/sim/scheduler.hpp"
#include "trestle/sim/trace.hpp"
#include "trestle/sim/world_news.hpp"
#include "trestle/sim/world_options.hpp"

namespace trestle::sim {

/// What a node is built from. The identity outlives restarts, like the file it stands for.
struct NodeSeat {
  const crypto::Identity& identity;
  crypto::Suite& suite;
  Rng rng;  ///< One stream per incarnation.
  const std::string& url;
  const crypto::KeyPair& keys;
};

using NodeFactory = std::function<std::unique_ptr<node::Node>(const NodeSeat&)>;

struct NodeSpec {
  wire::Role role = wire::Role::node;
  /// Where it listens; empty for nobody.
  std::string url;
  NodeFactory factory;
  /// Keeps the rules of conversation. Of others nothing is demanded, and what they are told is not
  /// blamed on who tells them.
  bool is_honest = true;
  /// The address that those see whom it dials; one inside 10.0.0.0/8 if empty.
  std::string remote_address{};
};

/// An operation of a user at a node, in one of the node's lives.
struct OperationKey {
  NodeIndex node = kNoNode;
  std::uint32_t incarnation = 0;
  node::OperationId operation{};
  friend constexpr auto operator<=>(const OperationKey&, const OperationKey&) = default;
};

/// A whole network of real nodes in virtual time, on one thread and out of one seed: the third
/// driver of the core, beside real sockets and the browser. Everything that happens is hashed into
/// a fingerprint, kept in a short trace, and shown to observers; the first violation that one of
/// them reports ends the run.
///
///     World world({.seed = 7});
///     const NodeIndex node = world.add_node({.role = ..., .url = ..., .factory = ...});
///     world.start(node);
///     world.run_for(std::chrono::minutes(1));
class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- nodes ----
  NodeIndex add_node(NodeSpec spec);
  std::size_t size() const { return hosts_.size(); }
  /// A new incarnation, built by the factory.
  void start(NodeIndex node);
  /// Asks it to go; it does when it says `Stopped`.
  void begin_shutdown(NodeIndex node);
  void kill(NodeIndex node, KillKind kind = KillKind::process, std::string_view how = {});
  /// The process dies after it has given so many more orders: in the middle of a step, as a rule.
  /// Nothing: it will not.
  void crash_after(NodeIndex node, std::optional<std::uint32_t> orders);
  /// Its settings were read again.
  void reload(NodeIndex node, const node::Reload& reload);
  /// The process is stopped: it hears nothing, no timer of it fires. Users must not ask it.
  void pause(NodeIndex node);
  /// It goes on, and everything that came meanwhile reaches it at once.
  void resume(NodeIndex node);
  bool is_paused(NodeIndex node) const { return hosts_[node].paused; }
  /// When its present or last life began.
  Instant started_at(NodeIndex node) const { return hosts_[node].started_at; }
  /// When its last pause ended.
  Instant resumed_at(NodeIndex node) const { return hosts_[node].resumed_at; }
  /// When it was last drained: since then nothing has happened to it.
  Instant touched_at(NodeIndex node) const { return hosts_[node].touched_at; }
  /// Its calendar is set to another time, and it is told.
  void jump_clock(NodeIndex node, Duration jump);
  bool is_running(NodeIndex node) const { return hosts_[node].node != nullptr; }
  bool is_honest(NodeIndex node) const { return hosts_[node].is_honest; }
  /// Only while it runs.
  const node::Node& node(NodeIndex node) const;
  const crypto::Identity& identity(NodeIndex node) const { return hosts_[node].identity; }
  wire::Role role(NodeIndex node) const { return hosts_[node].role; }
  const std::string& url(NodeIndex node) const { return hosts_[node].url; }
  std::uint32_t incarnation(NodeIndex node) const { return hosts_[node].incarnation; }

  /// What the node's process writes to and finds again at its next start.
  Disk& disk(NodeIndex node) { return hosts_[node].disk; }
  /// Puts an empty disk in the place of the old one. Only while the node is down.
  void lose_disk(NodeIndex node);
  const Disk& disk(NodeIndex node) const { return hosts_[node].disk; }

  // ---- users ----
  Result<OperationKey, ErrorCode> put(NodeIndex node, std::string key, Bytes value, Duration ttl);
  Result<OperationKey, ErrorCode> put_as(NodeIndex node, std::string key, Bytes value,
                                         const node::PutOptions& options);
  /// Every step is told, whatever else is wished: should a search fail, a report says whom it
  /// asked.
  Result<OperationKey, ErrorCode> get(NodeIndex node, std::string key, dht::LookupWish wish = {});
  Result<OperationKey, ErrorCode> remove(NodeIndex node, std::string key);
  Result<OperationKey, ErrorCode> refresh(NodeIndex node, std::string key);
  Result<OperationKey, ErrorCode> find(NodeIndex node, const NodeId& target,
                                       dht::LookupWish wish = {});
  /// How it ended, or null while it is under way. Forgotten with `forget`.
  const node::OperationEnded* ended(const OperationKey& key) const { return ended_.find(key); }
  void forget(const OperationKey& key) { ended_.erase(key); }

  // ---- time ----
  Instant now() const { return now_; }
  Instant next_event() const;
  /// One event. False when nothing is left to happen or a violation was found.
  bool step();
  void run_until(Instant until);
  void run_for(Duration duration) { run_until(after(now_, duration)); }
  /// Something from outside that is to happen then: faults, workloads.
  void schedule(Instant at, std::function<void(World&)> action);

  // ---- watch ----
  /// Called from now on for what it wants to be told; must outlive the world's running.
  void add_observer(Observer& observer);
  void report_violation(std::string_view rule, std::string text);
  const std::optional<Violation>& violation() const { return violation_; }
  /// Everything somebody needs who was not there: seed, plan, what is wrong, the last lines, how to
  /// have it again.
  std::string report() const;
  /// Tells observers, trace and fingerprint of a fault somebody caused.
  void note_fault(std::string_view text, NodeIndex node = kNoNode, ConnectionSerial hit = 0);

  Network& network() { return network_; }
  const Network& network() const { return network_; }
  std::uint64_t fingerprint() const { return fingerprint_.value(); }
  const WorldStats& stats() const { return stats_; }
  const WorldOptions& options() const { return options_; }
  const std::deque<JoinedNews>& joined() const { return joined_; }
  const std::deque<LogNews>& logs() const { return logs_; }

 private:
  struct Host {
    // What is asked at everything that happens, side by side.
    std::unique_ptr<node::Node> node;
    std::uint32_t incarnation = 0;
    wire::Role role = wire::Role::node;
    bool is_honest = true;
    /// Said `Stopped`: hears nothing more and goes as soon as it was drained.
    bool stopped = false;
    bool paused = false;
    std::optional<std::uint32_t> orders_left;  ///< Until it crashes.
    Instant started_at{};
    Instant resumed_at{};
    Instant touched_at{};
    // The rest.
    bool is_disk_held = false;  ///< A sync ended while it was paused.
    Rng rng{0};
    std::unique_ptr<crypto::Suite> suite;
    crypto::KeyPair pair;
    crypto::Identity identity;
    Duration wall_skew{};
    std::string url;
    NodeFactory factory;
    std::string remote_address;
    Disk disk{{}, Rng(0)};
    std::vector<std::uint32_t> held_jobs;  ///< Crypto that was done while it was paused.
  };

  /// A finished signature or check on its way back.
  struct CryptoJob {
    NodeIndex node = kNoNode;
    std::uint32_t incarnation = 0;
    link::ConnectionId connection{};
    link::Ticket ticket;
    bool is_sign = false;
    bool valid = false;
    wire::Signature signature{};
  };

  Host& running(NodeIndex node);
  void tell_wall_clock(Host& host);
  void drain(NodeIndex node);
  void perform(NodeIndex node, node::Effect&& effect);
  void perform_transport(NodeIndex node, node::Effect&& effect);
  void perform_crypto(NodeIndex node, node::Effect&& effect);
  void perform_news(NodeIndex node, node::Effect&& effect);
  void take_down(NodeIndex node, KillKind kind);
  bool look_into(const link::SendFrame& frame);
  // world_disk.cpp
  WallTime wall(const Host& host) const;
  void perform_disk(NodeIndex node, dht::Persist&& order);
  void finish_disk(NodeIndex node);
  void deliver(Delivery&& delivery);
  void hear_complaint(const Complaint& complaint);
  void finish_crypto(std::uint32_t slot);
  void answer_later(const CryptoJob& job, Rng& rng);
  Result<OperationKey, ErrorCode> accepted(NodeIndex node,
                                           const Result<node::OperationId, ErrorCode>& result);
  Happening happening(HappeningKind kind, NodeIndex node) const;
  /// `content`: hash of what is not in the happening's numbers.
  void happened(const Happening& happening, std::uint64_t content = 0);

  WorldOptions options_;
  Rng rng_;
  Instant now_{};
  Scheduler scheduler_;
  Network network_;
  Deadlines timers_;  ///< Slot: node.
  std::vector<Host> hosts_;
  std::vector<CryptoJob> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  std::vector<std::function<void(World&)>> actions_;
  std::vector<std::uint32_t> free_actions_;
  FlatMap<OperationKey, node::OperationEnded> ended_;
  /// By kind of happening: most observers wait for little of what happens.
  std::array<std::vector<Observer*>, kHappeningKinds> observers_;
  std::vector<Observer*> event_observers_;
  std::optional<Violation> violation_;
  Fingerprint fingerprint_;
  Trace trace_;
  std::vector<RecordHead> heads_;  ///< Of the frame that is being told of.
  std::uint64_t frames_looked_into_ = 0;
  WorldStats stats_;
  std::deque<JoinedNews> joined_;
  std::deque<LogNews> logs_;
};

}  // namespace trestle::sim
