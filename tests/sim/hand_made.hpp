#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::test {

/// Networks out of the three programs whose settings the test chooses, where a `Cluster` would
/// choose them. The options are asked for at each start: whoever changes them in between restarts
/// the node with new settings.

inline constexpr std::string_view kSharedSecret = "a secret of this test";

inline NodeIndex add_bootstrap(World& world, std::string listens_at,
                               std::function<node::BootstrapOptions()> options) {
  return world.add_node({.role = wire::Role::bootstrap,
                         .url = std::move(listens_at),
                         .factory = [options](const NodeSeat& seat) {
                           node::BootstrapOptions made = options();
                           made.bridge_secret = to_bytes(as_bytes(kSharedSecret));
                           return std::make_unique<node::BootstrapNode>(made, seat.identity,
                                                                        seat.suite, seat.rng);
                         }});
}

inline NodeIndex add_bridge(World& world, std::string listens_at,
                            std::function<node::BridgeOptions()> options) {
  return world.add_node({.role = wire::Role::bridge,
                         .url = std::move(listens_at),
                         .factory = [options](const NodeSeat& seat) {
                           node::BridgeOptions made = options();
                           made.bridge_secret = to_bytes(as_bytes(kSharedSecret));
                           return std::make_unique<node::BridgeNode>(made, seat.identity,
                                                                     seat.suite, seat.rng);
                         }});
}

inline NodeIndex add_member(World& world, std::string listens_at,
                            std::function<node::NodeOptions()> options) {
  return world.add_node({.role = wire::Role::node,
                         .url = std::move(listens_at),
                         .factory = [options](const NodeSeat& seat) {
                           return std::make_unique<node::DhtNode>(options(), seat.identity,
                                                                  seat.suite, seat.rng);
                         }});
}

}  // namespace trestle::sim::test
