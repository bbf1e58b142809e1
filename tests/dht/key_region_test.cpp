#include "trestle/dht/key_region.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {

TEST_CASE("A region is everything that shares its leading bits, at every length") {
  Rng rng(3);
  for (unsigned bits = 0; bits <= NodeId::kBits; ++bits) {
    CAPTURE(bits);
    const NodeId place = test::random_id(rng);
    const KeyRegion region = region_around(place, bits);
    CHECK(region.contains(place));
    CHECK(common_prefix_bits(region.first, region.last) == bits);
    if (bits > 0) CHECK_FALSE(region.contains(place.with_bit_flipped(bits - 1)));
    if (bits < NodeId::kBits) {
      CHECK(region.contains(place.with_bit_flipped(bits)));
      CHECK_FALSE(region.first.bit(bits));
      CHECK(region.last.bit(bits));
    }
  }
  CHECK(region_around(NodeId{}, 0) == KeyRegion{});
}

}  // namespace trestle::dht
