#pragma once

#include <compare>
#include <vector>

#include "trestle/crypto/token.hpp"

namespace trestle::crypto {

/// How far the revocation of a member goes.
enum class RevocationReach : std::uint8_t {
  member = 0,  ///< It alone; whom it invited stays.
  branch = 1,  ///< Everybody whose way in leads over it, too.
};

struct RevokedMember {
  NodeId id;
  RevocationReach reach = RevocationReach::member;
  friend auto operator<=>(const RevokedMember&, const RevokedMember&) = default;
};

/// Invitations that must not be redeemed any more and members that are none any more, signed by the
/// network's founder. Each list is whole and has a higher number than the one before; who knows one
/// refuses every lower one, so that nobody can bring back an old list (T10, T12).
///
///     | version = 1 | network: 32 | founder, Ed25519: 32 | number: 8 | issued: 8 |
///     | count: 2 | nonces, 16 each, ascending | count: 2 | members, id 20 and reach 1 each,
///     ascending by id | signature: 64 |
struct RevocationList {
  NetworkHash network{};
  Ed25519Key founder;
  std::uint64_t number = 0;
  WallTime issued{};
  std::vector<InvitationNonce> invitations;
  std::vector<RevokedMember> members;
  Ed25519Signature signature;

  friend bool operator==(const RevocationList&, const RevocationList&) = default;
};
using VerifiedRevocationList = Verified<RevocationList>;

/// Of each kind. Entries may be dropped when what they revoke has expired by itself, at the latest
/// after `kMembershipLife`. A full list has 37 KB: it fits into one batch of the native dialect.
inline constexpr std::size_t kRevocationsMax = 1000;

/// Adds in order; a member that is there keeps the farther reach. False if the list is full.
[[nodiscard]] bool revoke(RevocationList& list, const InvitationNonce& nonce);
[[nodiscard]] bool revoke(RevocationList& list, const RevokedMember& member);

bool is_revoked(const RevocationList& list, const InvitationNonce& nonce);
/// Null if the member does not stand in the list.
const RevokedMember* find(const RevocationList& list, const NodeId& id);

Bytes encode(const RevocationList& list);
/// PROTOCOL_ERROR for anything but the one encoding of a list, TOO_LARGE above the bound. Sizes are
/// checked before anything is allocated; the signature is not looked at.
Result<RevocationList, ErrorCode> decode_revocation_list(ByteSpan bytes);
Bytes revocation_transcript(const RevocationList& list);
RevocationList sign(RevocationList list, const Ed25519Pair& founder);
bool is_genuine(const RevocationList& list);

}  // namespace trestle::crypto
