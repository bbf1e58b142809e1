#pragma once

#include <cstdint>

#include "trestle/base/assertion.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::mesh {

/// Who opened a connection, seen from here.
enum class Direction : std::uint8_t { dialled, accepted };

/// Of two peers that dialled each other, the one whose dial is dropped: the smaller id is the
/// polite one (P-CR-22). The order is that of the ids as numbers, so both sides decide alike.
constexpr NodeId yielding_dialler(const NodeId& left, const NodeId& right) {
  TRESTLE_ASSERT(left != right);
  return left < right ? left : right;
}

/// What to do when a second connection to a linked peer opens.
enum class Collision : std::uint8_t {
  /// The new one stays and the old one is closed now.
  replace,
  /// The new one stays; the old one is kept as a spare until its grace is over.
  replace_leaving_spare,
  /// The old one stays and the new one is closed now.
  refuse,
  /// The old one stays; the new one is kept as a spare until its grace is over.
  refuse_leaving_spare,
};

struct CollisionCase {
  NodeId self{};
  NodeId peer{};
  wire::Dialect dialect = wire::Dialect::native;
  Direction old_direction = Direction::dialled;
  Direction new_direction = Direction::dialled;
  /// The old link has been open for longer than a dial and a handshake may last.
  bool old_is_settled = false;
};

/// The decision table (P-CR-20, P-CR-22). Between native peers both sides reach the same end
/// whatever the order in which they see the connections open:
///
///   directions  old link   stays                             closed by
///   different   fresh      the one dialled by the larger id  its dialler, the last to see it open
///   different   settled    the new one (the peer lost the    grace (nobody may be listening on
///                          old one: it never dials a link    the old one any more)
///                          it has)
///   the same    any        the new one                       the acceptor, which sees one order
///
/// A peer of the old dialect has no working rule: the newer socket stays, the older is closed at
/// once.
constexpr Collision decide(const CollisionCase& situation) {
  if (situation.dialect == wire::Dialect::legacy) return Collision::replace;
  if (situation.old_direction == situation.new_direction) {
    return situation.new_direction == Direction::accepted ? Collision::replace
                                                          : Collision::replace_leaving_spare;
  }
  if (situation.old_is_settled) return Collision::replace_leaving_spare;
  const bool we_yield = yielding_dialler(situation.self, situation.peer) == situation.self;
  const Direction winning = we_yield ? Direction::accepted : Direction::dialled;
  if (situation.new_direction == winning) {
    return winning == Direction::dialled ? Collision::replace : Collision::replace_leaving_spare;
  }
  return winning == Direction::dialled ? Collision::refuse : Collision::refuse_leaving_spare;
}

}  // namespace trestle::mesh
