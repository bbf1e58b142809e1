#include "trestle/host/alerts.hpp"

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

struct World {
  /// Shows the figure every second for so long; the changes meanwhile.
  std::vector<Alerts::Change> show(Alert alert, std::optional<std::uint64_t> figure,
                                   std::chrono::seconds time) {
    std::vector<Alerts::Change> changes;
    for (const Instant end = now + time; now <= end; now += 1s) {
      AlertFigures figures;
      figures[index_of(alert)] = figure;
      for (const Alerts::Change& change : alerts.update(now, figures)) changes.push_back(change);
    }
    return changes;
  }

  Alerts alerts;
  Instant now{};
};

}  // namespace

TEST_CASE("an alert is raised once when its figure has been wrong for long enough") {
  World world;
  CHECK(world.show(Alert::queue, 81, 3s).empty());
  const auto changes = world.show(Alert::queue, 81, 30s);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].is_raised);
  CHECK(describe(changes[0]) == "a queue is filled: 81 %, the threshold is 80 %");
  CHECK(world.alerts.raised() == std::vector{Alert::queue});
}

TEST_CASE("one burst raises nothing") {
  World world;
  for (int burst = 0; burst < 5; ++burst) {
    CHECK(world.show(Alert::queue, 100, 3s).empty());
    CHECK(world.show(Alert::queue, 10, 1s).empty());
  }
}

TEST_CASE("an alert clears only well below its threshold, and not at once") {
  World world;
  world.show(Alert::queue, 90, 10s);
  CHECK(world.show(Alert::queue, 78, 60s).empty());
  CHECK(world.show(Alert::queue, 72, 10s).empty());
  const auto changes = world.show(Alert::queue, 72, 10s);
  REQUIRE(changes.size() == 1);
  CHECK_FALSE(changes[0].is_raised);
  CHECK(world.alerts.raised().empty());
}

TEST_CASE("bridges are a minimum: below it is wrong, at it is right") {
  World world;
  CHECK(world.show(Alert::bridges, 1, 60s).empty());
  REQUIRE(world.show(Alert::bridges, 0, 10s).size() == 1);
  const auto changes = world.show(Alert::bridges, 1, 30s);
  REQUIRE(changes.size() == 1);
  CHECK_FALSE(changes[0].is_raised);
}

TEST_CASE("nothing to measure raises nothing, and clears in time") {
  World world;
  CHECK(world.show(Alert::slow, std::nullopt, 60s).empty());
  world.show(Alert::slow, 5000, 10s);
  CHECK(world.show(Alert::slow, std::nullopt, 30s).size() == 1);
}

TEST_CASE("a threshold of 0 switches its alert off") {
  World world;
  world.show(Alert::memory, 4096, 10s);
  REQUIRE(world.alerts.is_raised(Alert::memory));
  AlertThresholds thresholds = world.alerts.thresholds();
  thresholds[index_of(Alert::memory)] = 0;
  world.alerts.set_thresholds(thresholds);
  CHECK(world.show(Alert::memory, 4096, 20s).size() == 1);
  CHECK(world.show(Alert::memory, 4096, 60s).empty());
}
