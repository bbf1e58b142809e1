#include "trestle/sim/mass_restart.hpp"

#include <algorithm>
#include <numeric>

#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim {
namespace {

/// The grain of the time at which the last one is back.
constexpr Duration kLook = std::chrono::milliseconds(500);

/// What reaches the edge, part by part.
class Edge : public Observer {
 public:
  Edge(const MassRestartOptions& options, Instant begins, MassRestartResult& result)
      : part_(options.part), begins_(begins), result_(result) {}

  void observe(World&, const Happening& happening) override {
    if (happening.node != Cluster::kBootstrap) return;
    if (happening.kind == HappeningKind::accepted) count(happening.at, result_.dials, 1);
    if (happening.kind != HappeningKind::frame_delivered) return;
    const auto joins = std::ranges::count(happening.records, "join", &RecordHead::name);
    count(happening.at, result_.joins, static_cast<std::uint64_t>(joins));
  }

 private:
  void count(Instant at, std::vector<std::uint64_t>& parts, std::uint64_t how_many) {
    const auto place = static_cast<std::size_t>((at - begins_) / part_);
    if (how_many == 0) return;
    if (place >= parts.size()) parts.resize(place + 1, 0);
    parts[place] += how_many;
  }

  Duration part_;
  Instant begins_;
  MassRestartResult& result_;
};

std::uint64_t linked_members(const World& world, const Cluster& cluster) {
  std::uint64_t linked = 0;
  for (NodeIndex node = cluster.first_member(); node < world.size(); ++node) {
    if (world.is_running(node) && world.node(node).status(world.now()).state == "joined") ++linked;
  }
  return linked;
}

std::uint64_t turned_away(const World& world) {
  std::uint64_t sum = 0;
  for (const auto& [name, value] : world.node(Cluster::kBootstrap).status(world.now()).counters) {
    if (name == "reception.turned_away_total" || name == "link.refused_total") sum += value;
  }
  return sum;
}

}  // namespace

MassRestartResult run_mass_restart(const MassRestartOptions& options) {
  WorldOptions made;
  made.seed = options.seed;
  made.replay = "run_mass_restart, that seed";
  World world(made);
  checkers::Checkers checkers;
  checkers.watch(world);
  Cluster cluster(world, {.bridges = options.bridges, .members = options.members});
  cluster.start_all(options.start_spacing);
  world.run_for(options.start_spacing * static_cast<Duration::rep>(world.size()) + options.settles);

  MassRestartResult result;
  const Instant begins = world.now();
  const std::uint64_t turned_away_before = turned_away(world);
  Edge edge(options, begins, result);
  world.add_observer(edge);
  Rng rng = Rng(options.seed).fork("mass-restart");
  for (NodeIndex node = cluster.first_member(); node < world.size(); ++node) {
    const Duration wait = rng.between(Duration::zero(), options.spread);
    world.kill(node);
    if (options.forgets) world.lose_disk(node);
    world.schedule(after(begins, wait), [node](World& at) { at.start(node); });
  }
  while (world.now() < after(begins, options.watched) && !world.violation()) {
    world.run_for(kLook);
    if (result.rejoined == options.members) continue;
    const std::uint64_t rejoined = linked_members(world, cluster);
    if (rejoined > result.rejoined) result.last_rejoined_after = world.now() - begins;
    result.rejoined = rejoined;
  }
  result.rejoined = linked_members(world, cluster);
  result.turned_away = turned_away(world) - turned_away_before;
  result.parts = parts_of(world, cluster.peers());
  result.fingerprint = world.fingerprint();
  if (world.violation()) result.violation = world.report();
  return result;
}

std::uint64_t MassRestartResult::joins_total() const {
  return std::accumulate(joins.begin(), joins.end(), std::uint64_t{0});
}

std::uint64_t MassRestartResult::joins_peak() const {
  return joins.empty() ? 0 : *std::ranges::max_element(joins);
}

std::uint64_t MassRestartResult::joins_steady() const {
  const std::uint64_t most = joins_total() * 9 / 10;
  std::uint64_t so_far = 0;
  for (std::size_t part = 0; part < joins.size(); ++part) {
    so_far += joins[part];
    if (so_far >= most) return so_far / (part + 1);
  }
  return 0;
}

std::string MassRestartResult::to_text() const {
  std::string out = std::to_string(rejoined) + " rejoined, the last after " +
                    std::to_string(last_rejoined_after.count() / 1000) + " ms; " +
                    std::to_string(joins_total()) + " joins, " + std::to_string(joins_peak()) +
                    " in the busiest part, " + std::to_string(joins_steady()) + " in the mean; " +
                    std::to_string(turned_away) + " turned away; joins by part:";
  for (const std::uint64_t count : joins) out += " " + std::to_string(count);
  return out;
}

}  // namespace trestle::sim
