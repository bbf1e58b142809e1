#include "trestle/link/ban_list.hpp"

#include <string>

#include "catch.hpp"

using namespace trestle;
using namespace std::chrono_literals;
using link::BanList;

namespace {

constexpr Instant kStart{1000s};

}  // namespace

TEST_CASE("three offences within a minute keep somebody out for five, and nobody else") {
  BanList bans;
  CHECK_FALSE(bans.on_offence(kStart, "198.51.100.7"));
  CHECK_FALSE(bans.on_offence(kStart + 1s, "198.51.100.7"));
  CHECK(bans.left(kStart + 1s, "198.51.100.7") == 0s);
  CHECK(bans.on_offence(kStart + 2s, "198.51.100.7"));
  CHECK(bans.left(kStart + 2s, "198.51.100.7") == 300s);
  CHECK(bans.left(kStart + 2s, "198.51.100.8") == 0s);
  REQUIRE(bans.bans(kStart + 3s).size() == 1);
  CHECK(bans.bans(kStart + 3s)[0].who == "198.51.100.7");
  CHECK(bans.left(kStart + 302s, "198.51.100.7") == 0s);
  CHECK(bans.bans(kStart + 302s).empty());
  CHECK(bans.stats().bans == 1);
  CHECK(bans.stats().offences == 3);
}

TEST_CASE("offences that lie a minute apart are forgotten") {
  BanList bans;
  for (int count = 0; count < 20; ++count) {
    CHECK_FALSE(bans.on_offence(kStart + count * 61s, "198.51.100.7"));
  }
}

TEST_CASE("who is banned twice is one ban, and the last one counts") {
  BanList bans;
  bans.ban(kStart, "somebody");
  bans.ban(kStart + 100s, "somebody");
  CHECK(bans.left(kStart + 100s, "somebody") == 300s);
  CHECK(bans.stats().bans == 1);
}

TEST_CASE("T17: no number of offenders grows the list, or ends a ban before its time") {
  BanList bans({.offenders_max = 64});
  for (int index = 0; index < 40; ++index) bans.ban(kStart, "banned-" + std::to_string(index));
  for (int index = 0; index < 10'000; ++index) {
    bans.on_offence(kStart + 1s, "stranger-" + std::to_string(index));
  }
  CHECK(bans.bans(kStart + 1s).size() == 40);
  INFO("a table full of bans takes nobody else, and does not ask for room");
  for (int index = 0; index < 100; ++index) bans.ban(kStart + 2s, "later-" + std::to_string(index));
  CHECK(bans.bans(kStart + 2s).size() == 64);
  CHECK(bans.left(kStart + 2s, "banned-0") > 0s);
  INFO("when they are over there is room again");
  bans.ban(kStart + 400s, "much-later");
  CHECK(bans.left(kStart + 400s, "much-later") == 300s);
}
