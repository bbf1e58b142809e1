#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/curve25519.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/crypto/verified.hpp"

// The tokens of a network that one enters by invitation (SEC-01..03). Both name the key of whom
// they are for, so neither is worth anything to who finds or steals it: there are no bearer tokens.
namespace trestle::crypto {

/// SHA-256 of the network's name under a context: a token opens one network.
using NetworkHash = Digest256;
NetworkHash network_hash(Suite& suite, std::string_view network);

inline constexpr std::size_t kInvitationNonceBytes = 16;
using InvitationNonce = std::array<std::uint8_t, kInvitationNonceBytes>;

/// A day is enough to answer an invitation, and few are open at a time (SEC-02).
inline constexpr std::chrono::hours kInvitationLife{24};
/// The longest that is believed: who prepares machines in advance gets a month, not for ever.
inline constexpr std::chrono::hours kInvitationLifeMax{30 * 24};
/// A month without renewal, and a member is none any more: that bounds how long a revocation list
/// must remember it (reliability.md, T10).
inline constexpr std::chrono::hours kMembershipLife{30 * 24};
/// Calendars differ by this much at most (reliability.md 11.1): a token may have been issued that
/// far in our future. Its end is taken by our own calendar, without allowance.
inline constexpr std::chrono::minutes kCalendarSkewMax{5};

/// "The holder of this key may become a member", said by a member or by the network's founder.
///
///     | version = 1 | network: 32 | inviter, Ed25519: 32 | invitee, P-256: 64 | nonce: 16 |
///     | issued: 8 | expires: 8 | signature: 64 |
struct Invitation {
  NetworkHash network{};
  Ed25519Key inviter;
  PublicKey invitee{};
  InvitationNonce nonce{};
  WallTime issued{};
  WallTime expires{};
  Ed25519Signature signature;

  friend bool operator==(const Invitation&, const Invitation&) = default;
};
using VerifiedInvitation = Verified<Invitation>;
inline constexpr std::size_t kInvitationBytes = 1 + 32 + 32 + 64 + 16 + 8 + 8 + 64;

/// "This key is a member, and this is how it came in", said by whoever redeemed the invitation.
///
///     | version = 1 | network: 32 | issuer, Ed25519: 32 | member, P-256: 64 |
///     | member's Ed25519 key: 32 | inviter, Ed25519: 32 | invitation's nonce: 16 | depth: 1 |
///     | issued: 8 | expires: 8 | signature: 64 |
struct Membership {
  NetworkHash network{};
  Ed25519Key issuer;
  PublicKey member{};
  Ed25519Key message_key;  ///< What the member signs its own invitations with.
  Ed25519Key inviter;      ///< For the audit: who answers for it.
  InvitationNonce nonce{};
  std::uint8_t depth = 1;  ///< Invitations from the founder down to here.
  WallTime issued{};
  WallTime expires{};
  Ed25519Signature signature;

  friend bool operator==(const Membership&, const Membership&) = default;
};
using VerifiedMembership = Verified<Membership>;
inline constexpr std::size_t kMembershipBytes = 1 + 32 + 32 + 64 + 32 + 32 + 16 + 1 + 8 + 8 + 64;

// For both kinds: decoding refuses whatever is not the one encoding of a token (PROTOCOL_ERROR) and
// lives that end before they begin or last longer than allowed (INVALID_TOKEN); it does not look at
// signatures. `sign` fills in who signs, and the signature. `is_genuine` is the strict check.

Bytes encode(const Invitation& token);
Result<Invitation, ErrorCode> decode_invitation(ByteSpan bytes);
Bytes token_transcript(const Invitation& token);
Invitation sign(Invitation token, const Ed25519Pair& inviter);
bool is_genuine(const Invitation& token);

Bytes encode(const Membership& token);
Result<Membership, ErrorCode> decode_membership(ByteSpan bytes);
Bytes token_transcript(const Membership& token);
Membership sign(Membership token, const Ed25519Pair& issuer);
bool is_genuine(const Membership& token);

/// What a token is checked against. The key is the one its presenter proved on the link.
struct TokenCheck {
  NetworkHash network{};
  PublicKey presenter{};
  WallTime now{};
};

/// NONE, or INVALID_TOKEN, whatever is wrong: another network, another presenter, not begun by more
/// than the skew, ended. Peers learn no more than that (T23); the order of the checks is not seen.
ErrorCode check(const Invitation& token, const TokenCheck& against);
ErrorCode check(const Membership& token, const TokenCheck& against);

}  // namespace trestle::crypto
