#include "trestle/sim/trial.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "trestle/mesh/mesh_options.hpp"
#include "trestle/sim/figures.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim {
namespace {

/// Lookups of a healed network are compared with the truth: so many of them.
constexpr std::size_t kAgreementLookups = 40;
constexpr std::size_t kNearest = 20;
/// L2, in thousandths.
constexpr std::uint64_t kAgreementMin = 990;
/// P-CR-17 gives tables two refresh periods, of twelve minutes at the most, to know everybody
/// again.
constexpr std::uint64_t kAgreementLooks = 7;
constexpr Duration kBetweenLooks = std::chrono::minutes(4);

/// L7: what is said in a quiet minute, at most. A link is pinged twice a minute from each end, and
/// answered; a node looks itself up twice a minute at the most, in some 25 questions.
constexpr Duration kQuiet = std::chrono::minutes(1);
constexpr std::uint64_t kFramesPerLinkEnd = 8;
constexpr std::uint64_t kFramesPerNode = 120;

/// From the last start until everybody has found his place: dials that cross, bridges that know
/// nobody yet.
constexpr Duration kArrived = std::chrono::minutes(2);

/// Peers are saved every five minutes, with jitter.
constexpr Duration kSavedWithin = std::chrono::minutes(7);

constexpr Duration kBetweenReloads = std::chrono::seconds(75);

/// L6. In this time every upkeep comes to an end in between.
constexpr std::uint64_t kQueueLooks = 30;
constexpr Duration kBetweenQueueLooks = std::chrono::seconds(2);

WorkloadOptions workload_options(const Plan& plan) {
  WorkloadOptions options;
  options.spacing = plan.workload_spacing;
  options.value_life = plan.value_life;
  options.operations_max = plan.request.operations_max;
  options.reads_must_succeed = plan.request.strict;
  options.everything = plan.request.mixed;
  return options;
}

/// With two digits.
std::string mean_of(std::uint64_t sum, std::uint64_t count) {
  const std::uint64_t hundredths = count == 0 ? 0 : (100 * sum + count / 2) / count;
  const std::string digits = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (digits.size() == 1 ? ".0" : ".") + digits;
}

}  // namespace

Trial::Trial(Plan plan)
    : plan_(std::move(plan)),
      world_(plan_.world),
      cluster_(world_, {.bridges = plan_.request.bridges,
                        .members = plan_.seats - plan_.first_member(),
                        .turncoats = plan_.turncoats,
                        .board = &misconducts_,
                        .mixed = plan_.request.mixed,
                        .tiny = plan_.request.mixed && plan_.request.mode == Mode::safety}),
      nemesis_(world_, plan_.faults, &misconducts_),
      workload_(
          world_, workload_options(plan_), plan_.first_member(),
          [this](NodeIndex node) { return world_.is_honest(node) && !nemesis_.is_absent(node); },
          Rng(plan_.request.seed).fork("workload")) {
  checkers_.watch(world_);
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    for (const auto& [figure, max] : cluster_.bounds_of(node)) {
      checkers_.bounds.expect(node, figure, max);
    }
    if (cluster_.is_bounding_networks(node)) checkers_.naming.expect_bounded(node);
  }
  world_.add_observer(probes_);
  for (NodeIndex node = plan_.request.nodes; node < plan_.seats; ++node) nemesis_.keep_away(node);
  schedule_starts();
  nemesis_.unleash();
  world_.schedule(after(plan_.settled, kArrived), [this](World& world) { calm_.begin(world); });
  const Duration half = (plan_.storm_ends - plan_.settled) / 2;
  world_.schedule(after(plan_.settled, half), [this](World& world) {
    if (workload_.has_ended()) copies_.begin(world);
  });
  if (plan_.request.mixed) schedule_reload(plan_.settled, 0);
  workload_.begin(plan_.settled, plan_.storm_ends);
}

Trial::~Trial() = default;

void Trial::schedule_starts() {
  for (NodeIndex node = 0; node < plan_.request.nodes; ++node) {
    const Instant at{plan_.start_spacing * node};
    world_.schedule(at, [node](World& world) {
      if (!world.is_running(node)) world.start(node);
    });
  }
}

/// Operators change their minds: by turns one bridge is taken out of the settings, and all are in.
void Trial::schedule_reload(Instant at, std::uint64_t round) {
  const bool is_last = at >= plan_.storm_ends;
  if (is_last && plan_.request.mode == Mode::safety) return;
  world_.schedule(at, [this, round, is_last](World& world) {
    const bool leaves_one_out = round % 2 == 0 && plan_.request.bridges > 1 && !is_last;
    const auto bridge = static_cast<NodeIndex>(1 + round / 2 % plan_.request.bridges);
    const NodeIndex node = Cluster::kBootstrap;
    if (world.is_running(node) && !world.is_paused(node)) {
      world.reload(node, cluster_.settings(leaves_one_out ? bridge : kNoNode));
    }
    if (!is_last) schedule_reload(after(world.now(), kBetweenReloads), round + 1);
  });
}

// ---- the run ----

bool Trial::run() {
  world_.run_until(plan_.storm_ends);
  const bool heals = plan_.request.mode != Mode::safety;
  if (!world_.violation() && heals) {
    heal();
    world_.run_until(plan_.ends - kQuiet);
    if (!world_.violation()) run_quietly();
  }
  if (world_.violation()) return false;
  workload_.collect();
  probes_.finish(world_);
  if (heals) judge_whole();
  return !world_.violation() && shortcomings_at_end_.empty();
}

/// Nobody is asked anything any more: what is said now is upkeep.
void Trial::run_quietly() {
  const std::uint64_t before = world_.network().stats().frames_sent;
  world_.run_until(plan_.ends);
  const std::uint64_t said = world_.network().stats().frames_sent - before;
  const std::uint64_t ends = 2 * world_.network().connections_in_use();
  const std::uint64_t most = kFramesPerLinkEnd * ends + kFramesPerNode * world_.size();
  if (said <= most) return;
  shortcomings_at_end_.push_back("L7: " + std::to_string(said) + " frames in a quiet minute, " +
                                 std::to_string(most) + " at most");
}

/// L6: with nobody asking anything, whatever waits or is under way is none at one look or another.
void Trial::judge_queues() {
  constexpr std::string_view kQueues[] = {
      "dht.operations",         "dht.asks_waiting", "verify.held",
      "carrier.under_way",      "desk.in_service",  "desk.waiting",
      "mesh.dialling",          "link.pending",     "reception.joins_in_flight",
      "pool.requests_under_way"};
  std::map<std::pair<NodeIndex, std::string_view>, std::uint64_t> full;
  for (std::uint64_t look = 0; look < kQueueLooks && !world_.violation(); ++look) {
    if (look > 0) world_.run_for(kBetweenQueueLooks);
    std::map<std::pair<NodeIndex, std::string_view>, std::uint64_t> still;
    for (NodeIndex node = 0; node < world_.size(); ++node) {
      if (nemesis_.is_absent(node) || !world_.is_honest(node) || !world_.is_running(node)) continue;
      for (const auto& [name, value] : world_.node(node).status(world_.now()).counters) {
        const bool is_queue = std::ranges::find(kQueues, name) != std::end(kQueues);
        const bool was_full = look == 0 || full.contains({node, name});
        if (is_queue && value > 0 && was_full) still[{node, name}] = value;
      }
    }
    full = std::move(still);
    if (full.empty()) return;
  }
  for (const auto& [where, value] : full) {
    shortcomings_at_end_.push_back("L6: n" + std::to_string(where.first) + " has " +
                                   std::to_string(value) + " " + std::string(where.second) +
                                   " at every look");
  }
}

/// Whoever has run for a while finds others again after a restart without any help.
void Trial::judge_saved_peers() {
  for (const NodeIndex node : present()) {
    const bool is_settled = world_.is_running(node) && world_.is_honest(node) &&
                            world_.now() - world_.started_at(node) >= kSavedWithin;
    if (!is_settled) continue;
    const std::size_t wanted = std::min(kMemberLinksMin, present().size() - 1);
    const std::size_t saved = world_.disk(node).saved_peers();
    if (saved >= wanted) continue;
    shortcomings_at_end_.push_back("RECOV: n" + std::to_string(node) + " has saved " +
                                   std::to_string(saved) + " peers");
  }
}

void Trial::judge_whole() {
  for (std::string& one : shortcomings()) shortcomings_at_end_.push_back(std::move(one));
  const auto fault = [this](std::string text) { shortcomings_at_end_.push_back(std::move(text)); };
  const std::vector<NodeIndex> nodes = present();
  if (const std::size_t parts = parts_of(world_, nodes); parts != 1) {
    fault("L1: the network is in " + std::to_string(parts) + " parts");
  }
  const Rng rng = Rng(plan_.request.seed).fork("agreement");
  Agreement agreement;
  for (std::uint64_t look = 0; look < kAgreementLooks; ++look) {
    if (look > 0) world_.run_for(kBetweenLooks);
    agreement = measure_agreement(world_, nodes, kAgreementLookups, kNearest, rng.fork("", look));
    if (agreement.per_mille() >= kAgreementMin || world_.violation()) break;
  }
  if (agreement.per_mille() < kAgreementMin) {
    fault("L2: lookups named " + std::to_string(agreement.named) + " of the " +
          std::to_string(agreement.wanted) + " nearest");
  }
  judge_records();
  judge_queues();
  if (!is_calm()) return;
  judge_saved_peers();
  for (std::string& one : calm_.failures(world_)) fault(std::move(one));
  if (!copies_.has_begun()) return;
  for (std::string& one : copies_.failures(world_)) fault(std::move(one));
}

void Trial::judge_records() {
  if (!workload_.reads_back()) {
    shortcomings_at_end_.push_back("I3: a value put at one node is not read at another");
  }
  const auto due = workload_.acknowledged().due(world_.now());
  if (plan_.request.strict) judge_copies(due);
  const std::vector<std::string> missed = workload_.read_all();
  for (const checkers::Acknowledged::Truth& truth : due) {
    if (std::ranges::find(missed, truth.key) == missed.end()) continue;
    const std::size_t copies = holders_of(truth).size();
    // R1 promises nothing when as many disks were destroyed as made it acknowledged.
    if (copies == 0 && nemesis_.disks_destroyed() >= truth.copies) continue;
    shortcomings_at_end_.push_back("I3: the acknowledged " + truth.key + " is not read, " +
                                   std::to_string(copies) + " copies are there");
  }
}

/// L3: after the last changes in a calm network there are again as many copies as made a record
/// acknowledged.
void Trial::judge_copies(const std::vector<checkers::Acknowledged::Truth>& due) {
  for (const checkers::Acknowledged::Truth& truth : due) {
    const std::size_t copies = holders_of(truth).size();
    if (copies >= truth.copies) continue;
    shortcomings_at_end_.push_back("L3: of " + truth.key + " there are " + std::to_string(copies) +
                                   " copies, acknowledged by " + std::to_string(truth.copies));
  }
}

/// Who has that version or a later one on his disk, of those that are to be there.
std::vector<NodeIndex> Trial::holders_of(const checkers::Acknowledged::Truth& truth) const {
  std::vector<NodeIndex> holders;
  for (const NodeIndex node : present()) {
    const dht::StoredRecord* stored = world_.disk(node).find(truth.key);
    if (stored != nullptr && stored->record.version >= truth.version) holders.push_back(node);
  }
  return holders;
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
  core[Cluster::kBootstrap] = true;
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
  add_holders(core);
  return core;
}

/// Of every acknowledged record as many holders as made it acknowledged.
void Trial::add_holders(std::vector<bool>& core) const {
  for (const checkers::Acknowledged::Truth& truth : workload_.acknowledged().due(world_.now())) {
    const std::vector<NodeIndex> holders = holders_of(truth);
    auto inside = static_cast<std::size_t>(
        std::ranges::count_if(holders, [&](NodeIndex node) { return core[node]; }));
    for (const NodeIndex node : holders) {
      if (inside >= truth.copies) break;
      if (core[node] || !world_.is_honest(node)) continue;
      core[node] = true;
      ++inside;
    }
  }
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
  // X47: where nothing went wrong everybody has as many as he aims for.
  const std::size_t aimed_for = is_calm() ? mesh::MeshOptions{}.links_target : kMemberLinksMin;
  const std::size_t wanted = std::min(aimed_for, present().size() - 1);
  for (NodeIndex node = 0; node < world_.size(); ++node) {
    if (nemesis_.is_absent(node) || !world_.is_honest(node)) continue;
    if (!world_.is_running(node)) {
      found.push_back("L1: n" + std::to_string(node) + " is down");
    } else if (world_.role(node) == wire::Role::bootstrap) {
      judge_bootstrap(node, found);
    } else {
      judge_member(node, wanted, found);
    }
  }
  return found;
}

void Trial::judge_member(NodeIndex node, std::size_t links_wanted,
                         std::vector<std::string>& found) const {
  const node::Status status = world_.node(node).status(world_.now());
  const auto links =
      std::count_if(status.peers.begin(), status.peers.end(), [](const node::PeerStatus& peer) {
        return peer.role == wire::Role::node || peer.role == wire::Role::bridge;
      });
  if (status.state != "joined" || static_cast<std::size_t>(links) < links_wanted) {
    found.push_back("L1: n" + std::to_string(node) + " is " + std::string(status.state) + " with " +
                    std::to_string(links) + " links");
  }
  for (const auto& [name, value] : status.counters) {
    if (name == "desk.waiting" && value > 0) {
      found.push_back("L6: n" + std::to_string(node) + " keeps " + std::to_string(value) +
                      " waiting");
    }
  }
}

void Trial::judge_bootstrap(NodeIndex node, std::vector<std::string>& found) const {
  const node::Status status = world_.node(node).status(world_.now());
  for (std::size_t place = 0; place < status.bridges.size(); ++place) {
    const node::BridgeSlotStatus& slot = status.bridges[place];
    const auto bridge = static_cast<NodeIndex>(1 + place);
    if (nemesis_.is_absent(bridge)) continue;  // gone for ever
    // Idle bridges are disconnected by right; one that failed will not be asked again.
    if (slot.state == "failed") found.push_back("L5: the edge gave up " + slot.url);
    if (slot.breaker == "open") found.push_back("L5: the breaker of " + slot.url + " stays open");
  }
  for (const auto& [name, value] : status.counters) {
    if (name == "pool.requests_waiting" && value > 0) {
      found.push_back("L6: the edge keeps " + std::to_string(value) + " requests waiting");
    }
  }
}

std::string Trial::broken_rule() const {
  if (world_.violation()) return world_.violation()->rule;
  if (shortcomings_at_end_.empty()) return {};
  const std::string& first = shortcomings_at_end_.front();
  return first.substr(0, first.find(':'));
}

double Trial::node_hours() const {
  const std::chrono::duration<double, std::ratio<3600>> hours = world_.now().time_since_epoch();
  return hours.count() * plan_.request.nodes;
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
  return figures_line("events, happenings, deadlines",
                      {world.events, world.happenings, world.deadlines}) +
         figures_line("joins, log records", {world.joins, world.log_records}) +
         figures_line("signatures, checks, failed",
                      {world.signatures, world.verifications, world.verifications_failed}) +
         network_figures(network) +
         figures_line(
             "retransmissions, resets, stalls, given up",
             {network.retransmissions, network.resets, network.stalls, network.stalls_given_up}) +
         figures_line("faults applied", {nemesis_.applied()}) +
         figures_line("requests, answers, withdrawn",
                      {checkers_.answers.requests(), checkers_.answers.answers(),
                       checkers_.answers.withdrawals()}) +
         figures_line("puts, done", {workload.puts, workload.puts_done}) +
         figures_line("gets, done", {workload.gets, workload.gets_done}) +
         "  to a value elsewhere: " + std::to_string(workload.gets_elsewhere) + " gets, " +
         mean_of(workload.questions, workload.gets_elsewhere) + " questions, " +
         mean_of(workload.hops, workload.gets_elsewhere) + " hops (mean)\n" +
         figures_line(
             "records acknowledged, weak; read, missed, old",
             {records.acknowledged, records.weak, records.reads, records.misses, records.stale}) +
         figures_line("finds, done", {workload.finds, workload.finds_done}) +
         figures_line("removes, acknowledged; refreshes, acknowledged",
                      {workload.removes, records.deleted, workload.refreshes, records.prolonged}) +
         figures_line("operations refused, lost with their node",
                      {workload.refused, checkers_.operations.lost_with_node()}) +
         figures_line("milliseconds that users waited",
                      {static_cast<std::uint64_t>(checkers_.operations.waited() /
                                                  std::chrono::milliseconds(1))});
}

}  // namespace trestle::sim
