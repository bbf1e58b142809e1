#include "trestle/host/weaker_modes.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/host/calendar_word.hpp"
#include "trestle/host/settings.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;

namespace {

const WallTime kToday = *calendar_time_of("2026-06-01");

/// What switches each of them on, and the only setting it takes.
struct Switch {
  std::string mode;
  GivenSetting given;
};
const std::vector<Switch> kSwitches = {
    {"legacy", {"legacy", {"on"}, "--legacy"}},
    {"unverified-certificates", {"tls-insecure-skip-verify", {"true"}, "--tls-insecure"}},
    {"stateless-bridges", {"bridge-mode", {"stateless"}, "--bridge-mode"}},
    {"open-admission", {"admission", {"open"}, "--admission"}}};

/// A bootstrap node that runs nothing weaker.
Settings strict() {
  Settings settings = default_settings(ProgramKind::bootstrap);
  REQUIRE(apply(settings, {"legacy", {"off"}, "--legacy"}));
  return settings;
}

Settings with(const Switch& one, const std::string& until = {}) {
  Settings settings = strict();
  REQUIRE(apply(settings, one.given));
  if (!until.empty()) REQUIRE(apply(settings, {"weaker-until", {until}, "--weaker-until"}));
  return settings;
}

}  // namespace

TEST_CASE("T34: each weaker mode in use is named in one warning") {
  CHECK(weaker_warnings(strict()).empty());
  CHECK(weaker_modes(strict()).empty());
  for (const Switch& one : kSwitches) {
    CAPTURE(one.mode);
    const auto modes = weaker_modes(with(one));
    REQUIRE(modes.size() == 1);
    CHECK(modes[0].name == one.mode);
    const auto warnings = weaker_warnings(with(one));
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with("--" + one.given.name));
    CHECK(warnings[0].find("--weaker-until") != std::string::npos);
    const auto dated = weaker_warnings(with(one, "2026-07-01"));
    REQUIRE(dated.size() == 1);
    CHECK(dated[0].ends_with("until 2026-07-01"));
  }
  Settings all = strict();
  for (const Switch& one : kSwitches) REQUIRE(apply(all, one.given));
  CHECK(weaker_warnings(all).size() == kSwitches.size());
}

TEST_CASE("T34: no weaker mode is started with after its end") {
  for (const Switch& one : kSwitches) {
    CAPTURE(one.mode);
    CHECK_FALSE(refuse_weaker_modes(with(one), kToday));
    const Settings settings = with(one, "2026-07-01");
    const WallTime end = *calendar_time_of("2026-07-01");
    CHECK_FALSE(refuse_weaker_modes(settings, kToday));
    CHECK_FALSE(refuse_weaker_modes(settings, end - 1ms));
    const auto refused = refuse_weaker_modes(settings, end);
    REQUIRE(refused);
    CHECK(refused->find("--weaker-until 2026-07-01 is over") != std::string::npos);
    CHECK(refused->find("--" + one.given.name) != std::string::npos);
  }
  INFO("an end alone ends nothing");
  Settings none = strict();
  REQUIRE(apply(none, {"weaker-until", {"2026-01-01"}, "--weaker-until"}));
  CHECK_FALSE(refuse_weaker_modes(none, kToday));
  INFO("and one that is too far away is none");
  const auto far = refuse_weaker_modes(with(kSwitches[0], "2028-01-01"), kToday);
  REQUIRE(far);
  CHECK(far->find("more than a year") != std::string::npos);
}

TEST_CASE("values that are not sealed have an end of their own") {
  Settings settings = default_settings(ProgramKind::node);
  REQUIRE(apply(settings, {"legacy", {"off"}, "--legacy"}));
  REQUIRE(apply(settings, {"accept-plaintext-until", {"2026-07-01"}, "--accept"}));
  CHECK(weaker_modes(settings).size() == 1);
  CHECK_FALSE(refuse_weaker_modes(settings, kToday));
  const auto refused = refuse_weaker_modes(settings, kToday + 24h * 30);
  REQUIRE(refused);
  CHECK(refused->starts_with("--accept-plaintext-until 2026-07-01 is over"));
}

TEST_CASE("the days until the first end are counted down to zero, and without an end not at all") {
  CHECK_FALSE(days_left(weaker_modes(strict()), kToday));
  CHECK_FALSE(days_left(weaker_modes(with(kSwitches[0])), kToday));
  const auto modes = weaker_modes(with(kSwitches[0], "2026-07-01"));
  CHECK(days_left(modes, kToday) == 30);
  CHECK(days_left(modes, kToday + 24h * 29 + 1ms) == 0);
  CHECK(days_left(modes, kToday + 24h * 300) == 0);
  CHECK(options_over(modes, kToday).empty());
  CHECK(options_over(modes, kToday + 24h * 30) == "--legacy on");
}
