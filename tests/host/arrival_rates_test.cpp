#include "trestle/host/arrival_rates.hpp"

#include <string>

#include "catch.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace std::chrono_literals;
using Counting = ArrivalRates::Counting;

namespace {

constexpr Instant kStart{1000s};

int admitted(ArrivalRates& rates, Instant now, const std::string& address, int tries,
             Counting counting = Counting::by_address) {
  int count = 0;
  for (int index = 0; index < tries; ++index) count += rates.admits(now, address, counting) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("T17: one address comes twenty times a second, and forty times after a pause") {
  ArrivalRates rates({});
  CHECK(admitted(rates, kStart, "198.51.100.7", 1000) == 40);
  CHECK(admitted(rates, kStart + 1s, "198.51.100.7", 1000) == 20);
  CHECK(admitted(rates, kStart + 1s, "198.51.100.8", 1000) == 40);
  INFO("of IPv6 the first 64 bits count");
  CHECK(admitted(rates, kStart + 1s, "2001:db8::1", 30) == 30);
  CHECK(admitted(rates, kStart + 1s, "2001:db8::2", 30) == 10);
}

TEST_CASE("T17: ten thousand callers in five seconds come in at the rate of all, no faster") {
  ArrivalRates rates({});
  int count = 0;
  for (int index = 0; index < 10'000; ++index) {
    const std::string address =
        "10." + std::to_string(index / 256 % 256) + "." + std::to_string(index % 256) + ".1";
    const Instant now = kStart + index * 500us;
    count += rates.admits(now, address, Counting::by_address) ? 1 : 0;
  }
  CHECK(count <= 400 + 5 * 200);
  CHECK(count >= 5 * 200);
  CHECK(rates.addresses() <= 1024);
}

TEST_CASE("whom its own bound refuses takes nothing from the others") {
  ArrivalRates rates({.per_second = 50, .per_address_per_second = 5});
  CHECK(admitted(rates, kStart, "198.51.100.7", 10'000) == 10);
  CHECK(admitted(rates, kStart, "198.51.100.8", 10) == 10);
  INFO("a proxy brings many: only the bound of all counts");
  CHECK(admitted(rates, kStart, "198.51.100.9", 1000, Counting::in_all_only) == 80);
}

TEST_CASE("other rates hold from the moment on, and what was taken stays taken") {
  ArrivalRates rates({});
  CHECK(admitted(rates, kStart, "198.51.100.7", 1000) == 40);
  rates.limit({.per_second = 200, .per_address_per_second = 50});
  CHECK(admitted(rates, kStart, "198.51.100.7", 1000) == 0);
  CHECK(admitted(rates, kStart + 2s, "198.51.100.7", 1000) == 100);
}
