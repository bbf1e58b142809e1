#pragma once

#include "trestle/sim/checkers/answers.hpp"
#include "trestle/sim/checkers/bounds.hpp"
#include "trestle/sim/checkers/conduct.hpp"
#include "trestle/sim/checkers/holdings.hpp"
#include "trestle/sim/checkers/operations.hpp"
#include "trestle/sim/checkers/single_bridge_connection.hpp"

namespace trestle::sim::checkers {

/// All rules that hold in every world, at every event.
struct Checkers {
  SingleBridgeConnection single_bridge_connection;
  Answers answers;
  Operations operations;
  Conduct conduct;
  Holdings holdings;
  Bounds bounds;

  /// Must outlive the world's running.
  void watch(World& world) {
    world.add_observer(single_bridge_connection);
    world.add_observer(answers);
    world.add_observer(operations);
    world.add_observer(conduct);
    world.add_observer(holdings);
    world.add_observer(bounds);
  }
};

}  // namespace trestle::sim::checkers
