#pragma once

#include <cstdint>
#include <utility>

#include "trestle/base/flat_map.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// P-BR-1 (I1): a bootstrap node has at most one connection to a bridge that is dialling, proving
/// itself or open, counted per bridge, whatever address it was dialled at. Counted from what the
/// world saw ordered and ended, not from what the node says of itself. A connection ends for the
/// count when its owner closed it or was told: nobody could know more.
class SingleBridgeConnection : public Observer {
 public:
  Interest interest() const override {
    return Interest::in({HappeningKind::dial_ordered, HappeningKind::dial_failed,
                         HappeningKind::closed, HappeningKind::close_ordered, HappeningKind::killed,
                         HappeningKind::stopped});
  }
  void observe(World& world, const Happening& happening) override;

  /// The most that one bootstrap node ever had with one bridge: 1 shows that the rule was put to
  /// the test.
  std::uint32_t most_seen() const { return most_seen_; }

 private:
  using Pair = std::pair<NodeIndex, NodeIndex>;  // bootstrap, bridge

  void ended(ConnectionSerial connection);

  FlatMap<ConnectionSerial, Pair> live_;
  FlatMap<Pair, std::uint32_t> counts_;
  std::uint32_t most_seen_ = 0;
};

}  // namespace trestle::sim::checkers
