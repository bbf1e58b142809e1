#include "trestle/base/outbox.hpp"

#include <deque>
#include <memory>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

TEST_CASE("effects come out once each, in the order they went in") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    Outbox<std::uint64_t> outbox;
    std::deque<std::uint64_t> model;
    for (int step = 0; step < 200; ++step) {
      if (rng.chance(1, 2)) {
        const std::uint64_t effect = rng.next();
        outbox.push(effect);
        model.push_back(effect);
      } else {
        const auto polled = outbox.poll();
        REQUIRE(polled.has_value() == !model.empty());
        if (polled) {
          REQUIRE(*polled == model.front());
          model.pop_front();
        }
      }
      REQUIRE(outbox.size() == model.size());
      REQUIRE(outbox.empty() == model.empty());
    }
  }
}

TEST_CASE("an empty outbox may be polled again and again") {
  Outbox<int> outbox;
  CHECK_FALSE(outbox.poll().has_value());
  CHECK_FALSE(outbox.poll().has_value());
  outbox.push(1);
  CHECK(outbox.poll() == 1);
  CHECK_FALSE(outbox.poll().has_value());
}

TEST_CASE("effects that cannot be copied are moved through") {
  Outbox<std::unique_ptr<int>> outbox;
  outbox.push(std::make_unique<int>(4));
  const auto polled = outbox.poll();
  REQUIRE(polled.has_value());
  CHECK(**polled == 4);
}
