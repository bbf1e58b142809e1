#include "trestle/host/duration_word.hpp"

#include "catch.hpp"

using std::chrono::seconds;
using trestle::host::duration_of;

TEST_CASE("a duration is a number of seconds, or of what its last letter says") {
  CHECK(duration_of("90") == seconds(90));
  CHECK(duration_of("90s") == seconds(90));
  CHECK(duration_of("30m") == seconds(1800));
  CHECK(duration_of("12h") == seconds(43'200));
  CHECK(duration_of("7d") == seconds(604'800));
  for (const char* const word : {"", "s", "0", "-1", "1.5h", "1h30m", "h1", "1 h", "1w",
                                 "99999999999999999999", "9999999999d"}) {
    CAPTURE(word);
    CHECK_FALSE(duration_of(word));
  }
}
