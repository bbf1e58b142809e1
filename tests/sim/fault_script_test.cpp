#include "trestle/sim/fault_script.hpp"

#include <array>

#include "catch.hpp"
#include "trestle/sim/nemesis.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a drawn script has every class, is in order of time, and depends on its seed alone") {
  const FaultScript script = draw_faults(storm(), Rng(3), 50, Instant(1min), Instant(11min));
  std::array<int, kFaultKinds> counts{};
  for (std::size_t index = 0; index < script.size(); ++index) {
    ++counts[static_cast<std::size_t>(script[index].kind)];
    CHECK(script[index].at >= Instant(1min));
    CHECK(script[index].at < Instant(11min));
    if (index > 0) CHECK(script[index - 1].at <= script[index].at);
  }
  for (const int count : counts) CHECK(count > 0);
  CHECK(script == draw_faults(storm(), Rng(3), 50, Instant(1min), Instant(11min)));
  CHECK_FALSE(script == draw_faults(storm(), Rng(4), 50, Instant(1min), Instant(11min)));
}

TEST_CASE("one class more or less moves no other fault") {
  NemesisOptions options = storm();
  const FaultScript all = draw_faults(options, Rng(3), 50, Instant(1min), Instant(11min));
  options.kills = 0;
  const FaultScript fewer = draw_faults(options, Rng(3), 50, Instant(1min), Instant(11min));
  FaultScript expected = all;
  std::erase_if(expected, [](const Fault& fault) { return fault.kind == FaultKind::kill; });
  CHECK(fewer == expected);
}

TEST_CASE("a script survives its text") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const FaultScript script = draw_faults(storm(), Rng(seed), 9, Instant(0s), Instant(10min));
    const std::optional<FaultScript> read = fault_script_from_text(to_text(script));
    REQUIRE(read.has_value());
    CHECK(*read == script);
  }
}

TEST_CASE("comments and empty lines are skipped, nonsense is refused") {
  const auto script =
      fault_script_from_text("# mine\n\n1000 kill 500 3 0\n2000 partition 7 0101\n");
  REQUIRE(script.has_value());
  REQUIRE(script->size() == 2);
  CHECK((*script)[0].node == 3);
  CHECK((*script)[1].groups == std::vector<std::uint8_t>{0, 1, 0, 1});
  for (const char* line : {"x kill 1 2 3", "1 murder 1 2 3", "1 kill 1 2", "1 kill 1 2 3 4",
                           "1 partition 1 01a", "-1 kill 1 2 3", "1 kill", "1"}) {
    CAPTURE(line);
    CHECK_FALSE(fault_script_from_text(line).has_value());
  }
}

}  // namespace
}  // namespace trestle::sim::test
