#include "trestle/dht/hand_overs.hpp"

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;

const NodeId kPeer(1, 1, 1);

}  // namespace

TEST_CASE("A new neighbour gets everything after a short wait, and not again for an hour") {
  HandOvers hand_overs({}, Rng(1));
  hand_overs.on_link_up(at(0s), kPeer);
  CHECK(hand_overs.next_deadline() >= at(2s));
  CHECK(hand_overs.next_deadline() <= at(12s));
  CHECK_FALSE(hand_overs.take(at(1s)));
  const auto part = hand_overs.take(at(12s));
  REQUIRE(part);
  CHECK(part->peer == kPeer);
  CHECK(part->from == NodeId{});
  hand_overs.on_link_down(kPeer);
  hand_overs.on_link_up(at(59min), kPeer);
  CHECK(hand_overs.next_deadline() == kNever);
  hand_overs.on_link_up(at(1h), kPeer);
  CHECK(hand_overs.size() == 1);
}

TEST_CASE("A long hand-over goes on where it was, and ends with the link") {
  HandOvers hand_overs({}, Rng(1));
  hand_overs.on_link_up(at(0s), kPeer);
  const auto part = hand_overs.take(at(12s));
  REQUIRE(part);
  CHECK(part->since == at(0s));
  hand_overs.go_on(at(12s), *part, NodeId(5, 0, 0));
  CHECK(hand_overs.next_deadline() == at(13s));
  const auto next = hand_overs.take(at(13s));
  REQUIRE(next);
  CHECK(next->from == NodeId(5, 0, 0));
  CHECK(next->since == at(0s));
  hand_overs.go_on(at(13s), *next, NodeId(6, 0, 0));
  hand_overs.on_link_down(kPeer);
  CHECK(hand_overs.next_deadline() == kNever);
}

TEST_CASE("What is owed to one peer is bounded and goes out once") {
  HandOverOptions options;
  options.owed_max = 3;
  HandOvers hand_overs(options, Rng(1));
  for (std::uint64_t place : {1u, 2u, 2u, 3u, 4u}) hand_overs.owe(at(0s), kPeer, {place, 0, 0});
  const auto part = hand_overs.take(at(1min));
  REQUIRE(part);
  CHECK(part->owed == std::vector<NodeId>{{1, 0, 0}, {2, 0, 0}, {3, 0, 0}});
  CHECK_FALSE(part->from);
  CHECK_FALSE(hand_overs.take(at(1min)));
}

TEST_CASE("However many peers come, what is remembered of them is bounded") {
  HandOverOptions options;
  options.peers_max = 8;
  options.served_max = 16;
  HandOvers hand_overs(options, Rng(1));
  Rng rng(2);
  for (int count = 0; count < 1000; ++count) {
    hand_overs.on_link_up(at(std::chrono::milliseconds(count)), test::random_id(rng));
  }
  CHECK(hand_overs.size() == 8);
  CHECK(hand_overs.left_out() == 992);
  std::size_t taken = 0;
  while (hand_overs.take(at(1h))) ++taken;
  CHECK(taken == 8);
}

}  // namespace trestle::dht
