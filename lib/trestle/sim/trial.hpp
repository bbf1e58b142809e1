#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trestle/sim/calm.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/sim/nemesis.hpp"
#include "trestle/sim/plan.hpp"
#include "trestle/sim/probes.hpp"
#include "trestle/sim/workload.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// A whole network out of the three real programs, run as a plan says: started, shaken, healed,
/// asked whether it is whole.
class Trial {
 public:
  explicit Trial(Plan plan);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// The whole plan. False if a rule was violated on the way, or at the end somebody is not linked
  /// as he should be or a value put at one node cannot be read at another.
  bool run();

  /// What is wrong, with everything needed to have it again; empty after a good run.
  std::string failure() const;

  World& world() { return world_; }
  const World& world() const { return world_; }
  const checkers::Checkers& checkers() const { return checkers_; }
  const Probes& probes() const { return probes_; }
  const WorkloadStats& workload() const { return workload_.stats(); }
  const checkers::Acknowledged& acknowledged() const { return workload_.acknowledged(); }
  const Plan& plan() const { return plan_; }
  std::uint64_t faults_applied() const { return nemesis_.applied(); }
  /// What is not as it should be in a healed network, each with its rule in front; empty if all is
  /// well.
  std::vector<std::string> shortcomings() const;
  /// The rule that was broken first, without what it was broken by; empty after a good run.
  std::string broken_rule() const;
  /// Virtual hours of all nodes; with churn there are about as many at all times.
  double node_hours() const;
  /// Several lines of figures.
  std::string summary() const;

  /// Live links every member must have once the network is whole.
  static constexpr std::size_t kMemberLinksMin = 3;

 private:
  void schedule_starts();
  void schedule_reload(Instant at, std::uint64_t round);
  void heal();
  std::vector<bool> draw_core(Rng rng) const;
  void run_quietly();
  void judge_whole();
  void judge_member(NodeIndex node, std::size_t links_wanted,
                    std::vector<std::string>& found) const;
  void judge_bootstrap(NodeIndex node, std::vector<std::string>& found) const;
  void judge_records();
  void judge_queues();
  void judge_saved_peers();
  /// Nobody falls, breaks, comes, goes or lies.
  bool is_calm() const { return plan_.request.weather == Weather::calm && plan_.faults.empty(); }
  void judge_copies(const std::vector<checkers::Acknowledged::Truth>& due);
  std::vector<NodeIndex> holders_of(const checkers::Acknowledged::Truth& truth) const;
  void add_holders(std::vector<bool>& core) const;
  /// Members and bridges that are to be there.
  std::vector<NodeIndex> present() const;

  Plan plan_;
  World world_;
  checkers::Checkers checkers_;
  Probes probes_;
  MisconductBoard misconducts_;
  Cluster cluster_;
  Nemesis nemesis_;
  Workload workload_;
  Calm calm_{Calm::Figures::failures};
  Calm copies_{Calm::Figures::copies};
  std::vector<std::string> shortcomings_at_end_;
};

}  // namespace trestle::sim
