#include "trestle/base/bounded_queue.hpp"

#include <deque>
#include <memory>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

TEST_CASE("a bounded queue behaves like a queue that refuses beyond its bound") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const std::size_t bound = static_cast<std::size_t>(rng.below(9));
    BoundedQueue<std::uint64_t> queue(bound);
    std::deque<std::uint64_t> model;
    for (int step = 0; step < 200; ++step) {
      if (rng.chance(1, 2)) {
        const std::uint64_t item = rng.next();
        std::uint64_t offered = item;
        const bool taken = queue.push(std::move(offered));
        REQUIRE(taken == (model.size() < bound));
        if (taken) model.push_back(item);
      } else if (!model.empty()) {
        REQUIRE(queue.front() == model.front());
        REQUIRE(queue.pop() == model.front());
        model.pop_front();
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.empty() == model.empty());
      REQUIRE(queue.full() == (model.size() == bound));
      REQUIRE(queue.capacity() == bound);
    }
  }
}

TEST_CASE("a full queue leaves the refused item with its owner") {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  REQUIRE(queue.push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  CHECK_FALSE(queue.push(std::move(second)));
  REQUIRE(second != nullptr);
  CHECK(*second == 2);
}

TEST_CASE("a popped item is not kept alive by the queue") {
  auto item = std::make_shared<int>(1);
  BoundedQueue<std::shared_ptr<int>> queue(4);
  std::shared_ptr<int> offered = item;
  REQUIRE(queue.push(std::move(offered)));
  CHECK(item.use_count() == 2);
  queue.pop();
  CHECK(item.use_count() == 1);
}

TEST_CASE("a queue of no places is empty and full at once") {
  BoundedQueue<int> queue(0);
  CHECK(queue.empty());
  CHECK(queue.full());
  CHECK_FALSE(queue.push(1));
}

TEST_CASE("the front may be changed in place") {
  BoundedQueue<int> queue(2);
  REQUIRE(queue.push(1));
  queue.front() = 5;
  const auto& looked_at = queue;
  CHECK(looked_at.front() == 5);
  CHECK(queue.pop() == 5);
}
