#include "trestle/dht/peer_group.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {

TEST_CASE("A group is a /24 of IPv4 or a /48 of IPv6") {
  CHECK(group_of_address("192.0.2.7") == group_of_address("192.0.2.250"));
  CHECK(group_of_address("192.0.2.7") != group_of_address("192.0.3.7"));
  CHECK(group_of_address("2001:db8:1:2::3") == group_of_address("2001:db8:1:ffff::"));
  CHECK(group_of_address("2001:db8:1:2::3") != group_of_address("2001:db8:2:2::3"));
  CHECK_FALSE(group_of_address("192.0.2.7").is_exempt());
}

TEST_CASE("Loopback, private and unreadable addresses are in no group") {
  for (const std::string_view text : {"127.0.0.1", "::1", "10.2.3.4", "fd00::1", "", "?"}) {
    CHECK(group_of_address(text).is_exempt());
  }
  for (const std::string_view url :
       {"", "ws://", "ws://localhost:80/", "ws://LocalHost", "ws://a.localhost/", "ws://[::1]:7/x",
        "ws://127.0.0.9:7", "wss://192.168.1.5/"}) {
    INFO(url);
    CHECK(group_of_url(url).is_exempt());
  }
}

TEST_CASE("A URL belongs to the group of its host, whatever the rest of it") {
  const PeerGroup group = group_of_address("192.0.2.7");
  CHECK(group_of_url("ws://192.0.2.99:4000/path?x=1") == group);
  CHECK(group_of_url("wss://user@192.0.2.1") == group);
  CHECK(group_of_url("wss://[2001:db8:1::9]:443/") == group_of_address("2001:db8:1::1"));
  CHECK(group_of_url("wss://Node.Example.org/a") == group_of_url("ws://node.example.org:81/b"));
  CHECK(group_of_url("wss://node.example.org/") != group_of_url("wss://node2.example.org/"));
  CHECK_FALSE(group_of_url("wss://mylocalhost/").is_exempt());
}

TEST_CASE("Inviters make groups of their own, nobody makes none") {
  Rng rng(1);
  const NodeId inviter = test::random_id(rng);
  CHECK(group_of_inviter(inviter) == group_of_inviter(inviter));
  CHECK(group_of_inviter(inviter) != group_of_inviter(test::random_id(rng)));
  CHECK(group_of_inviter({}).is_exempt());
}

TEST_CASE("A choice takes no more of one group than its part, by place and by inviter") {
  GroupCaps caps(2);
  const PeerGroup here = group_of_address("192.0.2.1");
  const PeerGroup there = group_of_address("198.51.100.1");
  const PeerGroup host{77};
  CHECK(caps.take({.place = here, .inviter = host}));
  CHECK(caps.take({.place = here}));
  CHECK_FALSE(caps.take({.place = here}));
  CHECK(caps.take({.place = there, .inviter = host}));
  CHECK_FALSE(caps.take({.place = there, .inviter = host}));
  CHECK(caps.take({.place = there}));
  for (int count = 0; count < 50; ++count) CHECK(caps.take({}));
}

}  // namespace trestle::dht
