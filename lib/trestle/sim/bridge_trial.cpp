#include "trestle/sim/bridge_trial.hpp"

#include <algorithm>
#include <memory>

#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/sim/figures.hpp"

namespace trestle::sim {
namespace {

constexpr std::string_view kSecret = "a secret of the trial";

/// Beyond the plan's end, which leaves time for a half-open connection to be noticed (two minutes)
/// and one wait: the line still loses one dial in twenty, and each costs 10 s and another wait.
constexpr Duration kWholeWithin = std::chrono::minutes(3);
constexpr Duration kLook = std::chrono::seconds(1);

/// How long the healed network is asked before it is judged.
constexpr Duration kJudged = std::chrono::seconds(30);

std::string url_of(NodeIndex node) { return "ws://node" + std::to_string(node) + ".sim:9000/"; }

}  // namespace

Plan BridgeTrial::plan_of(const BridgeTrialOptions& options) {
  PlanRequest request;
  request.seed = options.seed;
  request.nodes = options.bridges + options.clients;
  request.bridges = options.bridges;
  request.minutes = options.minutes;
  request.weather = options.weather;
  request.bytes = options.bytes;
  request.churn_percent = 0;  // clients and bridges stay, and are what they seem
  request.byzantine_percent = 0;
  Plan plan = make_plan(request);
  plan.world.replay = "simulate --pool, seed " + std::to_string(options.seed);
  return plan;
}

BridgeTrial::BridgeTrial(const BridgeTrialOptions& options)
    : options_(options),
      plan_(plan_of(options)),
      world_(plan_.world),
      requests_({.total_timeout = options.set.total_timeout,
                 .is_round_robin = options.set.balancing == pool::Balancing::round_robin}),
      nemesis_(world_, plan_.faults),
      rng_(Rng(options.seed).fork("bridge-trial")) {
  if (options_.switch_mode_every == Duration::zero()) {
    world_.add_observer(checkers_.single_bridge_connection);  // pool mode's promise
  }
  world_.add_observer(checkers_.answers);
  world_.add_observer(checkers_.operations);
  world_.add_observer(checkers_.conduct);
  world_.add_observer(requests_);
  world_.add_observer(probes_);
  const NodeIndex nodes = options_.bridges + options_.clients;
  clients_.resize(nodes);
  for (NodeIndex node = 0; node < nodes; ++node) {
    node < options_.bridges ? add_bridge(node) : add_client(node);
  }
  for (NodeIndex node = 0; node < nodes; ++node) {
    world_.schedule(Instant(plan_.start_spacing * node), [node](World& world) {
      if (!world.is_running(node)) world.start(node);
    });
    if (node >= options_.bridges) schedule_switch(node);
  }
  world_.schedule(plan_.settled, [this](World& world) { calm_.begin(world); });
  nemesis_.unleash();
}

void BridgeTrial::add_bridge(NodeIndex node) {
  node::BridgeOptions made;
  made.bridge_secret = to_bytes(as_bytes(kSecret));
  made.common.address = url_of(node);
  made.bootstrap_urls = {"ws://nobody.sim:9000/"};  // bridges without a network serve as well
  world_.add_node(
      {.role = wire::Role::bridge, .url = url_of(node), .factory = [made](const NodeSeat& seat) {
         return std::make_unique<node::BridgeNode>(made, seat.identity, seat.suite, seat.rng);
       }});
}

void BridgeTrial::add_client(NodeIndex node) {
  PoolClientOptions made;
  made.set = options_.set;
  made.bridge_secret = to_bytes(as_bytes(kSecret));
  made.request_every = options_.request_every;
  made.burst_max = options_.burst_max;
  made.withdrawing_percent = options_.withdrawing_percent;
  made.hedging = options_.hedging;
  made.totals = &totals_;
  for (NodeIndex bridge = 0; bridge < options_.bridges; ++bridge) {
    made.set.bridges.push_back({{url_of(bridge)}});
  }
  world_.add_node({.role = wire::Role::bootstrap,
                   .url = {},
                   .factory = [this, node, made](const NodeSeat& seat) {
                     auto client = std::make_unique<PoolClient>(made, seat);
                     clients_[node] = client.get();
                     requests_.watch(node, *client);
                     return client;
                   }});
}

// ---- reloads under load

void BridgeTrial::schedule_switch(NodeIndex node) {
  if (options_.switch_mode_every == Duration::zero()) return;
  const Duration wait = rng_.between(Duration::zero(), 2 * options_.switch_mode_every);
  const Instant at = after(std::max(world_.now(), plan_.settled), wait);
  if (at >= plan_.storm_ends) return;
  world_.schedule(at, [this, node](World&) {
    switch_mode(node);
    schedule_switch(node);
  });
}

void BridgeTrial::switch_mode(NodeIndex node) {
  if (!world_.is_running(node) || world_.is_paused(node)) return;
  node::Reload reload;
  for (NodeIndex bridge = 0; bridge < options_.bridges; ++bridge) {
    reload.bridges.push_back({{url_of(bridge)}});
  }
  reload.bridge_secret = to_bytes(as_bytes(kSecret));
  const bool is_pool = clients_[node]->set().mode() == pool::BridgeMode::pool;
  reload.bridge_mode = is_pool ? pool::BridgeMode::stateless : pool::BridgeMode::pool;
  ++result_.reloads;
  world_.reload(node, reload);
}

// ---- the run

bool BridgeTrial::run() {
  world_.run_until(plan_.storm_ends);
  if (!world_.violation()) nemesis_.retire();
  world_.run_until(plan_.ends);
  if (world_.violation()) return false;
  for (Duration waited{}; waited < kWholeWithin && !is_whole(); waited += kLook) {
    world_.run_for(kLook);
  }
  if (!is_whole()) shortcoming_ = "a client does not reach a bridge after everything healed\n";
  const PoolClientStats before = totals_;
  world_.run_for(kJudged);
  for (NodeIndex node = options_.bridges; node < world_.size(); ++node) {
    clients_[node]->stop_asking();
  }
  world_.run_for(options_.set.total_timeout + std::chrono::seconds(1));
  const std::uint64_t answered = totals_.answered - before.answered;
  const std::uint64_t failed = totals_.failed - before.failed;
  if (answered == 0 || failed * 100 > answered * options_.failed_percent_max) {
    shortcoming_ += std::to_string(failed) + " requests failed after everything healed, " +
                    std::to_string(answered) + " were answered\n";
  }
  if (options_.weather == Weather::calm && options_.switch_mode_every == Duration::zero()) {
    for (const std::string& one : calm_.failures(world_)) shortcoming_ += one + "\n";
  }
  probes_.finish(world_);
  result_.submitted = totals_.submitted;
  result_.answered = totals_.answered;
  result_.failed = totals_.failed;
  result_.withdrawn = totals_.withdrawn;
  result_.refused = totals_.refused;
  return !world_.violation() && shortcoming_.empty();
}

bool BridgeTrial::is_whole() const {
  for (NodeIndex node = options_.bridges; node < world_.size(); ++node) {
    if (!world_.is_running(node)) return false;
    const pool::BridgeSet& set = clients_[node]->set();
    const bool is_pool = set.mode() == pool::BridgeMode::pool;
    for (const pool::BridgeSlot& slot : set.slots()) {
      const bool is_there = pool::public_name(slot.state) == "connected" ||
                            (!is_pool && slot.state == pool::BridgeState::idle);
      if (!is_there || slot.breaker.state(world_.now()) != link::BreakerState::closed) return false;
    }
  }
  return true;
}

std::string BridgeTrial::summary() const {
  return network_figures(world_.network().stats()) +
         figures_line("requests, answered, failed, withdrawn, refused",
                      {result_.submitted, result_.answered, result_.failed, result_.withdrawn,
                       result_.refused});
}

std::string BridgeTrial::failure() const {
  if (!world_.violation() && shortcoming_.empty()) return {};
  return world_.report() + shortcoming_;
}

}  // namespace trestle::sim
