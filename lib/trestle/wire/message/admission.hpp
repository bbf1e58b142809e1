#pragma once

#include <array>
#include <cstdint>

#include "trestle/base/bytes.hpp"

namespace trestle::wire {

// What is said in a network that one enters by invitation. Tokens and records of identity travel in
// the one encoding that they have (crypto/token.hpp, crypto/identity_record.hpp); whoever takes
// them decodes and checks them.

/// Says which lists of revocations are in force at the sender: the first bytes of a digest over
/// their founders and numbers; all zero where there is none.
using RevocationsMark = std::array<std::uint8_t, 8>;

/// The first record of either side once a link is open, and again when it changed: who may be here.
struct Credentials {
  Bytes identity;    ///< The sender's identity record.
  Bytes membership;  ///< Empty: a newcomer, or a bootstrap node.
  /// The founder's word on who issued the membership; empty if a founder did.
  Bytes certificate;
  RevocationsMark revocations{};
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// From a founder's bootstrap node to a bridge, which from now on may issue memberships.
struct Certify {
  Bytes membership;
  friend bool operator==(const Certify&, const Certify&) = default;
};

/// A list that the receiver does not seem to have.
struct Revocations {
  Bytes list;
  friend bool operator==(const Revocations&, const Revocations&) = default;
};

/// Asks a bridge, or a bootstrap node that passes it on to one, for a membership.
struct RedeemRequest {
  Bytes identity;    ///< Of whom the token names.
  Bytes invitation;  ///< Empty when a membership is to be renewed.
  Bytes membership;  ///< Empty when an invitation is redeemed.
  Bytes certificate;
  friend bool operator==(const RedeemRequest&, const RedeemRequest&) = default;
};

struct RedeemResponse {
  Bytes membership;
  Bytes certificate;  ///< Of the bridge that issued it.
  /// What members seal values with, sealed to the asker's X25519 key. Empty where there is none.
  Bytes network_key;
  friend bool operator==(const RedeemResponse&, const RedeemResponse&) = default;
};

}  // namespace trestle::wire
