#include "trestle/link/ip_address.hpp"

#include <string>

#include "catch.hpp"

namespace trestle::link {

TEST_CASE("Addresses are read as numbers, IPv4-mapped ones as IPv4") {
  const auto v4 = parse_ip_address("192.0.2.7");
  REQUIRE(v4);
  CHECK(v4->family == IpAddress::Family::v4);
  CHECK(v4->prefix(32) == 0xc0000207);
  CHECK(v4->prefix(24) == 0xc00002);
  CHECK(parse_ip_address("::ffff:192.0.2.7") == v4);
  CHECK(parse_ip_address("0:0:0:0:0:ffff:c000:207") == v4);
  const auto v6 = parse_ip_address("2001:db8:1:2::9");
  REQUIRE(v6);
  CHECK(v6->family == IpAddress::Family::v6);
  CHECK(v6->prefix(48) == 0x20010db80001);
  CHECK(v6->prefix(64) == 0x20010db800010002);
  CHECK(v6->bytes[15] == 9);
  CHECK(parse_ip_address("2001:db8:1:2:0:0:0:9") == v6);
  CHECK(parse_ip_address("::")->prefix(64) == 0);
  CHECK(parse_ip_address("2001:db8::")->prefix(32) == 0x20010db8);
}

TEST_CASE("What is no address is none") {
  for (const std::string_view text : {"",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "1.2.3.x",
                                      "1..2.3",
                                      "027.0.0.1",
                                      "1.2.3.04",
                                      "::027.0.0.1",
                                      "1.2.3.4:80",
                                      "node.example",
                                      ":",
                                      ":::",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1::2::3",
                                      "12345::",
                                      "g::1",
                                      "1:2:3:4:",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1.2.3",
                                      "1.2.3.4::",
                                      "::1.2.3.4:5",
                                      "fe80::1%eth0",
                                      "[::1]",
                                      "1:2:3:4:5:6:7:1.2.3.4"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_address(text));
  }
}

TEST_CASE("Addresses of one site are told from those of the world") {
  for (const std::string_view text :
       {"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.3.4",
        "169.254.1.1", "100.64.0.1", "100.127.255.255", "0.0.0.0", "::1", "::", "fc00::1",
        "fdff::1", "fe80::1", "::ffff:10.0.0.1"}) {
    INFO(text);
    REQUIRE(parse_ip_address(text));
    CHECK(parse_ip_address(text)->is_local());
  }
  for (const std::string_view text :
       {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "100.128.0.1",
        "11.0.0.1", "2001:db8::1", "fec0::1", "::2", "1::1", "::ffff:8.8.8.8"}) {
    INFO(text);
    REQUIRE(parse_ip_address(text));
    CHECK_FALSE(parse_ip_address(text)->is_local());
  }
}

}  // namespace trestle::link
