#include "trestle/host/address_counts.hpp"

#include "catch.hpp"

using namespace trestle::host;

TEST_CASE("each address has its count, loopback none") {
  AddressCounts counts;
  counts.add("2001:db8::1");
  counts.add("2001:db8::2");
  CHECK_FALSE(counts.admits("2001:db8::3", 2));
  CHECK(counts.admits("2001:db8:0:1::3", 2));
  for (int count = 0; count < 5; ++count) counts.add("127.0.0.9");
  CHECK(counts.admits("127.0.0.9", 2));
  CHECK(counts.size() == 1);
  counts.remove("127.0.0.9");
  counts.remove("2001:db8::1");
  CHECK(counts.admits("2001:db8::3", 2));
  counts.remove("2001:db8::2");
  CHECK(counts.size() == 0);
}
