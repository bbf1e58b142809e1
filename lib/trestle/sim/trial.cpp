#include "trestle/sim/trial.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim {
namespace {

/// What the bootstrap node and its bridges share.
constexpr std::string_view kBridgeSecret = "a secret of the simulation";

/// Lookups of a healed network are compared with the truth: so many of them.
constexpr std::size_t kAgreementLookups = 40;
constexpr std::size_t kNearest = 20;
/// L2, in thousandths.
constexpr std::uint64_t kAgreementMin = 990;

WorkloadOptions workload_options(const Plan& plan) {
  WorkloadOptions options;
  options.spacing = plan.workload_spacing;
  options.value_life = plan.value_life;
  options.operations_max = plan.request.operations_max;
  return options;
}

}  // namespace

Trial::Trial(Plan plan)
    : plan_(std::move(plan)),
      world_(plan_.world),
      nemesis_(world_, plan_.faults, &misconducts_),
      workload_(
          world_, workload_options(plan_), plan_.first_member(),
          [this](NodeIndex node) { return world_.is_honest(node) && !nemesis_.is_absent(node); },
          Rng(plan_.request.seed).fork("workload")) {
  checkers_.watch(world_);
  world_.add_observer(probes_);
  add_nodes();
  schedule_starts();
  nemesis_.unleash();
  workload_.begin(plan_.settled, plan_.storm_ends);
}

// ---- the network ----

std::string Trial::url_of(NodeIndex node) const {
  return "ws://node" + std::to_string(node) + ".sim:9000/";
}

void Trial::add_nodes() {
  add_bootstrap();
  for (NodeIndex node = 1; node <= plan_.request.bridges; ++node) add_bridge(node);
  for (NodeIndex node = plan_.first_member(); node < plan_.seats; ++node) {
    add_member(node);
    if (node >= plan_.request.nodes) nemesis_.keep_away(node);
  }
}

bool Trial::is_turncoat(NodeIndex node) const {
  return std::ranges::find(plan_.turncoats, node) != plan_.turncoats.end();
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
  const bool is_honest = !is_turncoat(node);
  world_.add_node(
      {.role = wire::Role::node,
       .url = url_of(node),
       .factory = [this, options, node, is_honest](
                      const NodeSeat& seat) -> std::unique_ptr<node::Node> {
         auto made =
             std::make_unique<node::DhtNode>(options, seat.identity, seat.suite, seat.rng);
         if (is_honest) return made;
         return std::make_unique<ByzantinePeer>(std::move(made), node, misconducts_,
                                                seat.rng.fork("misconduct"));
       },
       .is_honest = is_honest});
}

void Trial::schedule_starts() {
  for (NodeIndex node = 0; node < plan_.request.nodes; ++node) {
    const Instant at{plan_.start_spacing * node};
    world_.schedule(at, [node](World& world) {
      if (!world.is_running(node)) world.start(node);
    });
  }
}

// ---- the run ----

bool Trial::run() {
  world_.run_until(plan_.storm_ends);
  if (world_.violation()) return false;
  if (plan_.request.mode != Mode::safety) {
    heal();
    world_.run_until(plan_.ends);
  }
  workload_.collect();
  if (!world_.violation()) probes_.finish(world_);
  if (!world_.violation() && plan_.request.mode != Mode::safety) judge_whole();
  return !world_.violation() && shortcomings_at_end_.empty();
}

void Trial::judge_whole() {
  shortcomings_at_end_ = shortcomings();
  const auto fault = [this](std::string text) { shortcomings_at_end_.push_back(std::move(text)); };
  if (!workload_.reads_back()) fault("a value put at one node is not read at another");
  const std::vector<NodeIndex> nodes = present();
  if (const std::size_t parts = parts_of(world_, nodes); parts != 1) {
    fault("L1: the network is in " + std::to_string(parts) + " parts");
  }
  const Agreement agreement = measure_agreement(world_, nodes, kAgreementLookups, kNearest,
                                                Rng(plan_.request.seed).fork("agreement"));
  if (agreement.per_mille() < kAgreementMin) {
    fault("L2: lookups named " + std::to_string(agreement.named) + " of the " +
          std::to_string(agreement.wanted) + " nearest");
  }
}

/// Everything that happens by chance ends as well (reliability.md 7.5).
void Trial::heal() {
  world_.network().end_accidents();
  if (plan_.request.mode == Mode::healing) return nemesis_.retire();
  const Rng rng = Rng(plan_.request.seed).fork("core");
  nemesis_.retire_to(draw_core(rng.fork("members")), rng.fork("outside"));
}

/// The bootstrap node, a bridge at least, four members at least; of the others a share drawn
/// between none and all.
std::vector<bool> Trial::draw_core(Rng rng) const {
  constexpr std::uint32_t kMembersMin = 4;
  std::vector<bool> core(world_.size(), false);
  core[kBootstrap] = true;
  const auto bridge = static_cast<NodeIndex>(1 + rng.below(plan_.request.bridges));
  core[bridge] = true;
  const std::uint64_t percent = rng.below(101);
  std::uint32_t members = 0;
  // Members from a random place on, so that the four are not always the same.
  const std::uint32_t count = plan_.seats - plan_.first_member();
  const auto begin = static_cast<std::uint32_t>(rng.below(count));
  for (std::uint32_t step = 0; step < count; ++step) {
    const NodeIndex node = plan_.first_member() + (begin + step) % count;
    if (nemesis_.is_absent(node) || !world_.is_honest(node)) continue;
    core[node] = members < kMembersMin || rng.chance(percent, 100);
    if (core[node]) ++members;
  }
  for (NodeIndex node = 1; node <= plan_.request.bridges; ++node) {
    if (rng.chance(percent, 100)) core[node] = true;
  }
  return core;
}

std::vector<NodeIndex> Trial::present() const {
  std::vector<NodeIndex> nodes;
  for (NodeIndex node = 1; node < world_.size(); ++node) {
    if (!nemesis_.is_absent(node)) nodes.push_back(node);
  }
  return nodes;
}

std::vector<std::string> Trial::shortcomings() const {
  std::vector<std::string> found;
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    if (nemesis_.is_absent(node) || !world_.is_honest(node)) continue;
    const std::string name = "n" + std::to_string(node);
    if (!world_.is_running(node)) {
      found.push_back(name + " is down");
      continue;
    }
    const node::Status status = world_.node(node).status(world_.now());
    if (world_.role(node) == wire::Role::bootstrap) {
      // Idle bridges are disconnected by right; one that failed will not be asked again.
      if (plan_.request.mode == Mode::liveness) continue;  // some are gone for ever
      for (const node::BridgeSlotStatus& slot : status.bridges) {
        if (slot.state == "failed") found.push_back(name + " gave up " + slot.url);
      }
      continue;
    }
    const auto links =
        std::count_if(status.peers.begin(), status.peers.end(), [](const node::PeerStatus& peer) {
          return peer.role == wire::Role::node || peer.role == wire::Role::bridge;
        });
    const auto wanted = std::min<std::size_t>(kMemberLinksMin, present().size() - 1);
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
  const WorkloadStats& workload = workload_.stats();
  const checkers::Acknowledged::Stats& records = workload_.acknowledged().stats();
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
         line("puts, done", {workload.puts, workload.puts_done}) +
         line("gets, done", {workload.gets, workload.gets_done}) +
         line("records acknowledged, weak; read, missed, old",
              {records.acknowledged, records.weak, records.reads, records.misses, records.stale}) +
         line("finds, done", {workload.finds, workload.finds_done}) +
         line("operations refused, lost with their node",
              {workload.refused, checkers_.operations.lost_with_node()});
}

}  // namespace trestle::sim
