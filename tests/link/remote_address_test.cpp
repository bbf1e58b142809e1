#include "trestle/link/remote_address.hpp"

#include "catch.hpp"

using namespace trestle::link;

TEST_CASE("loopback is all of 127.0.0.0/8 and ::1, and nothing that only looks like it") {
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.255.255.254", "::1"}) {
    CAPTURE(address);
    CHECK(is_loopback(address));
  }
  for (const char* address : {"", "12.7.0.1", "10.0.0.1", "::", "::12", "1::1", "fe80::1"}) {
    CAPTURE(address);
    CHECK_FALSE(is_loopback(address));
  }
}

TEST_CASE("IPv4 counts by address, IPv6 by its first 64 bits, however they are abbreviated") {
  CHECK(address_key("198.51.100.7") == "198.51.100.7");
  const std::string key = address_key("2001:db8:0:7:1:2:3:4");
  CHECK(key == "2001:db8:0:7::/64");
  for (const char* address : {"2001:db8:0:7::", "2001:db8:0:7::1", "2001:db8:0:7:ffff::9"}) {
    CAPTURE(address);
    CHECK(address_key(address) == key);
  }
  CHECK(address_key("2001:db8:0:8::1") != key);
  CHECK(address_key("2001:db8::7:1:2:3:4") == "2001:db8:0:7::/64");
  CHECK(address_key("2001:db8::1") == "2001:db8:0:0::/64");
  CHECK(address_key("2001:db8::1:0:0:0") == "2001:db8:0:0::/64");
  CHECK(address_key("::5:6:7:8:9") == "0:0:0:5::/64");
  CHECK(address_key("::") == "0:0:0:0::/64");
  CHECK(address_key("64:ff9b::192.0.2.33") == "64:ff9b:0:0::/64");
}

TEST_CASE("what is no address is a key of its own") {
  CHECK(address_key("") != address_key("somewhere"));
  CHECK(address_key("a:b") != address_key("a:c"));
  CHECK(address_key("1:2:3:4:5:6:7:8:9::10") == address_key("1:2:3:4::"));
}
