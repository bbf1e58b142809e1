#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "trestle/base/rng.hpp"
#include "trestle/sim/checkers/acknowledged.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// What users saw.
struct WorkloadStats {
  std::uint64_t puts = 0;
  std::uint64_t puts_done = 0;
  std::uint64_t gets = 0;
  std::uint64_t gets_done = 0;
  /// Gets whose value came from another node; the questions asked until then, and how far it was: 1
  /// if the reader knew it, 2 if somebody named it whom the reader knew. Both summed.
  std::uint64_t gets_elsewhere = 0;
  std::uint64_t questions = 0;
  std::uint64_t hops = 0;
  std::uint64_t finds = 0;
  std::uint64_t finds_done = 0;
  std::uint64_t removes = 0;
  std::uint64_t refreshes = 0;
  std::uint64_t refused = 0;
};

struct WorkloadOptions {
  /// Mean wait between two operations.
  Duration spacing = std::chrono::seconds(5);
  /// Longer than any run but those of days: what was stored must still be there at the end.
  Duration value_life = std::chrono::hours(24);
  std::uint64_t operations_max = std::numeric_limits<std::uint64_t>::max();
  /// Of a hundred operations; the rest are finds.
  std::uint32_t puts_percent = 33;
  std::uint32_t gets_percent = 33;
  /// Of a hundred puts, how many write a key anew.
  std::uint32_t rewrites_percent = 20;
  /// Users do all that a node offers: they delete and prolong as well, some values live for minutes
  /// only, and some searches go along several paths or are handed on by the network.
  bool everything = false;
  /// Nobody is asked to read before he has run this long; what was acknowledged must then be found.
  bool reads_must_succeed = false;
  Duration reader_age_min = std::chrono::seconds(60);
};

/// Users of a network: they put, get and find at members drawn at random, and compare what they
/// read with what was written. The same seed gives the same users.
class Workload {
 public:
  using MayAsk = std::function<bool(NodeIndex)>;

  /// Members are the nodes from `first_member` on of which `may_ask` says that they take part. The
  /// world must outlive the workload.
  Workload(World& world, const WorkloadOptions& options, NodeIndex first_member, MayAsk may_ask,
           Rng rng);

  /// Operations from `from` to before `until`.
  void begin(Instant from, Instant until);
  /// Looks at what ended, and forgets it; what went down with its node is forgotten too.
  void collect();

  /// A member that can be asked now, or kNoNode if the draw hit none.
  NodeIndex draw_member(NodeIndex other_than = kNoNode);
  /// Steps the world until the operation has ended, for a minute at most.
  const node::OperationEnded* finish(const OperationKey& key);
  /// A value put now at one member is read at another. Some attempts are made: a line may still
  /// lose what was asked.
  bool reads_back();
  /// Reads everything that was acknowledged, each at another member; the keys that were not found.
  std::vector<std::string> read_all();

  /// It has asked for as much as it may.
  bool has_ended() const {
    return stats_.puts + stats_.gets + stats_.finds >= options_.operations_max;
  }
  const WorkloadStats& stats() const { return stats_; }
  const checkers::Acknowledged& acknowledged() const { return acknowledged_; }

 private:
  struct Put {
    OperationKey operation;
    std::string key;
    Bytes value;
  };
  struct Find {
    OperationKey operation;
    bool must_succeed = false;
  };
  struct Get {
    OperationKey operation;
    std::string key;
    Instant begun{};
    checkers::Acknowledged::Demand demand{};
  };
  /// A removal, or a refresh.
  struct Change {
    OperationKey operation;
    std::string key;
    Instant begun{};
    bool is_removal = false;
    bool must_succeed = false;
  };

  void schedule(Instant at, Instant until);
  void work();
  void put(NodeIndex node, std::uint64_t word, bool rewrites);
  void get(NodeIndex node, const std::string& key, dht::LookupWish wish);
  void find(NodeIndex node, std::uint64_t word, dht::LookupWish wish);
  void burst(NodeIndex node, std::uint64_t word);
  void change(NodeIndex node, const std::string& key, bool is_removal);
  bool is_demanding(NodeIndex node) const;
  Duration life_of(const std::string& key) const;
  void on_put_ended(const Put& put, const node::OperationEnded& end);
  void on_get_ended(const Get& get, const node::OperationEnded& end);
  void on_change_ended(const Change& change, const node::OperationEnded& end);
  void judge_steps(const OperationKey& operation, const node::OperationEnded& end);
  template <typename Operation, typename OnEnd>
  void collect(std::vector<Operation>& operations, const OnEnd& on_end);
  bool is_lost(const OperationKey& key) const;
  void count_way(const std::vector<dht::LookupStep>& steps);

  World& world_;
  WorkloadOptions options_;
  NodeIndex first_member_;
  MayAsk may_ask_;
  Rng rng_;
  WorkloadStats stats_;
  checkers::Acknowledged acknowledged_;
  std::vector<Put> puts_;
  std::vector<Get> gets_;
  std::vector<Find> finds_;
  std::vector<Change> changes_;
};

}  // namespace trestle::sim
