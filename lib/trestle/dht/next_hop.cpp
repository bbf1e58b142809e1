#include "trestle/dht/next_hop.hpp"

namespace trestle::dht {

std::optional<NodeId> next_hop(const NodeId& self, const NodeId& target,
                               std::span<const Hop> hops) {
  const Hop* chosen = nullptr;
  unsigned shared = 0;
  for (const Hop& hop : hops) {
    if (!closer(target, hop.id, self)) continue;
    const unsigned bits = common_prefix_bits(target, hop.id);
    const bool better =
        chosen == nullptr || bits > shared ||
        (bits == shared &&
         (hop.round_trip < chosen->round_trip ||
          (hop.round_trip == chosen->round_trip && closer(target, hop.id, chosen->id))));
    if (!better) continue;
    chosen = &hop;
    shared = bits;
  }
  if (chosen == nullptr) return std::nullopt;
  return chosen->id;
}

}  // namespace trestle::dht
