#pragma once

#include <cstdint>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// I7 (P-KR-12): what is handed on comes nearer with every hop, and takes twenty at the most. Read
/// from the frames of those who hand on: routed requests and recursive lookups.
class Hops : public Observer {
 public:
  Interest interest() const override { return Interest::in({HappeningKind::frame_ordered}); }
  void observe(World& world, const Happening& happening) override;
  std::uint64_t checked() const { return checked_; }

 private:
  void check(World& world, const Happening& happening, const NodeId& target,
             const NodeId& originator, std::uint64_t hops);

  std::uint64_t checked_ = 0;
};

}  // namespace trestle::sim::checkers
