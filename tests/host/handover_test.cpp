#include "trestle/host/handover.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using host::Handover;

namespace {

using Texts = Handover<std::string>;

std::vector<std::string> taken_from(Texts& handover) {
  std::vector<std::string> taken;
  handover.take(taken);
  return taken;
}

/// Wakes a thread here, as a loop's wake-up does there.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    ++rung_;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return rung_ > 0; });
    --rung_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int rung_ = 0;
};

}  // namespace

TEST_CASE("nothing can be taken before it is published, then all of it in order") {
  Texts handover({10, 100});
  CHECK(handover.put("a", 1));
  CHECK(handover.put("b", 1));
  CHECK(taken_from(handover).empty());
  CHECK(handover.publish());
  CHECK(taken_from(handover) == std::vector<std::string>{"a", "b"});
  CHECK(taken_from(handover).empty());
}

TEST_CASE("the other thread is woken once for what it has not taken yet") {
  Texts handover({10, 100});
  INFO("nothing to publish is no reason");
  CHECK_FALSE(handover.publish());
  REQUIRE(handover.put("a", 1));
  CHECK(handover.publish());
  REQUIRE(handover.put("b", 1));
  CHECK_FALSE(handover.publish());
  CHECK(taken_from(handover) == std::vector<std::string>{"a", "b"});
  REQUIRE(handover.put("c", 1));
  CHECK(handover.publish());
}

TEST_CASE("more entries or bytes than may wait are refused and stay as they were") {
  Texts by_number({2, 1000});
  CHECK(by_number.put("a", 1));
  CHECK(by_number.put("b", 1));
  std::string kept = "c";
  CHECK_FALSE(by_number.put(std::move(kept), 1));
  CHECK(kept == "c");
  by_number.publish();
  CHECK_FALSE(by_number.put("c", 1));
  CHECK(taken_from(by_number).size() == 2);
  CHECK(by_number.put("c", 1));

  Texts by_weight({100, 10});
  CHECK(by_weight.put("a", 6));
  CHECK_FALSE(by_weight.put("b", 5));
  CHECK(by_weight.put("b", 4));
  CHECK_FALSE(by_weight.put("c", 1));
  by_weight.publish();
  CHECK(taken_from(by_weight).size() == 2);
  INFO("what is larger than all that may wait passes alone");
  CHECK(by_weight.put("large", 11));
  CHECK_FALSE(by_weight.put("a", 0));
}

TEST_CASE("what must get through does, and the peak tells of it") {
  Texts handover({1, 1});
  CHECK(handover.put("a", 1));
  handover.put_beyond("b", 5);
  handover.publish();
  CHECK(taken_from(handover) == std::vector<std::string>{"a", "b"});
  CHECK(handover.peak().entries == 2);
  CHECK(handover.peak().bytes == 6);
  CHECK(handover.put("c", 1));
  INFO("a peak stays");
  CHECK(handover.peak().entries == 2);
}

TEST_CASE("whoever waits goes on when all is taken, or when nobody takes any more") {
  Texts handover({1, 100});
  REQUIRE(handover.put("a", 1));
  handover.publish();
  std::vector<std::string> taken;
  std::thread taker([&] { handover.take(taken); });
  CHECK(handover.wait_until_taken());
  taker.join();
  CHECK(taken.size() == 1);
  REQUIRE(handover.put("b", 1));
  handover.publish();
  std::thread ender([&] { handover.end(); });
  CHECK_FALSE(handover.wait_until_taken());
  ender.join();
}

TEST_CASE("entries that can only be moved pass") {
  Handover<std::unique_ptr<int>> handover({10, 100});
  REQUIRE(handover.put(std::make_unique<int>(7), 4));
  handover.publish();
  std::vector<std::unique_ptr<int>> taken;
  handover.take(taken);
  REQUIRE(taken.size() == 1);
  CHECK(*taken.front() == 7);
}

TEST_CASE("between two threads everything passes once, in order, within the bounds, unprompted") {
  struct Entry {
    std::uint64_t serial;
    std::size_t bytes;
  };
  constexpr std::uint64_t kEntries = 20'000;
  constexpr host::HandoverBounds kBounds{37, 1000};
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    Handover<Entry> handover(kBounds);
    Bell bell;
    std::uint64_t waits = 0;
    std::thread giver([&] {
      Rng rng(seed);
      for (std::uint64_t serial = 0; serial < kEntries; ++serial) {
        const std::size_t bytes = rng.below(40) == 0 ? 1500 : rng.below(60);
        while (!handover.put({serial, bytes}, bytes)) {
          ++waits;
          if (handover.publish()) bell.ring();
          handover.wait_until_taken();
        }
        const bool ends_turn = rng.below(9) == 0;
        if (ends_turn && handover.publish()) bell.ring();
      }
      if (handover.publish()) bell.ring();
    });
    std::uint64_t next = 0;
    bool is_in_order = true;
    bool is_bounded = true;
    std::vector<Entry> taken;
    while (next < kEntries) {
      bell.wait();
      handover.take(taken);
      std::size_t bytes = 0;
      for (const Entry& entry : taken) {
        is_in_order = is_in_order && entry.serial == next++;
        bytes += entry.bytes;
      }
      is_bounded = is_bounded && taken.size() <= kBounds.entries_max &&
                   (bytes <= kBounds.bytes_max || taken.size() == 1);
    }
    giver.join();
    CHECK(is_in_order);
    CHECK(is_bounded);
    CHECK(waits > 0);
    CHECK(handover.peak().entries <= kBounds.entries_max);
  }
}
