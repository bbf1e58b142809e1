#pragma once

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// I6 (P-CR-12): a bridge keeps no data. It orders nothing from its disk, and never answers a store
/// but with a refusal.
class NoStoreOnBridges : public Observer {
 public:
  Interest interest() const override {
    return Interest::in({HappeningKind::disk_ordered, HappeningKind::frame_ordered});
  }
  void observe(World& world, const Happening& happening) override;
};

}  // namespace trestle::sim::checkers
