#include "trestle/dht/next_hop.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::random_id;
using test::random_id_at;

}  // namespace

TEST_CASE("P-KR-7: the next hop is strictly nearer than we are, and there is one if anybody is") {
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    const NodeId self = random_id(rng);
    const NodeId target =
        rng.chance(1, 10) ? self : random_id_at(rng, self, static_cast<unsigned>(rng.below(12)));
    std::vector<Hop> hops(rng.below(30));
    for (Hop& hop : hops) {
      hop.id = random_id_at(rng, target, static_cast<unsigned>(rng.below(14)));
      hop.round_trip = rng.between(Duration(0ms), Duration(5ms));
    }
    const auto chosen = next_hop(self, target, hops);
    const bool any = std::any_of(hops.begin(), hops.end(),
                                 [&](const Hop& hop) { return closer(target, hop.id, self); });
    REQUIRE(chosen.has_value() == any);
    if (chosen) REQUIRE(closer(target, *chosen, self));
  }
}

TEST_CASE("X28: of the hops that share most bits with the target the quickest goes first") {
  Rng rng(28);
  for (int round = 0; round < 500; ++round) {
    const NodeId self = random_id(rng);
    const NodeId target = random_id_at(rng, self, 0);
    std::vector<Hop> hops(1 + rng.below(30));
    for (Hop& hop : hops) {
      hop.id = random_id_at(rng, target, static_cast<unsigned>(1 + rng.below(5)));
      // Adversarial: what is farther away is quicker.
      hop.round_trip = 1ms * (1 + common_prefix_bits(target, hop.id)) * (1 + rng.below(3));
    }
    const auto chosen = next_hop(self, target, hops);
    REQUIRE(chosen);
    const Hop& taken =
        *std::find_if(hops.begin(), hops.end(), [&](const Hop& hop) { return hop.id == *chosen; });
    const unsigned bits = common_prefix_bits(target, taken.id);
    for (const Hop& hop : hops) {
      const unsigned other = common_prefix_bits(target, hop.id);
      REQUIRE(other <= bits);
      if (other == bits) REQUIRE(hop.round_trip >= taken.round_trip);
    }
  }
}

TEST_CASE("P-KR-12: from hop to hop the distance falls strictly, so no message goes in a circle") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Rng rng(seed);
    std::vector<NodeId> ids;
    for (int count = 0; count < 200; ++count) ids.push_back(random_id(rng));
    std::map<NodeId, std::vector<Hop>> links;
    for (const NodeId& id : ids) {
      const std::size_t degree = 1 + rng.below(12);
      for (std::size_t count = 0; count < degree; ++count) {
        links[id].push_back({ids[rng.below(ids.size())], rng.between(Duration(0), Duration(9ms))});
      }
    }
    const NodeId target = random_id(rng);
    NodeId here = ids[rng.below(ids.size())];
    std::set<NodeId> visited = {here};
    while (const auto next = next_hop(here, target, links[here])) {
      REQUIRE(closer(target, *next, here));
      REQUIRE(visited.insert(*next).second);
      here = *next;
    }
  }
}

}  // namespace trestle::dht
