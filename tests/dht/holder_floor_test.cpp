#include "trestle/dht/holder_floor.hpp"

#include <deque>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {

using namespace std::chrono_literals;
using test::at;

TEST_CASE("The largest number of the last hour counts, then the largest since") {
  HolderFloor floor;
  CHECK(floor.at(at(0s)) == 0);
  floor.note(at(0s), 15);
  floor.note(at(30min), 4);
  CHECK(floor.at(at(59min)) == 15);
  CHECK(floor.at(at(60min)) == 4);
  CHECK(floor.at(at(90min)) == 0);
}

TEST_CASE("The floor agrees with a plain list over random hours") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Rng rng(seed);
    HolderFloor floor;
    std::deque<std::pair<Instant, std::uint32_t>> all;
    Instant now = at(0s);
    for (int step = 0; step < 500; ++step) {
      now += std::chrono::seconds(rng.below(600));
      if (rng.chance(2, 3)) {
        const auto holders = static_cast<std::uint32_t>(rng.below(21));
        floor.note(now, holders);
        all.emplace_back(now, holders);
      }
      std::uint32_t largest = 0;
      for (const auto& [when, holders] : all) {
        if (after(when, 1h) > now) largest = std::max(largest, holders);
      }
      REQUIRE(floor.at(now) == largest);
    }
  }
}

}  // namespace trestle::dht
