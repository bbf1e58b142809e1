#include "trestle/node/member/pending_asks.hpp"

#include "catch.hpp"

using namespace trestle;
using node::PendingAsk;
using node::PendingAsks;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const NodeId kLeft{1, 0, 0};
const NodeId kRight{2, 0, 0};

PendingAsk ask(std::uint64_t number, const NodeId& peer, Instant deadline) {
  return {{number}, peer, wire::FindNodeRequest{}, deadline};
}

}  // namespace

TEST_CASE("questions wait for their own peer, in the order they came") {
  PendingAsks asks(10);
  REQUIRE(asks.add(ask(1, kLeft, kStart + 3s)));
  REQUIRE(asks.add(ask(2, kRight, kStart + 1s)));
  REQUIRE(asks.add(ask(3, kLeft, kStart + 2s)));
  CHECK(asks.next_deadline() == kStart + 1s);
  const auto left = asks.take(kLeft);
  REQUIRE(left.size() == 2);
  CHECK(left[0].ask.value == 1);
  CHECK(left[1].ask.value == 3);
  CHECK(asks.size() == 1);
}

TEST_CASE("a question is due at its deadline and not before") {
  PendingAsks asks(10);
  REQUIRE(asks.add(ask(1, kLeft, kStart + 3s)));
  CHECK(asks.take_due(kStart + 3s - 1us).empty());
  CHECK(asks.take_due(kStart + 3s).size() == 1);
  CHECK(asks.next_deadline() == kNever);
}

TEST_CASE("one question more than the bound is refused") {
  PendingAsks asks(1);
  REQUIRE(asks.add(ask(1, kLeft, kStart)));
  CHECK_FALSE(asks.add(ask(2, kLeft, kStart)));
}
