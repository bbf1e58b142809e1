#include "trestle/admission/membership_desk.hpp"

#include <algorithm>
#include <utility>

namespace trestle::admission {
namespace {

bool has_ended(WallTime now, const crypto::Membership& membership) {
  return membership.expires <= now;
}

/// The content alone: who issued it elsewhere does not stand for it here.
crypto::Membership without_issuer(crypto::Membership membership) {
  membership.issuer = {};
  membership.signature = {};
  return membership;
}

}  // namespace

MembershipDesk::MembershipDesk(DeskOptions options) : options_(std::move(options)) {
  lists_.resize(options_.founders.size());
}

Result<crypto::Membership, ErrorCode> MembershipDesk::redeem(
    crypto::Suite& suite, WallTime now, const crypto::VerifiedInvitation& invitation,
    const crypto::VerifiedIdentity& invitee) {
  const crypto::Invitation& token = *invitation;
  const NodeId id = crypto::node_id_of(suite, invitee->proof_key);
  redeemed_.erase_if([&](const auto& entry) { return entry.second.forgotten <= now; });
  if (!is_good(now, token, *invitee, id)) return refuse_token();
  if (const Member* known = members_.find(id); known && !has_ended(now, known->granted)) {
    // One key, one record: with other keys beside it, it is not the member we know.
    if (known->granted.message_key != invitee->message_key) return refuse_token();
    ++counters_.redeemed_again;
    return known->granted;
  }
  const auto inviter = inviter_of(now, token.inviter);
  const bool is_possible =
      inviter && !leads_over(inviter->id, id) && may_have(id, invitee->message_key);
  if (!is_possible) return refuse_token();
  const bool has_invitation_left = live_invitees(now, token.inviter) < inviter->budget;
  if (!has_invitation_left || inviter->depth >= options_.depth_max) {
    ++counters_.over_budget;
    return refuse(ErrorCode::refused);
  }
  if (redeemed_.size() >= options_.members_max || !make_room(now, id)) {
    return refuse(ErrorCode::store_full);
  }
  crypto::Membership granted;
  granted.network = options_.network;
  granted.member = invitee->proof_key;
  granted.message_key = invitee->message_key;
  granted.inviter = token.inviter;
  granted.nonce = token.nonce;
  granted.depth = static_cast<std::uint8_t>(inviter->depth + 1);
  granted.issued = now;
  granted.expires = now + crypto::kMembershipLife;
  remember(id, granted, inviter->id);
  redeemed_.insert_or_assign(token.nonce, {id, token.expires});
  ++counters_.redeemed;
  return granted;
}

Result<crypto::Membership, ErrorCode> MembershipDesk::renew(crypto::Suite& suite, WallTime now,
                                                            const crypto::VerifiedMembership& token,
                                                            const crypto::PublicKey& presenter) {
  const bool is_own = crypto::check(*token, {options_.network, presenter, now}) == ErrorCode::none;
  if (!is_own) return refuse_token();
  const ErrorCode code = introduce(suite, now, token);
  if (code != ErrorCode::none) return refuse(code);
  Member& member = *members_.find(crypto::node_id_of(suite, presenter));
  if (member.granted.expires - now > crypto::kMembershipLife / 2) return member.granted;
  member.granted.issued = now;
  member.granted.expires = now + crypto::kMembershipLife;
  ++counters_.renewed;
  return member.granted;
}

ErrorCode MembershipDesk::introduce(crypto::Suite& suite, WallTime now,
                                    const crypto::VerifiedMembership& token) {
  const NodeId id = crypto::node_id_of(suite, token->member);
  if (!is_good(now, *token, id) || !may_have(id, token->message_key)) {
    return refuse_token().error();
  }
  if (const Member* known = members_.find(id)) {
    if (known->granted.message_key != token->message_key) return refuse_token().error();
    if (known->granted.expires >= token->expires) return ErrorCode::none;
  }
  if (const Redemption* before = redeemed_.find(token->nonce); before && before->invitee != id) {
    return refuse_token().error();
  }
  if (!make_room(now, id)) return ErrorCode::store_full;
  note_redemption(id, *token);
  const NodeId* const inviter = ids_by_message_key_.find(token->inviter);
  // A way that would lead in a circle is not the way it came.
  const bool is_known = inviter != nullptr && !leads_over(*inviter, id);
  remember(id, without_issuer(*token), is_known ? *inviter : NodeId());
  return ErrorCode::none;
}

ErrorCode MembershipDesk::adopt(const crypto::VerifiedRevocationList& list) {
  const auto founder = std::ranges::find(options_.founders, list->founder);
  if (founder == options_.founders.end() || list->network != options_.network) {
    return ErrorCode::unauthorized;
  }
  crypto::RevocationList& in_force =
      lists_[static_cast<std::size_t>(founder - options_.founders.begin())];
  if (*list == in_force) return ErrorCode::none;
  if (list->number <= in_force.number) return ErrorCode::outdated;
  in_force = *list;
  return ErrorCode::none;
}

void MembershipDesk::trust(const crypto::Ed25519Key& issuer) {
  if (is_issuer(issuer)) return;
  if (options_.issuers.size() >= options_.issuers_max) {
    options_.issuers.erase(options_.issuers.begin());
  }
  options_.issuers.push_back(issuer);
}

void MembershipDesk::restore(crypto::Suite& suite, const std::vector<crypto::Membership>& members) {
  for (const crypto::Membership& granted : members) {
    if (members_.size() >= options_.members_max) break;
    const NodeId id = crypto::node_id_of(suite, granted.member);
    if (members_.contains(id) || !may_have(id, granted.message_key)) continue;
    note_redemption(id, granted);
    remember(id, without_issuer(granted), NodeId());
  }
  // Who let whom in, now that all are there.
  for (auto& [id, member] : members_) {
    const NodeId* const inviter = ids_by_message_key_.find(member.granted.inviter);
    if (inviter != nullptr && !leads_over(*inviter, id)) member.inviter = *inviter;
  }
}

void MembershipDesk::note_redemption(const NodeId& id, const crypto::Membership& granted) {
  if (redeemed_.size() >= options_.members_max) return;
  // When the invitation ends is not said in what it made: at the latest then.
  redeemed_.insert(granted.nonce, {id, granted.issued + crypto::kInvitationLifeMax});
}

std::vector<crypto::Membership> MembershipDesk::members() const {
  std::vector<crypto::Membership> all;
  all.reserve(members_.size());
  for (const auto& [id, member] : members_) all.push_back(member.granted);
  return all;
}

bool MembershipDesk::is_member(WallTime now, const NodeId& id) const {
  const Member* const member = members_.find(id);
  return member != nullptr && !has_ended(now, member->granted) && !is_revoked(id);
}

bool MembershipDesk::is_revoked(const NodeId& id) const {
  const std::vector<NodeId> path = path_of(id);
  const auto revokes = [&](const crypto::RevocationList& list) {
    if (crypto::find(list, id) != nullptr) return true;
    return std::ranges::any_of(path, [&](const NodeId& above) {
      const crypto::RevokedMember* const revoked = crypto::find(list, above);
      return revoked != nullptr && revoked->reach == crypto::RevocationReach::branch;
    });
  };
  return std::ranges::any_of(lists_, revokes);
}

std::vector<NodeId> MembershipDesk::path_of(const NodeId& id) const {
  std::vector<NodeId> path;
  const Member* member = members_.find(id);
  NodeId place = id;
  // No way leads in a circle (`leads_over`), so none is longer than that.
  while (member != nullptr && path.size() < members_.size()) {
    path.push_back(place);
    place = member->inviter;
    member = place.is_zero() ? nullptr : members_.find(place);
  }
  return path;
}

std::vector<NodeId> MembershipDesk::invitees_of(const NodeId& id) const {
  std::vector<NodeId> invitees;
  for (const auto& [invitee, member] : members_) {
    if (member.inviter == id) invitees.push_back(invitee);
  }
  return invitees;
}

bool MembershipDesk::is_founder(const crypto::Ed25519Key& key) const {
  return std::ranges::find(options_.founders, key) != options_.founders.end();
}

bool MembershipDesk::is_issuer(const crypto::Ed25519Key& key) const {
  return is_founder(key) || std::ranges::find(options_.issuers, key) != options_.issuers.end();
}

std::optional<MembershipDesk::Inviter> MembershipDesk::inviter_of(
    WallTime now, const crypto::Ed25519Key& key) const {
  if (is_founder(key)) return Inviter{NodeId(), 0, options_.founder_invitees_max};
  const NodeId* const id = ids_by_message_key_.find(key);
  if (id == nullptr || !is_member(now, *id)) return std::nullopt;
  return Inviter{*id, members_.find(*id)->granted.depth, options_.invitees_max};
}

bool MembershipDesk::leads_over(NodeId from, const NodeId& id) const {
  const std::vector<NodeId> path = path_of(from);
  return std::ranges::find(path, id) != path.end();
}

std::size_t MembershipDesk::live_invitees(WallTime now, const crypto::Ed25519Key& inviter) const {
  // Revoked ones count until they would have expired: whoever lets somebody bad in does not get
  // the invitation back.
  return static_cast<std::size_t>(std::ranges::count_if(members_, [&](const auto& entry) {
    return entry.second.granted.inviter == inviter && !has_ended(now, entry.second.granted);
  }));
}

bool MembershipDesk::is_good(WallTime now, const crypto::Invitation& token,
                             const crypto::IdentityRecord& invitee, const NodeId& id) const {
  const crypto::TokenCheck against{options_.network, invitee.proof_key, now};
  if (crypto::check(token, against) != ErrorCode::none) return false;
  const auto revokes = [&](const auto& list) { return crypto::is_revoked(list, token.nonce); };
  if (std::ranges::any_of(lists_, revokes) || is_revoked(id)) return false;
  // An inviter who writes one nonce into two invitations does not get two members for it.
  const Redemption* const before = redeemed_.find(token.nonce);
  return before == nullptr || before->invitee == id;
}

bool MembershipDesk::is_good(WallTime now, const crypto::Membership& token,
                             const NodeId& id) const {
  const crypto::TokenCheck against{options_.network, token.member, now};
  return crypto::check(token, against) == ErrorCode::none && is_issuer(token.issuer) &&
         token.depth <= options_.depth_max && !is_revoked(id);
}

bool MembershipDesk::may_have(const NodeId& id, const crypto::Ed25519Key& message_key) const {
  const NodeId* const owner = ids_by_message_key_.find(message_key);
  return !is_founder(message_key) && (owner == nullptr || *owner == id);
}

bool MembershipDesk::make_room(WallTime now, const NodeId& id) {
  if (members_.contains(id) || members_.size() < options_.members_max) return true;
  auto first = members_.end();
  for (auto entry = members_.begin(); entry != members_.end(); ++entry) {
    if (!has_ended(now, entry->second.granted)) continue;
    if (first == members_.end() || entry->second.granted.expires < first->second.granted.expires) {
      first = entry;
    }
  }
  if (first == members_.end()) return false;
  ids_by_message_key_.erase(first->second.granted.message_key);
  members_.erase(first);
  return true;
}

void MembershipDesk::remember(const NodeId& id, crypto::Membership granted, const NodeId& inviter) {
  // Who comes back after its membership ended may have other keys beside its first.
  if (const Member* before = members_.find(id)) {
    ids_by_message_key_.erase(before->granted.message_key);
  }
  ids_by_message_key_.insert_or_assign(granted.message_key, id);
  members_.insert_or_assign(id, {std::move(granted), inviter});
}

Result<crypto::Membership, ErrorCode> MembershipDesk::refuse_token() {
  ++counters_.refused;
  return refuse(ErrorCode::invalid_token);
}

}  // namespace trestle::admission
