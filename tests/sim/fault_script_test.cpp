#include "trestle/sim/fault_script.hpp"

#include <array>

#include "catch.hpp"
#include "trestle/sim/byzantine_peer.hpp"
#include "trestle/sim/churn.hpp"
#include "trestle/sim/fault_drawing.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

NemesisOptions everything() {
  NemesisOptions options = storm();
  options.turncoats = {3, 7};
  return options;
}

TEST_CASE("a drawn script has every class, is in order of time, and depends on its seed alone") {
  const FaultScript script = draw_faults(everything(), Rng(3), 50, Instant(1min), Instant(11min));
  std::array<int, kFaultKinds> counts{};
  for (std::size_t index = 0; index < script.size(); ++index) {
    ++counts[static_cast<std::size_t>(script[index].kind)];
    CHECK(script[index].at >= Instant(1min));
    CHECK(script[index].at < Instant(11min));
    if (index > 0) CHECK(script[index - 1].at <= script[index].at);
  }
  for (std::uint8_t kind = 0; kind < kFaultKinds; ++kind) {
    CAPTURE(name(static_cast<FaultKind>(kind)));
    const bool is_churn = static_cast<FaultKind>(kind) == FaultKind::join ||
                          static_cast<FaultKind>(kind) == FaultKind::leave;
    CHECK((counts[kind] > 0) != is_churn);
  }
  CHECK(script == draw_faults(everything(), Rng(3), 50, Instant(1min), Instant(11min)));
  CHECK_FALSE(script == draw_faults(everything(), Rng(4), 50, Instant(1min), Instant(11min)));
}

TEST_CASE("only turncoats are ordered to misbehave, in every way in the end") {
  NemesisOptions options;
  options.misconducts = 100'000;
  CHECK(draw_faults(options, Rng(3), 50, Instant(0s), Instant(1h)).empty());
  options.turncoats = {3, 7};
  std::array<int, kMisconducts> counts{};
  for (const Fault& fault : draw_faults(options, Rng(3), 50, Instant(0s), Instant(1h))) {
    CHECK((fault.node == 3 || fault.node == 7));
    REQUIRE(fault.number < kMisconducts);
    ++counts[static_cast<std::size_t>(fault.number)];
  }
  CHECK(counts[static_cast<std::size_t>(Misconduct::none)] == 0);
  for (std::size_t kind = 1; kind < kMisconducts; ++kind) CHECK(counts[kind] > 0);
}

TEST_CASE("a swizzle clogs some nodes one by one and releases them in another order") {
  NemesisOptions options;
  options.swizzles = 1;  // at least once: one swizzle
  const FaultScript script = draw_faults(options, Rng(9), 60, Instant(0s), Instant(1h));
  REQUIRE(script.size() >= 5);
  CHECK(script.back().at - script.front().at <= options.clog_spread);
  std::size_t overtaken = 0;
  for (std::size_t index = 1; index < script.size(); ++index) {
    CHECK(script[index].kind == FaultKind::clog);
    const Instant before = script[index - 1].at + script[index - 1].lasts;
    if (script[index].at + script[index].lasts < before) ++overtaken;
  }
  CHECK(overtaken > 0);
}

TEST_CASE("one class more or less moves no other fault") {
  NemesisOptions options = everything();
  const FaultScript all = draw_faults(options, Rng(3), 50, Instant(1min), Instant(11min));
  options.kills = 0;
  const FaultScript fewer = draw_faults(options, Rng(3), 50, Instant(1min), Instant(11min));
  FaultScript expected = all;
  std::erase_if(expected, [](const Fault& fault) { return fault.kind == FaultKind::kill; });
  CHECK(fewer == expected);
}

TEST_CASE("a script survives its text") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    FaultScript script = draw_faults(everything(), Rng(seed), 9, Instant(0s), Instant(10min));
    const FaultScript moves =
        draw_churn({.percent_per_hour = 600}, Rng(seed), 1, 8, 9, Instant(0s), Instant(10min));
    script.insert(script.end(), moves.begin(), moves.end());
    const std::optional<FaultScript> read = fault_script_from_text(to_text(script));
    REQUIRE(read.has_value());
    CHECK(*read == script);
  }
}

TEST_CASE("comments and empty lines are skipped, nonsense is refused") {
  const auto script =
      fault_script_from_text("# mine\n\n1000 kill 500 3 0\n2000 partition 7 0101 0\n");
  REQUIRE(script.has_value());
  REQUIRE(script->size() == 2);
  CHECK((*script)[0].node == 3);
  CHECK((*script)[1].groups == std::vector<std::uint8_t>{0, 1, 0, 1});
  for (const char* line :
       {"x kill 1 2 3", "1 murder 1 2 3", "1 kill 1 2", "1 kill 1 2 3 4", "1 partition 1 01a 0",
        "1 partition 1 010", "-1 kill 1 2 3", "1 kill", "1"}) {
    CAPTURE(line);
    CHECK_FALSE(fault_script_from_text(line).has_value());
  }
}

}  // namespace
}  // namespace trestle::sim::test
