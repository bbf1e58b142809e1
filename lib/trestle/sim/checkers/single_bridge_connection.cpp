#include "trestle/sim/checkers/single_bridge_connection.hpp"

#include <algorithm>
#include <string>

namespace trestle::sim::checkers {

void SingleBridgeConnection::ended(ConnectionSerial connection) {
  const Pair* pair = live_.find(connection);
  if (pair == nullptr) return;
  --*counts_.find(*pair);
  live_.erase(connection);
}

void SingleBridgeConnection::observe(World& world, const Happening& happening) {
  switch (happening.kind) {
    case HappeningKind::dial_ordered: {
      if (happening.peer == kNoNode || world.role(happening.node) != wire::Role::bootstrap ||
          world.role(happening.peer) != wire::Role::bridge) {
        return;
      }
      const Pair pair{happening.node, happening.peer};
      live_.insert(happening.connection, pair);
      const std::uint32_t count = ++*counts_.insert(pair, 0).first;
      most_seen_ = std::max(most_seen_, count);
      if (count > 1) {
        world.report_violation("P-BR-1: at most one connection per bridge",
                               "bootstrap n" + std::to_string(pair.first) + " has " +
                                   std::to_string(count) + " connections with bridge n" +
                                   std::to_string(pair.second));
      }
      return;
    }
    case HappeningKind::dial_failed:
    case HappeningKind::closed:
    case HappeningKind::close_ordered:
      // The dialler's end counts; the bridge's own view of the same connection does not.
      if (happening.side == kDialler) ended(happening.connection);
      return;
    case HappeningKind::killed:
    case HappeningKind::stopped: {
      if (world.role(happening.node) != wire::Role::bootstrap) return;
      for (std::size_t index = live_.size(); index-- > 0;) {
        const auto& [connection, pair] = live_.at_index(index);
        if (pair.first == happening.node) ended(ConnectionSerial{connection});
      }
      return;
    }
    default:
      return;
  }
}

}  // namespace trestle::sim::checkers
