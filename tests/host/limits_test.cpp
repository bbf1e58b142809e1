#include "trestle/host/limits.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/settings_reading.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace trestle::test;

namespace {

std::size_t number_of(const Limits& limits, std::string_view name) {
  const auto rule = std::ranges::find(limit_rules(), name, &LimitRule::name);
  REQUIRE(rule != limit_rules().end());
  return rule->get(limits);
}

CommandLine line_with(std::vector<GivenSetting> given, std::string file = {}) {
  CommandLine line;
  line.given = std::move(given);
  line.config_file = std::move(file);
  return line;
}

}  // namespace

TEST_CASE("every limit is a number of its own that can be set to any value of its range") {
  std::set<std::string_view> names;
  for (const LimitRule& rule : limit_rules()) {
    INFO(rule.name);
    CHECK(names.insert(rule.name).second);
    const Limits untouched;
    CHECK(rule.get(untouched) >= rule.range.min);
    CHECK(rule.get(untouched) <= rule.range.max);
    for (const std::size_t number : {rule.range.min, rule.range.max}) {
      Limits limits;
      rule.set(limits, number);
      CHECK(rule.get(limits) == number);
      const auto changed = std::ranges::count_if(limit_rules(), [&](const LimitRule& other) {
        return other.get(limits) != other.get(untouched);
      });
      CHECK(changed <= 1);
    }
  }
}

TEST_CASE("limits stand in a table of the file, and on the command line one by one") {
  TemporaryFolder folder;
  const std::string path = folder.write("node.toml",
                                        "listen = \"127.0.0.1:1\"\n"
                                        "[limits]\n"
                                        "records = 7\n"
                                        "ban-s = 60\n");
  const auto settings = read_settings(
      ProgramKind::node, line_with({{"limit", {"ban-s=90", "forgeries=5"}, "--limit"}}, path));
  REQUIRE(settings);
  CHECK(number_of(settings->limits, "records") == 7);
  CHECK(number_of(settings->limits, "ban-s") == 90);
  CHECK(number_of(settings->limits, "forgeries") == 5);
  CHECK(settings->limits.node.links.bans.ban_for == std::chrono::seconds(90));
  const std::string printed = to_toml(*settings);
  CHECK(printed.find("\n[limits]\n") != std::string::npos);
  const auto again =
      read_settings(ProgramKind::node, line_with({}, folder.write("again.toml", printed)));
  REQUIRE(again);
  CHECK(to_toml(*again) == printed);
}

TEST_CASE("a limit that is none, or no number, or senseless, is refused with its place") {
  TemporaryFolder folder;
  const auto complaint = [&](const std::string& text) {
    const auto read =
        read_settings(ProgramKind::bridge, line_with({}, folder.write("node.toml", text)));
    REQUIRE_FALSE(read);
    return read.error();
  };
  CHECK(complaint("[limits]\nban-s = 60\nteeth = 32\n")
            .find("node.toml:3:1: there is no limit "
                  "'teeth'") != std::string::npos);
  CHECK(complaint("[limits]\nban-s = \"long\"\n").find("a limit is a whole number") !=
        std::string::npos);
  CHECK(complaint("[limits]\nban-s = 0\n").find("ban-s: '0' is not between 1 and 604800") !=
        std::string::npos);
  INFO("a bridge keeps no records");
  CHECK(complaint("[limits]\nrecords = 7\n").find("there is no limit 'records'") !=
        std::string::npos);
  const auto typed = read_settings(ProgramKind::node, line_with({{"limit", {"ban-s"}, "--limit"}}));
  REQUIRE_FALSE(typed);
  CHECK(typed.error().find("--limit: ban-s: '' is not a number") != std::string::npos);
}

TEST_CASE("docs/operators.md names every limit with its default") {
  std::ifstream file(TRESTLE_TEST_DATA "/../../docs/operators.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(text.empty());
  const Limits limits;
  for (const LimitRule& rule : limit_rules()) {
    const std::string row =
        "| `" + std::string(rule.name) + "` | " + std::to_string(rule.get(limits)) + " |";
    INFO(row);
    CHECK(text.find(row) != std::string::npos);
  }
}
