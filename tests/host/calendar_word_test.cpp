#include "trestle/host/calendar_word.hpp"

#include <string>

#include "catch.hpp"

using trestle::WallTime;
using trestle::host::calendar_time_of;

namespace {

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace

TEST_CASE("a day is its first moment, a time of day is told to the second, both in UTC") {
  CHECK(calendar_time_of("1970-01-01") == at(0));
  CHECK(calendar_time_of("2027-01-31") == at(1'801'353'600));
  CHECK(calendar_time_of("2027-01-31T18:30:05Z") == at(1'801'353'600 + 18 * 3600 + 30 * 60 + 5));
  CHECK(calendar_time_of("2028-02-29") == at(1'835'395'200));
  CHECK(calendar_time_of("9999-12-31T23:59:59Z") == at(253'402'300'799));
}

TEST_CASE("what is no day, no time, or has more behind it is nothing") {
  const std::string good = "2027-01-31T18:30:05Z";
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    CHECK(calendar_time_of(good.substr(0, length)).has_value() == (length == 10));
  }
  for (const char* const word :
       {"2027-02-29", "2027-13-01", "2027-00-10", "2027-01-00", "2027-01-31 ", "27-01-31",
        "2027/01/31", "2027-01-31T24:00:00Z", "2027-01-31T18:60:00Z", "2027-01-31T18:30:60Z",
        "2027-01-31T18:30:05", "2027-01-31t18:30:05Z", "2027-01-31T18:30:05Z0", "+027-01-31",
        "tomorrow"}) {
    CAPTURE(word);
    CHECK_FALSE(calendar_time_of(word));
  }
}
