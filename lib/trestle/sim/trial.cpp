#include "trestle/sim/trial.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"

namespace trestle::sim {
namespace {

/// What the bootstrap node and its bridges share.
constexpr std::string_view kBridgeSecret = "a secret of the simulation";

/// How long the last put and get may take together, and the pause between two attempts.
constexpr Duration kReadBackMax = std::chrono::seconds(60);
constexpr int kReadBackAttempts = 3;

/// Values that gets ask for: the last so many.
constexpr std::size_t kStoredMax = 64;

}  // namespace

Trial::Trial(Plan plan)
    : plan_(std::move(plan)),
      world_(plan_.world),
      nemesis_(world_, plan_.faults),
      rng_(Rng(plan_.request.seed).fork("workload")) {
  checkers_.watch(world_);
  world_.add_observer(probes_);
  add_nodes();
  schedule_starts();
  nemesis_.unleash();
  schedule_workload(plan_.settled);
}

// ---- the network ----

std::string Trial::url_of(NodeIndex node) const {
  return "ws://node" + std::to_string(node) + ".sim:9000/";
}

void Trial::add_nodes() {
  add_bootstrap();
  for (NodeIndex node = 1; node <= plan_.request.bridges; ++node) add_bridge(node);
  for (NodeIndex node = plan_.request.bridges + 1; node < plan_.request.nodes; ++node) {
    add_member(node);
  }
}

void Trial::add_bootstrap() {
  node::BootstrapOptions options;
  options.common.address = url_of(kBootstrap);
  options.bridge_secret = to_bytes(as_bytes(kBridgeSecret));
  options.genesis = true;
  for (NodeIndex bridge = 1; bridge <= plan_.request.bridges; ++bridge) {
    options.bridges.push_back({{url_of(bridge)}});
  }
  world_.add_node({.role = wire::Role::bootstrap,
                   .url = url_of(kBootstrap),
                   .factory = [options](const NodeSeat& seat) {
                     return std::make_unique<node::BootstrapNode>(options, seat.identity,
                                                                  seat.suite, seat.rng);
                   }});
}

void Trial::add_bridge(NodeIndex node) {
  node::BridgeOptions options;
  options.common.address = url_of(node);
  options.bridge_secret = to_bytes(as_bytes(kBridgeSecret));
  options.bootstrap_urls = {url_of(kBootstrap)};
  world_.add_node(
      {.role = wire::Role::bridge, .url = url_of(node), .factory = [options](const NodeSeat& seat) {
         return std::make_unique<node::BridgeNode>(options, seat.identity, seat.suite, seat.rng);
       }});
}

void Trial::add_member(NodeIndex node) {
  node::NodeOptions options;
  options.common.address = url_of(node);
  options.bootstrap_urls = {url_of(kBootstrap)};
  world_.add_node(
      {.role = wire::Role::node, .url = url_of(node), .factory = [options](const NodeSeat& seat) {
         return std::make_unique<node::DhtNode>(options, seat.identity, seat.suite, seat.rng);
       }});
}

void Trial::schedule_starts() {
  for (NodeIndex node = 0; node < plan_.request.nodes; ++node) {
    const Instant at{plan_.start_spacing * node};
    world_.schedule(at, [node](World& world) {
      if (!world.is_running(node)) world.start(node);
    });
  }
}

// ---- the users ----

NodeIndex Trial::draw_member(NodeIndex other_than) {
  const NodeIndex first = plan_.request.bridges + 1;
  const auto drawn = static_cast<NodeIndex>(rng_.below(plan_.request.nodes - first));
  const NodeIndex node = first + drawn;
  if (node == other_than || !world_.is_running(node) || world_.is_paused(node)) return kNoNode;
  return node;
}

void Trial::schedule_workload(Instant at) {
  if (at >= plan_.storm_ends) return;
  world_.schedule(at, [this](World& world) {
    work();
    schedule_workload(world.now() + plan_.workload_spacing);
  });
}

void Trial::work() {
  collect_ended();
  const std::uint64_t kind = rng_.below(3);
  const std::uint64_t word = rng_.next();
  const NodeIndex node = draw_member();
  if (node == kNoNode) return;
  if (kind == 0) {
    ++workload_.puts;
    Value value{"key-" + std::to_string(workload_.puts),
                to_bytes(as_bytes("value-" + std::to_string(word)))};
    const auto begun = world_.put(node, value.key, value.bytes, plan_.value_life);
    if (begun) puts_.emplace_back(*begun, std::move(value));
    if (!begun) ++workload_.refused;
  } else if (kind == 1 && !stored_.empty()) {
    ++workload_.gets;
    const Value& value = stored_[static_cast<std::size_t>(word % stored_.size())];
    const auto begun = world_.get(node, value.key);
    if (begun) gets_.emplace_back(*begun, value);
    if (!begun) ++workload_.refused;
  } else {
    ++workload_.finds;
    const NodeId target(word, word * 0x9e3779b97f4a7c15u, static_cast<std::uint32_t>(word >> 7));
    const auto begun = world_.find(node, target);
    if (begun) finds_.push_back(*begun);
    if (!begun) ++workload_.refused;
  }
}

/// Looks at what ended, and forgets it; what went down with its node is forgotten too.
void Trial::collect_ended() {
  const auto lost = [this](const OperationKey& key) {
    return !world_.is_running(key.node) || world_.incarnation(key.node) != key.incarnation;
  };
  std::erase_if(puts_, [&](auto& entry) {
    const node::OperationEnded* end = world_.ended(entry.first);
    if (end == nullptr) return lost(entry.first);
    if (end->code == ErrorCode::none) {
      ++workload_.puts_done;
      stored_.push_back(std::move(entry.second));
      if (stored_.size() > kStoredMax) stored_.erase(stored_.begin());
    }
    world_.forget(entry.first);
    return true;
  });
  std::erase_if(gets_, [&](auto& entry) {
    const node::OperationEnded* end = world_.ended(entry.first);
    if (end == nullptr) return lost(entry.first);
    if (end->code == ErrorCode::none && end->record) {
      ++workload_.gets_done;
      if (end->record->value != entry.second.bytes) ++workload_.wrong_values;
    }
    world_.forget(entry.first);
    return true;
  });
  std::erase_if(finds_, [&](const OperationKey& key) {
    const node::OperationEnded* end = world_.ended(key);
    if (end == nullptr) return lost(key);
    if (end->code == ErrorCode::none) ++workload_.finds_done;
    world_.forget(key);
    return true;
  });
}

// ---- the run ----

bool Trial::run() {
  world_.run_until(plan_.storm_ends);
  if (world_.violation()) return false;
  nemesis_.retire();
  world_.run_until(plan_.ends);
  if (world_.violation()) return false;
  collect_ended();
  probes_.finish(world_);
  shortcomings_at_end_ = shortcomings();
  if (!reads_back())
    shortcomings_at_end_.push_back("a value put at one node is not read at another");
  if (workload_.wrong_values > 0) shortcomings_at_end_.push_back("a get brought a wrong value");
  return !world_.violation() && shortcomings_at_end_.empty();
}

const node::OperationEnded* Trial::finish(const OperationKey& key) {
  const Instant until = after(world_.now(), kReadBackMax);
  while (world_.ended(key) == nullptr && world_.next_event() <= until) {
    if (!world_.step()) break;
  }
  return world_.ended(key);
}

bool Trial::reads_back() {
  for (int attempt = 0; attempt < kReadBackAttempts && !world_.violation(); ++attempt) {
    NodeIndex writer = kNoNode;
    NodeIndex reader = kNoNode;
    while (writer == kNoNode) writer = draw_member();
    while (reader == kNoNode) reader = draw_member(writer);
    const std::string key = "last-" + std::to_string(attempt);
    const Bytes value = to_bytes(as_bytes("written at the end"));
    const auto put = world_.put(writer, key, value, plan_.value_life);
    if (!put) continue;
    const node::OperationEnded* stored = finish(*put);
    if (stored == nullptr || stored->code != ErrorCode::none) continue;
    const auto get = world_.get(reader, key);
    if (!get) continue;
    const node::OperationEnded* read = finish(*get);
    if (read != nullptr && read->record && read->record->value == value) return true;
  }
  return false;
}

std::vector<std::string> Trial::shortcomings() const {
  std::vector<std::string> found;
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    const std::string name = "n" + std::to_string(node);
    if (!world_.is_running(node)) {
      found.push_back(name + " is down");
      continue;
    }
    const node::Status status = world_.node(node).status(world_.now());
    if (world_.role(node) == wire::Role::bootstrap) {
      // Idle bridges are disconnected by right; one that failed will not be asked again.
      for (const node::BridgeSlotStatus& slot : status.bridges) {
        if (slot.state == "failed") found.push_back(name + " gave up " + slot.url);
      }
      continue;
    }
    const auto links =
        std::count_if(status.peers.begin(), status.peers.end(), [](const node::PeerStatus& peer) {
          return peer.role == wire::Role::node || peer.role == wire::Role::bridge;
        });
    const auto wanted = std::min<std::size_t>(kMemberLinksMin, world_.size() - 2);
    if (status.state != "joined" || static_cast<std::size_t>(links) < wanted) {
      found.push_back(name + " is " + std::string(status.state) + " with " + std::to_string(links) +
                      " links");
    }
  }
  return found;
}

std::string Trial::failure() const {
  if (!world_.violation() && shortcomings_at_end_.empty()) return {};
  std::string out = world_.report() + "---- figures\n" + summary();
  if (!shortcomings_at_end_.empty()) out += "---- not whole after healing\n";
  for (const std::string& line : shortcomings_at_end_) out += line + "\n";
  return out;
}

std::string Trial::summary() const {
  const WorldStats& world = world_.stats();
  const NetworkStats& network = world_.network().stats();
  const auto line = [](std::string_view what, std::initializer_list<std::uint64_t> numbers) {
    std::string text = "  " + std::string(what) + ":";
    for (const std::uint64_t number : numbers) text += " " + std::to_string(number);
    return text + "\n";
  };
  return line("events, happenings, deadlines", {world.events, world.happenings, world.deadlines}) +
         line("joins, log records", {world.joins, world.log_records}) +
         line("signatures, checks, failed",
              {world.signatures, world.verifications, world.verifications_failed}) +
         line("dials, failed, accepted, late",
              {network.dials, network.dials_failed, network.accepted, network.late_opens}) +
         line("frames sent, delivered, lost",
              {network.frames_sent, network.frames_delivered, network.frames_lost}) +
         line("bytes sent", {network.bytes_sent}) +
         line("retransmissions, resets, stalls, given up",
              {network.retransmissions, network.resets, network.stalls, network.stalls_given_up}) +
         line("faults applied", {nemesis_.applied()}) +
         line("requests, answers, withdrawn",
              {checkers_.answers.requests(), checkers_.answers.answers(),
               checkers_.answers.withdrawals()}) +
         line("puts, done", {workload_.puts, workload_.puts_done}) +
         line("gets, done", {workload_.gets, workload_.gets_done}) +
         line("finds, done", {workload_.finds, workload_.finds_done}) +
         line("operations refused, lost with their node",
              {workload_.refused, checkers_.operations.lost_with_node()});
}

}  // namespace trestle::sim
