#pragma once

#include <compare>
#include <cstdint>

#include "trestle/crypto/token.hpp"

namespace trestle::node {

/// Pairs a membership to be issued with its answer.
struct IssueTicket {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const IssueTicket&, const IssueTicket&) = default;
};

/// Sign this with our Ed25519 key, and seal to the member what members seal values with. Answered
/// by `Node::on_membership_issued`.
struct IssueMembership {
  IssueTicket ticket;
  crypto::Membership content;  ///< All but issuer and signature.
  crypto::X25519Key sealing_key;
};

}  // namespace trestle::node
