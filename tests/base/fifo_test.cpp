#include "trestle/base/fifo.hpp"

#include <cstdint>
#include <deque>
#include <string>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

TEST_CASE("a fifo does what a deque does, over 10,000 steps") {
  Rng rng(1);
  Fifo<std::string> tested;
  std::deque<std::string> model;
  for (int step = 0; step < 10'000; ++step) {
    const std::uint64_t drawn = rng.below(100);
    // Now more is pushed, now more popped, so that it runs empty and grows long.
    const std::uint64_t pushes = step / 500 % 2 == 0 ? 60 : 40;
    if (drawn < pushes) {
      const std::string item = std::to_string(step);
      tested.push(item);
      model.push_back(item);
    } else if (!model.empty()) {
      REQUIRE(tested.front() == model.front());
      REQUIRE(tested.pop() == model.front());
      model.pop_front();
    }
    if (step % 1999 == 0) {
      tested.clear();
      model.clear();
    }
    if (drawn == 99) tested.release_storage();
    REQUIRE(tested.size() == model.size());
    REQUIRE(tested.empty() == model.empty());
  }
}
