#include "trestle/host/address_counts.hpp"

#include "catch.hpp"

using namespace trestle::host;

TEST_CASE("each address has its count, and each network") {
  AddressCounts counts;
  counts.add("2001:db8::1");
  counts.add("2001:db8::2");
  CHECK_FALSE(counts.admits("2001:db8::3", 2));
  CHECK(counts.admits("2001:db8:0:1::3", 2));
  CHECK(counts.size() == 1);
  counts.remove("2001:db8::1");
  CHECK(counts.admits("2001:db8::3", 2));
  counts.remove("2001:db8::2");
  CHECK(counts.size() == 0);
  AddressCounts networks(AddressCounts::By::network);
  for (const char* address : {"192.0.2.1", "192.0.2.254", "2001:db8:1:2::1", "2001:db8:1:3::1"}) {
    networks.add(address);
  }
  CHECK(networks.size() == 2);
  CHECK_FALSE(networks.admits("192.0.2.7", 2));
  CHECK(networks.admits("192.0.3.7", 2));
  CHECK_FALSE(networks.admits("2001:db8:1::", 2));
  CHECK(networks.admits("2001:db8:2::", 2));
}
