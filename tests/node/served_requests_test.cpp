#include "trestle/node/member/served_requests.hpp"

#include "catch.hpp"

namespace trestle::node {
namespace {

link::ConnectionId connection(std::uint64_t serial) {
  return {link::ConnectionOwner::node, serial};
}

}  // namespace

TEST_CASE("A token leads to its request once, and to nobody when the connection has gone") {
  ServedRequests served(4);
  const auto first = served.add({connection(1), {10}});
  const auto second = served.add({connection(2), {10}});
  const auto third = served.add({connection(1), {11}});
  REQUIRE(third);
  CHECK(served.take(*first)->connection == connection(1));
  CHECK_FALSE(served.take(*first));
  served.on_closed(connection(1));
  CHECK_FALSE(served.take(*third));
  CHECK(served.take(*second)->id.value == 10);
  CHECK(served.size() == 0);
}

TEST_CASE("More than the bound are not taken, until one is answered; numbers never come again") {
  ServedRequests served(2);
  const auto first = served.add({connection(1), {1}});
  const auto second = served.add({connection(1), {2}});
  CHECK_FALSE(served.add({connection(1), {3}}));
  REQUIRE(served.take(*first));
  const auto third = served.add({connection(1), {3}});
  REQUIRE(third);
  CHECK(*third != *first);
  CHECK(*third != *second);
}

}  // namespace trestle::node
