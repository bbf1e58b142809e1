#pragma once

#include <cstdint>
#include <vector>

#include "trestle/sim/pool_client.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct BridgeRequestsOptions {
  Duration total_timeout = std::chrono::seconds(10);
  /// Whether requests go round robin: the rule of turns holds for nothing else.
  bool is_round_robin = true;
};

/// What a `PoolClient` and its set owe each other, after every event:
///
/// * every accepted request ends exactly once, within its total deadline (MUX-04, P-BR-4);
/// * P-BR-5: while the same bridges are usable and nothing is tried twice, no two of them differ
///   by more than one assignment, and the others get none;
/// * P-CR-13: in stateless mode there are as many connections as requests on the wire, but for
///   those of the pool that still have an answer to come; in pool mode one a bridge.
class BridgeRequests : public Observer {
 public:
  explicit BridgeRequests(const BridgeRequestsOptions& options = {}) : options_(options) {}

  /// The factory tells of every incarnation of a client.
  void watch(NodeIndex node, const PoolClient& client);
  void observe(World& world, const Happening& happening) override;
  void after_event(World& world) override;

  /// How often rules were put to the test: assignments inside windows of P-BR-5, and connections of
  /// single requests, counted at each event of their client.
  std::uint64_t assignments_checked() const { return assignments_checked_; }
  std::uint64_t stateless_checked() const { return stateless_checked_; }

 private:
  /// One bridge as last seen.
  struct Place {
    bool is_usable = false;
    std::uint64_t requests = 0;   ///< Of its whole life.
    std::uint64_t in_window = 0;  ///< Since the usable ones changed.
  };
  struct Watched {
    NodeIndex node = kNoNode;
    const PoolClient* client = nullptr;
    std::vector<Place> places;
    std::uint64_t repeats = 0;
  };

  void check_ends(World& world, const Watched& watched) const;
  void check_connections(World& world, const Watched& watched);
  void check_turns(World& world, Watched& watched);

  BridgeRequestsOptions options_;
  std::vector<Watched> watched_;
  NodeIndex touched_ = kNoNode;
  std::uint64_t assignments_checked_ = 0;
  std::uint64_t stateless_checked_ = 0;
};

}  // namespace trestle::sim::checkers
