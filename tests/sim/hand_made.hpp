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

/// One of the two that share the secret.
template <typename Program, typename Options>
NodeIndex add_at_the_edge(World& world, wire::Role role, std::string listens_at,
                          std::function<Options()> options) {
  return world.add_node(
      {.role = role, .url = std::move(listens_at), .factory = [options](const NodeSeat& seat) {
         Options made = options();
         made.bridge_secret = to_bytes(as_bytes(kSharedSecret));
         return std::make_unique<Program>(made, seat.identity, seat.suite, seat.rng);
       }});
}

inline NodeIndex add_bootstrap(World& world, std::string listens_at,
                               std::function<node::BootstrapOptions()> options) {
  return add_at_the_edge<node::BootstrapNode>(world, wire::Role::bootstrap, std::move(listens_at),
                                              std::move(options));
}

inline NodeIndex add_bridge(World& world, std::string listens_at,
                            std::function<node::BridgeOptions()> options) {
  return add_at_the_edge<node::BridgeNode>(world, wire::Role::bridge, std::move(listens_at),
                                           std::move(options));
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
