#include "trestle/sim/checkers/conduct.hpp"

#include <string>

namespace trestle::sim::checkers {
namespace {

std::string name_of(NodeIndex node) { return "n" + std::to_string(node); }

}  // namespace

void Conduct::observe(World& world, const Happening& happening) {
  if (happening.at != last_) {
    last_ = happening.at;
    in_place_ = 0;
  }
  if (++in_place_ > options_.happenings_in_place_max) {
    world.report_violation("time passes", "the network does not come to rest at this instant");
  }
  if (happening.node == kNoNode) return;
  if (happening.node >= behaviours_.size()) behaviours_.resize(happening.node + 1);
  Behaviour& behaviour = behaviours_[happening.node];

  const bool is_its_doing =
      happening.kind != HappeningKind::fault && happening.kind != HappeningKind::disk_lost;
  if (behaviour.stopped_incarnation == happening.incarnation && happening.incarnation != 0 &&
      is_its_doing) {
    world.report_violation("I14: nothing after Stopped",
                           name_of(happening.node) + ": " + std::string(name(happening.kind)));
  }
  switch (happening.kind) {
    case HappeningKind::deadline:
      if (behaviour.last_deadline != happening.at) {
        behaviour.last_deadline = happening.at;
        behaviour.deadlines_in_place = 0;
      }
      if (++behaviour.deadlines_in_place > options_.deadlines_in_place_max) {
        world.report_violation(
            "I9: no spinning timer",
            name_of(happening.node) + ": next_deadline() does not leave the present");
      }
      return;
    case HappeningKind::accepted:
    case HappeningKind::dialled:
    case HappeningKind::dial_failed:
    case HappeningKind::frame_delivered:
    case HappeningKind::drained:
    case HappeningKind::closed:
    case HappeningKind::signed_:
    case HappeningKind::verified:
    case HappeningKind::operation_accepted:
      behaviour.deadlines_in_place = 0;
      return;
    case HappeningKind::stopped:
      behaviour.stopped_incarnation = happening.incarnation;
      return;
    case HappeningKind::stray_order:
      world.report_violation("orders name living connections",
                             name_of(happening.node) + ": order to " + std::string(happening.text) +
                                 " on a connection that ended (id " +
                                 std::to_string(happening.number) + ")");
      return;
    default:
      return;
  }
}

}  // namespace trestle::sim::checkers
