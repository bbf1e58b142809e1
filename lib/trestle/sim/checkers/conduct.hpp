#pragma once

#include <cstdint>
#include <vector>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct ConductOptions {
  /// Deadlines of one node in a row, at one instant, without any input between them. One is enough
  /// for every machine that keeps the contract; some slack is for machines that have several things
  /// due at once.
  std::uint32_t deadlines_in_place_max = 8;
  /// Happenings at one instant: beyond it the network talks without time passing, which will not
  /// end.
  std::uint64_t happenings_in_place_max = 2'000'000;
};

/// The contract between a node and its driver: timers do not spin (I9), nothing is ordered after
/// `Stopped` (I14), no order names a connection that ended.
class Conduct : public Observer {
 public:
  explicit Conduct(const ConductOptions& options = {}) : options_(options) {}
  Interest interest() const override { return {.wants_events = false}; }
  void observe(World& world, const Happening& happening) override;

 private:
  struct Behaviour {
    Instant last_deadline{};
    std::uint32_t deadlines_in_place = 0;
    std::uint32_t stopped_incarnation = 0;
  };

  ConductOptions options_;
  std::vector<Behaviour> behaviours_;  ///< By node.
  Instant last_{};
  std::uint64_t in_place_ = 0;
};

}  // namespace trestle::sim::checkers
