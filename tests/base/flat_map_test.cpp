#include "trestle/base/flat_map.hpp"

#include <map>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;

namespace {

using Tested = FlatMap<std::uint64_t, std::uint64_t>;
using Model = std::map<std::uint64_t, std::uint64_t>;

bool same(const Tested& tested, const Model& model) {
  if (tested.size() != model.size() || tested.empty() != model.empty()) return false;
  auto expected = model.begin();
  for (const auto& [key, value] : tested) {
    if (key != expected->first || value != expected->second) return false;
    ++expected;
  }
  return true;
}

}  // namespace

TEST_CASE("a flat map behaves like an ordered map") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Tested tested;
    Model model;
    const std::uint64_t keys = 1 + rng.below(50);
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t key = rng.below(keys);
      const std::uint64_t value = rng.next();
      switch (rng.below(5)) {
        case 0: {
          const auto [stored, inserted] = tested.insert(key, value);
          const auto [place, expected] = model.insert({key, value});
          REQUIRE(inserted == expected);
          REQUIRE(*stored == place->second);
          break;
        }
        case 1:
          REQUIRE(tested.insert_or_assign(key, value) == value);
          model[key] = value;
          break;
        case 2:
          REQUIRE(tested.erase(key) == (model.erase(key) == 1));
          break;
        case 3: {
          const auto expected = model.find(key);
          const std::uint64_t* found = tested.find(key);
          REQUIRE((found != nullptr) == (expected != model.end()));
          if (found != nullptr) REQUIRE(*found == expected->second);
          REQUIRE(tested.contains(key) == (found != nullptr));
          break;
        }
        default:
          if (!tested.empty()) {
            const auto index = static_cast<std::size_t>(rng.below(tested.size()));
            const auto& [key_there, value_there] =
                *std::next(model.begin(), static_cast<long>(index));
            REQUIRE(tested.at_index(index).first == key_there);
            REQUIRE(tested.at_index(index).second == value_there);
          }
      }
      REQUIRE(same(tested, model));
    }
  }
}

TEST_CASE("an entry may be erased while the map is walked") {
  Tested tested;
  for (std::uint64_t key = 0; key < 10; ++key) tested.insert(key, key);
  for (auto place = tested.begin(); place != tested.end();) {
    place = place->first % 2 == 0 ? tested.erase(place) : std::next(place);
  }
  CHECK(tested.size() == 5);
  for (const auto& [key, value] : tested) CHECK(key % 2 == 1);
}

TEST_CASE("insert leaves the stored value alone when the key is present") {
  Tested tested;
  tested.insert(1, 10);
  const auto [stored, inserted] = tested.insert(1, 20);
  CHECK_FALSE(inserted);
  CHECK(*stored == 10);
  *stored = 30;
  CHECK(*tested.find(1) == 30);
}

TEST_CASE("a cleared map is empty") {
  Tested tested;
  tested.reserve(4);
  tested.insert(1, 1);
  tested.clear();
  CHECK(tested.empty());
  CHECK(tested.find(1) == nullptr);
}
