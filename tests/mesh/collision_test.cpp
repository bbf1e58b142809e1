#include "trestle/mesh/collision.hpp"

#include <optional>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {
namespace {

using mesh::Collision;
using mesh::Direction;

bool takes_new(Collision collision) {
  return collision == Collision::replace || collision == Collision::replace_leaving_spare;
}

/// Whose dial `self` keeps when both dials opened at it, `own_first` saying in which order.
NodeId kept_dialler(const NodeId& self, const NodeId& peer, bool own_first) {
  const Direction first = own_first ? Direction::dialled : Direction::accepted;
  const Direction second = own_first ? Direction::accepted : Direction::dialled;
  const Collision decision =
      mesh::decide({.self = self, .peer = peer, .old_direction = first, .new_direction = second});
  const Direction kept = takes_new(decision) ? second : first;
  return kept == Direction::dialled ? self : peer;
}

void check_pair(const NodeId& left, const NodeId& right) {
  const NodeId larger = left < right ? right : left;
  CAPTURE(left.to_hex(), right.to_hex());
  for (const bool own_first : {false, true}) {
    REQUIRE(kept_dialler(left, right, own_first) == larger);
    REQUIRE(kept_dialler(right, left, own_first) == larger);
  }
  // The order is that of the hex texts, as a person compares them.
  REQUIRE((left < right) == (left.to_hex() < right.to_hex()));
  REQUIRE(mesh::yielding_dialler(left, right) == (left < right ? left : right));
}

TEST_CASE("P-CR-22: over all id pairs the dial of the smaller id is the one that goes") {
  Rng rng(22);
  const auto draw = [&rng] {
    const std::uint64_t high = rng.next();
    const std::uint64_t middle = rng.next();
    const std::uint64_t low = rng.next();
    return NodeId(high, middle, static_cast<std::uint32_t>(low));
  };
  for (unsigned pair = 0; pair < 2000; ++pair) {
    const NodeId left = draw();
    check_pair(left, draw());
    for (unsigned bit = 0; bit < NodeId::kBits; bit += 1 + pair % 7) {
      check_pair(left, left.with_bit_flipped(bit));  // near-equal ids
    }
  }
  // Leading zeros, and the ends of each machine word.
  const NodeId edges[] = {{0, 0, 1},     {0, 0, 0xffffffff}, {0, 1, 0},
                          {0, ~0ull, 0}, {0, ~0ull, ~0u},    {1, 0, 0},
                          {1, 0, 1},     {~0ull, 0, 0},      {~0ull, ~0ull, ~0u}};
  for (const NodeId& left : edges) {
    for (const NodeId& right : edges) {
      if (left != right) check_pair(left, right);
    }
  }
}

TEST_CASE("the dialler of the connection that stays closes the other one, the acceptor waits") {
  const NodeId small(0, 0, 1);
  const NodeId large(0, 0, 2);
  const auto at = [](const NodeId& self, const NodeId& peer, Direction old_one) {
    const Direction new_one =
        old_one == Direction::dialled ? Direction::accepted : Direction::dialled;
    return mesh::decide(
        {.self = self, .peer = peer, .old_direction = old_one, .new_direction = new_one});
  };
  CHECK(at(large, small, Direction::dialled) == Collision::refuse);
  CHECK(at(large, small, Direction::accepted) == Collision::replace);
  CHECK(at(small, large, Direction::dialled) == Collision::replace_leaving_spare);
  CHECK(at(small, large, Direction::accepted) == Collision::refuse_leaving_spare);
}

TEST_CASE("a second connection in the same direction replaces the first, the acceptor closing it") {
  for (const bool smaller : {false, true}) {
    const NodeId self(0, 0, smaller ? 1 : 3);
    const NodeId peer(0, 0, 2);
    CHECK(mesh::decide({.self = self,
                        .peer = peer,
                        .old_direction = Direction::accepted,
                        .new_direction = Direction::accepted}) == Collision::replace);
    CHECK(mesh::decide({.self = self,
                        .peer = peer,
                        .old_direction = Direction::dialled,
                        .new_direction = Direction::dialled}) == Collision::replace_leaving_spare);
  }
}

TEST_CASE("a link that is long settled gives way to a newer one: the peer has lost it") {
  for (const bool smaller : {false, true}) {
    for (const Direction old_one : {Direction::dialled, Direction::accepted}) {
      const Direction new_one =
          old_one == Direction::dialled ? Direction::accepted : Direction::dialled;
      CHECK(mesh::decide({.self = NodeId(0, 0, smaller ? 1 : 3),
                          .peer = NodeId(0, 0, 2),
                          .old_direction = old_one,
                          .new_direction = new_one,
                          .old_is_settled = true}) == Collision::replace_leaving_spare);
    }
  }
}

TEST_CASE("with a peer of the old dialect the newer socket stays and the older is closed") {
  for (const Direction old_one : {Direction::dialled, Direction::accepted}) {
    for (const Direction new_one : {Direction::dialled, Direction::accepted}) {
      CHECK(mesh::decide({.self = NodeId(0, 0, 3),
                          .peer = NodeId(0, 0, 2),
                          .dialect = wire::Dialect::legacy,
                          .old_direction = old_one,
                          .new_direction = new_one}) == Collision::replace);
    }
  }
}

}  // namespace
}  // namespace trestle::test
