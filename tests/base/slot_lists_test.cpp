#include "trestle/base/slot_lists.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {
namespace {

TEST_CASE("slots leave a list in the order in which they came, wherever one is taken out") {
  SlotLists lists(5);
  SlotLists::List list;
  CHECK(list.empty());
  for (const SlotLists::Slot slot : {3u, 0u, 4u}) lists.append(list, slot);
  CHECK(list.size == 3);
  CHECK(list.first == 3);
  CHECK(list.last == 4);
  lists.remove(list, 0);
  CHECK_FALSE(lists.is_listed(0));
  lists.remove(list, 3);
  CHECK(list.first == 4);
  lists.append(list, 0);
  lists.remove(list, 4);
  CHECK(list.first == 0);
  CHECK(list.last == 0);
  lists.remove(list, 0);
  CHECK(list.empty());
  CHECK(list.first == SlotLists::kNone);
}

TEST_CASE("three lists over one set of slots agree with a naive model") {
  constexpr SlotLists::Slot kSlots = 12;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    SlotLists lists(kSlots);
    std::array<SlotLists::List, 3> ours;
    std::array<std::vector<SlotLists::Slot>, 3> model;
    for (int step = 0; step < 200; ++step) {
      const auto slot = static_cast<SlotLists::Slot>(rng.below(kSlots));
      const std::size_t pick = rng.below(model.size());
      const auto holder = std::ranges::find_if(
          model, [&](const auto& list) { return std::ranges::find(list, slot) != list.end(); });
      CHECK(lists.is_listed(slot) == (holder != model.end()));
      if (holder == model.end()) {
        lists.append(ours[pick], slot);
        model[pick].push_back(slot);
      } else {
        lists.remove(ours[static_cast<std::size_t>(holder - model.begin())], slot);
        std::erase(*holder, slot);
      }
      for (std::size_t list = 0; list < model.size(); ++list) {
        REQUIRE(ours[list].size == model[list].size());
        if (model[list].empty()) continue;
        REQUIRE(ours[list].first == model[list].front());
        REQUIRE(ours[list].last == model[list].back());
      }
    }
  }
}

}  // namespace
}  // namespace trestle::test
