#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/admission/desk_options.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"

namespace trestle::admission {

/// One member, as the tree of invitations knows it.
struct Member {
  crypto::Membership granted;  ///< What it was told last, without issuer and signature.
  NodeId inviter;              ///< The id of who let it in; zero if that was a founder.
};

struct DeskCounters {
  std::uint64_t redeemed = 0;        ///< Somebody became a member.
  std::uint64_t redeemed_again = 0;  ///< A member asked with its invitation once more.
  std::uint64_t renewed = 0;
  std::uint64_t refused = 0;      ///< Tokens that were no good, for whatever reason.
  std::uint64_t over_budget = 0;  ///< Good ones of inviters that have no invitation left.
};

/// Where invitations become memberships: a policy, asked by whoever serves newcomers in a network
/// that one enters by invitation.
///
/// It takes tokens whose signatures were checked (`Verified`) and answers with what to sign: the
/// content of a membership, which the driver signs with this node's Ed25519 key. Signing is
/// deterministic, so that the same content is the same token.
///
/// What it promises:
/// - One invitation makes one member. The invitee it names may redeem it again, here or at another
///   desk, and here gets the same membership, so that a lost answer costs nothing; nobody else can.
/// - Nobody is let in by a stranger, by one whose membership has ended or was revoked, beyond his
///   budget, or below the greatest depth.
/// - A list of revocations is never replaced by an older one.
/// - Members are remembered with who let them in, also when they have expired, until their place is
///   needed.
///
/// All refusals of tokens are INVALID_TOKEN, whatever the reason (T23). The calendar is the
/// caller's: tokens are dated by it.
class MembershipDesk {
 public:
  explicit MembershipDesk(DeskOptions options);

  /// Makes the invitee a member, or finds that it is one. `invitee` is the record of the key that
  /// the presenter proved on its link. REFUSED: the inviter has no invitation left, or stands too
  /// deep. STORE_FULL: no place for another member.
  Result<crypto::Membership, ErrorCode> redeem(crypto::Suite& suite, WallTime now,
                                               const crypto::VerifiedInvitation& invitation,
                                               const crypto::VerifiedIdentity& invitee);

  /// A membership for another month in place of one that has not ended. In its first half it is
  /// the same again: asking often changes nothing.
  Result<crypto::Membership, ErrorCode> renew(crypto::Suite& suite, WallTime now,
                                              const crypto::VerifiedMembership& token,
                                              const crypto::PublicKey& presenter);

  /// Takes notice of a member that another desk let in: an inviter, whose invitees come here.
  /// NONE, INVALID_TOKEN, or STORE_FULL.
  ErrorCode introduce(crypto::Suite& suite, WallTime now, const crypto::VerifiedMembership& token);

  /// NONE if the list is in force now, also if it was before. OUTDATED: a newer one of that founder
  /// is, or another one of the same number. UNAUTHORIZED: not of a founder, or of another network.
  ErrorCode adopt(const crypto::VerifiedRevocationList& list);

  /// From now on memberships that this key issued are believed: a founder has certified it, and the
  /// caller has looked at the certificate. Over `issuers_max` the one that was named first goes.
  void trust(const crypto::Ed25519Key& issuer);
  /// Takes back what `members` gave before a restart; of one that has ended nothing but the memory
  /// stays. What was written down here was checked before.
  void restore(crypto::Suite& suite, const std::vector<crypto::Membership>& members);

  bool is_member(WallTime now, const NodeId& id) const;
  /// Itself, or somebody above it with all who came by him.
  bool is_revoked(const NodeId& id) const;

  // For the audit.
  const Member* find(const NodeId& id) const { return members_.find(id); }
  /// From the member up to whom a founder let in; ends early where the way is not remembered.
  std::vector<NodeId> path_of(const NodeId& id) const;
  /// In the order of their ids.
  std::vector<NodeId> invitees_of(const NodeId& id) const;
  std::size_t size() const { return members_.size(); }
  /// In the order of their ids, without issuer and signature.
  std::vector<crypto::Membership> members() const;
  const DeskCounters& counters() const { return counters_; }

 private:
  /// Who vouches for an invitation.
  struct Inviter {
    NodeId id;  ///< Zero: a founder.
    std::uint8_t depth = 0;
    std::size_t budget = 0;
  };
  struct Redemption {
    NodeId invitee;
    WallTime forgotten{};  ///< The invitation has ended by itself.
  };

  bool is_founder(const crypto::Ed25519Key& key) const;
  bool is_issuer(const crypto::Ed25519Key& key) const;
  std::optional<Inviter> inviter_of(WallTime now, const crypto::Ed25519Key& key) const;
  /// Whether the way up from `from` leads over `id`: then `id` cannot stand below.
  bool leads_over(NodeId from, const NodeId& id) const;
  std::size_t live_invitees(WallTime now, const crypto::Ed25519Key& inviter) const;
  bool is_good(WallTime now, const crypto::Invitation& token, const crypto::IdentityRecord& invitee,
               const NodeId& id) const;
  /// Whether this desk lets the holder of a membership count as a member.
  bool is_good(WallTime now, const crypto::Membership& token, const NodeId& id) const;
  /// Whether nobody else signs with that key.
  bool may_have(const NodeId& id, const crypto::Ed25519Key& message_key) const;
  /// A place for `id`: its own, a free one, or that of whom expired first.
  bool make_room(WallTime now, const NodeId& id);
  void remember(const NodeId& id, crypto::Membership granted, const NodeId& inviter);
  /// That invitation made this member, and makes no other.
  void note_redemption(const NodeId& id, const crypto::Membership& granted);
  Result<crypto::Membership, ErrorCode> refuse_token();

  DeskOptions options_;
  FlatMap<NodeId, Member> members_;
  FlatMap<crypto::Ed25519Key, NodeId> ids_by_message_key_;
  FlatMap<crypto::InvitationNonce, Redemption> redeemed_;
  std::vector<crypto::RevocationList> lists_;  ///< One for each founder, in their order.
  DeskCounters counters_;
};

}  // namespace trestle::admission
