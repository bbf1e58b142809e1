#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/sim/trial.hpp"

namespace trestle::sim::test {

/// A calm network of one bootstrap node, some bridges and some members, without users: the
/// smallest thing in which recovery and upkeep can be watched.
inline Plan quiet_plan(std::uint64_t seed, std::uint32_t members, std::uint32_t bridges = 2) {
  PlanRequest request;
  request.seed = seed;
  request.nodes = 1 + bridges + members;
  request.bridges = bridges;
  request.minutes = 0;
  request.weather = Weather::calm;
  return make_plan(request);
}

inline NodeIndex first_member(const Plan& plan) { return plan.request.bridges + 1; }

/// Live links of a node to members, whichever program they are.
inline std::size_t links_of(const World& world, NodeIndex node) {
  if (!world.is_running(node)) return 0;
  return world.node(node).status(world.now()).peers.size();
}

inline std::uint64_t counter(const World& world, NodeIndex node, std::string_view wanted) {
  for (const auto& [name, value] : world.node(node).status(world.now()).counters) {
    if (name == wanted) return value;
  }
  return 0;
}

/// Counts what each node says, record by record, and remembers its dials.
class Ear : public Observer {
 public:
  void observe(World& world, const Happening& happening) override {
    if (happening.kind == HappeningKind::frame_ordered) {
      for (const RecordHead& record : happening.records) ++said[happening.node][record.name];
    } else if (happening.kind == HappeningKind::dial_ordered) {
      dials.push_back({world.now(), happening.node, happening.peer});
    }
  }

  struct Dial {
    Instant at{};
    NodeIndex from = kNoNode;
    NodeIndex to = kNoNode;
  };

  /// Records said by nodes from `first` on, keepalive apart.
  std::uint64_t messages_from(NodeIndex first) const {
    std::uint64_t messages = 0;
    for (const auto& [node, names] : said) {
      if (node < first) continue;
      for (const auto& [name, count] : names) {
        if (name != "ping" && name != "pong") messages += count;
      }
    }
    return messages;
  }
  std::uint64_t pings_from(NodeIndex first) const {
    std::uint64_t pings = 0;
    for (const auto& [node, names] : said) {
      const auto place = names.find("ping");
      if (node >= first && place != names.end()) pings += place->second;
    }
    return pings;
  }

  std::map<NodeIndex, std::map<std::string_view, std::uint64_t>> said;
  std::vector<Dial> dials;
};

}  // namespace trestle::sim::test
