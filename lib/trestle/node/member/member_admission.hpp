#pragma once

#include <algorithm>

#include "trestle/base/time.hpp"
#include "trestle/node/link_gate.hpp"
#include "trestle/node/member/own_membership.hpp"

namespace trestle::node {

/// A member's part in a network that one enters by invitation. The behaviour stands in
/// member_admission.cpp.
struct MemberAdmission {
  LinkGate gate;
  OwnMembership own;
  /// When the calendar is looked at next.
  Instant look_at = kNever;
  /// Not before this is a renewal asked for again.
  Instant renew_from = Instant::min();
  bool is_redeeming = false;

  Instant next_deadline() const { return std::min(look_at, gate.next_deadline()); }
};

}  // namespace trestle::node
