#pragma once

#include "trestle/sim/checkers/answers.hpp"
#include "trestle/sim/checkers/bounds.hpp"
#include "trestle/sim/checkers/conduct.hpp"
#include "trestle/sim/checkers/courtesy.hpp"
#include "trestle/sim/checkers/hops.hpp"
#include "trestle/sim/checkers/naming.hpp"
#include "trestle/sim/checkers/no_store_on_bridges.hpp"
#include "trestle/sim/checkers/operations.hpp"
#include "trestle/sim/checkers/single_bridge_connection.hpp"

namespace trestle::sim::checkers {

/// All rules that hold in every world, at every event.
struct Checkers {
  SingleBridgeConnection single_bridge_connection;
  Answers answers;
  Operations operations;
  Conduct conduct;
  Courtesy courtesy;
  Naming naming;
  NoStoreOnBridges no_store_on_bridges;
  Hops hops;
  Bounds bounds;

  /// Must outlive the world's running.
  void watch(World& world) {
    world.add_observer(single_bridge_connection);
    world.add_observer(answers);
    world.add_observer(operations);
    world.add_observer(conduct);
    world.add_observer(courtesy);
    world.add_observer(naming);
    world.add_observer(no_store_on_bridges);
    world.add_observer(hops);
    world.add_observer(bounds);
  }
};

}  // namespace trestle::sim::checkers
