#include "trestle/sim/checkers/no_store_on_bridges.hpp"

#include <algorithm>
#include <string>

namespace trestle::sim::checkers {

void NoStoreOnBridges::observe(World& world, const Happening& happening) {
  const bool is_order = happening.kind == HappeningKind::disk_ordered;
  if (!is_order && happening.kind != HappeningKind::frame_ordered) return;
  if (world.role(happening.node) != wire::Role::bridge) return;
  const bool says_stored =
      std::ranges::count(happening.records, "store_response", &RecordHead::name) > 0;
  if (!is_order && !says_stored) return;
  world.report_violation("I6: no store on a bridge",
                         "n" + std::to_string(happening.node) +
                             (is_order ? " orders from its disk" : " says that it stored"));
}

}  // namespace trestle::sim::checkers
