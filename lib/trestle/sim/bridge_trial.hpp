#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trestle/sim/calm.hpp"
#include "trestle/sim/checkers/bridge_requests.hpp"
#include "trestle/sim/checkers/checkers.hpp"
#include "trestle/sim/nemesis.hpp"
#include "trestle/sim/plan.hpp"
#include "trestle/sim/pool_client.hpp"
#include "trestle/sim/probes.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

struct BridgeTrialOptions {
  std::uint64_t seed = 1;
  std::uint32_t clients = 5;
  std::uint32_t bridges = 3;
  std::uint32_t minutes = 5;
  Weather weather = Weather::storm;
  bool bytes = false;  ///< As in `PlanRequest`.
  /// Mean wait between two of a client's turns, in each of which it asks up to `burst_max` times.
  Duration request_every = std::chrono::milliseconds(500);
  std::uint32_t burst_max = 6;
  std::uint32_t withdrawing_percent = 0;
  pool::BridgeSetOptions set;  ///< `bridges` is filled in.
  pool::Hedging hedging = pool::Hedging::never;
  /// Mean wait between two reloads of a client that put it into the other mode; zero: none.
  Duration switch_mode_every{};
  /// Of the requests after everything healed: a storm's line still loses frames, dials and
  /// connections, which costs a retry, and now and then a request.
  std::uint32_t failed_percent_max = 2;
};

struct BridgeTrialResult {
  std::uint64_t submitted = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t withdrawn = 0;
  std::uint64_t refused = 0;
  std::uint64_t reloads = 0;
};

/// Bridge sets that are asked all the time, and real bridges, in any weather: what a whole network
/// asks of its bridges in a day, in minutes. Healed at the end, when everything must be answered
/// again.
class BridgeTrial {
 public:
  explicit BridgeTrial(const BridgeTrialOptions& options);

  /// False if a rule was violated on the way, or not all is well at the end.
  bool run();
  /// What is wrong, with the report; empty after a good run.
  std::string failure() const;
  /// Several lines of figures.
  std::string summary() const;

  World& world() { return world_; }
  const Probes& probes() const { return probes_; }
  const checkers::BridgeRequests& requests() const { return requests_; }
  const BridgeTrialResult& result() const { return result_; }

 private:
  static Plan plan_of(const BridgeTrialOptions& options);
  void add_bridge(NodeIndex node);
  void add_client(NodeIndex node);
  void schedule_switch(NodeIndex node);
  void switch_mode(NodeIndex node);
  bool is_whole() const;

  BridgeTrialOptions options_;
  Plan plan_;
  World world_;
  checkers::Checkers checkers_;
  checkers::BridgeRequests requests_;
  Probes probes_;
  Nemesis nemesis_;
  Rng rng_;
  std::vector<PoolClient*> clients_;  ///< By node; null for bridges. Valid while the node runs.
  PoolClientStats totals_;
  BridgeTrialResult result_;
  /// The bridges of a trial have no network to join.
  Calm calm_{Calm::Figures::failures, {"pool.", "desk.", "link.", "bridge."}};
  std::string shortcoming_;
};

}  // namespace trestle::sim
