#include "trestle/sim/checkers/hops.hpp"

#include <string>
#include <variant>

#include "trestle/sim/frame_records.hpp"

namespace trestle::sim::checkers {
namespace {

constexpr std::uint64_t kHopsMax = 20;
constexpr std::string_view kRule = "I7: each hop comes nearer, and there are twenty at the most";

}  // namespace

void Hops::observe(World& world, const Happening& happening) {
  if (happening.kind != HappeningKind::frame_ordered || !world.is_honest(happening.node)) return;
  for (std::size_t place = 0; place < happening.records.size(); ++place) {
    const std::string_view name = happening.records[place].name;
    if (name != "route" && name != "find_recursive") continue;
    const auto record = read_record(happening.bytes, place);
    if (!record) continue;
    if (const auto* routed = std::get_if<wire::RouteRequest>(&record->message)) {
      check(world, happening, routed->destination, routed->origin, routed->hops_left);
    } else if (const auto* asked = std::get_if<wire::RecursiveFindRequest>(&record->message)) {
      check(world, happening, asked->target, asked->originator, asked->hop_count);
    }
  }
}

/// Who begins may ask whom he likes; who hands on may not.
void Hops::check(World& world, const Happening& happening, const NodeId& target,
                 const NodeId& originator, std::uint64_t hops) {
  ++checked_;
  const NodeId& from = world.identity(happening.node).id;
  const NodeId& to = world.identity(happening.peer).id;
  const bool hands_on = !(from == originator);
  const bool comes_nearer = distance(target, to) < distance(target, from);
  if (hops <= kHopsMax && (comes_nearer || !hands_on)) return;
  world.report_violation(kRule, "n" + std::to_string(happening.node) + " to n" +
                                    std::to_string(happening.peer) + ", " + std::to_string(hops) +
                                    " hops" + (comes_nearer ? "" : ", not nearer"));
}

}  // namespace trestle::sim::checkers
