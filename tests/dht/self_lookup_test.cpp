// What the look-up of ourselves leaves behind.
#include <algorithm>

#include "catch.hpp"
#include "dht/small_network.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::SmallNetwork;

bool is_in_table_or_cache(const RoutingTable& table, const NodeId& id) {
  if (table.find(id) != nullptr) return true;
  bool cached = false;
  for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) {
    table.visit_replacements(bucket,
                             [&](const wire::Contact& one) { cached = cached || one.id == id; });
  }
  return cached;
}

}  // namespace

TEST_CASE("P-KR-6: everybody that a look-up of ourselves finds is in the table or its cache") {
  std::size_t looked_at = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    SmallNetwork network(seed);
    network.grow(40, 0, test::Manner::honest);
    network.run_for(1min);
    for (std::size_t index = 0; index < network.size(); ++index) {
      const Dht& dht = network[index].dht;
      REQUIRE_FALSE(network[index].news.empty());
      const NeighbourhoodKnown& known = network[index].news.back();
      REQUIRE(known.code == ErrorCode::none);
      for (const wire::Contact& contact : known.contacts) {
        ++looked_at;
        REQUIRE(contact.id != dht.self().id);
        REQUIRE(is_in_table_or_cache(dht.table(), contact.id));
      }
      if (index >= 2) CHECK(dht.neighbourhood_confirmed(network.now()));
    }
  }
  CHECK(looked_at >= 20 * 40);
}

}  // namespace trestle::dht
