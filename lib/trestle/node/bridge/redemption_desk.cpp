#include "trestle/node/bridge/redemption_desk.hpp"

#include <utility>

namespace trestle::node {
namespace {

/// Nobody learns why a token is no good (T23); what to do about it can be said.
std::string_view sentence(ErrorCode code) {
  switch (code) {
    case ErrorCode::refused:
      return "the inviter has no invitation left, or stands too deep";
    case ErrorCode::store_full:
      return "this bridge has no place for another member";
    default:
      return "the token is expired, revoked, forged or for somebody else: ask for another";
  }
}

}  // namespace

void RedemptionDesk::on_request(WallTime wall, admission::Gatekeeper& keeper,
                                link::ConnectionId connection, wire::RequestId id,
                                const wire::RedeemRequest& request) {
  if (asks_.size() >= asks_max_) {
    return outbox_.push(Answer{connection, id, wire::Failure{ErrorCode::busy, 1000, {}}});
  }
  const auto identity = crypto::decode_identity_record(request.identity);
  const bool is_identity = identity && crypto::is_genuine(suite_, *identity);
  const auto content =
      is_identity ? grant(wall, keeper, *identity, request) : refuse(ErrorCode::invalid_token);
  if (!content) {
    const ErrorCode code = content.error();
    return outbox_.push(
        Answer{connection, id, wire::Failure{code, 0, std::string(sentence(code))}});
  }
  ++last_ticket_.value;
  asks_.insert(last_ticket_, {connection, id});
  outbox_.push(IssueMembership{last_ticket_, *content, identity->sealing_key});
}

Result<crypto::Membership, ErrorCode> RedemptionDesk::grant(WallTime wall,
                                                            admission::Gatekeeper& keeper,
                                                            const crypto::IdentityRecord& identity,
                                                            const wire::RedeemRequest& request) {
  if (request.invitation.empty()) {
    const NodeId id = crypto::node_id_of(suite_, identity.proof_key);
    const auto shown = keeper.check(
        suite_, wall, id, {.membership = request.membership, .certificate = request.certificate});
    if (!shown) return refuse(ErrorCode::invalid_token);
    desk_.trust(shown->membership->issuer);
    return desk_.renew(suite_, wall, shown->membership, identity.proof_key);
  }
  const auto invitation = crypto::decode_invitation(request.invitation);
  if (!invitation || !crypto::is_genuine(*invitation)) return refuse(ErrorCode::invalid_token);
  return desk_.redeem(suite_, wall, crypto::VerifiedInvitation::vouch_for(*invitation),
                      crypto::VerifiedIdentity::vouch_for(identity));
}

void RedemptionDesk::on_issued(IssueTicket ticket, const crypto::Membership& token,
                               Bytes network_key, const Bytes& certificate) {
  const Ask* const ask = asks_.find(ticket);
  if (ask == nullptr) return;
  outbox_.push(Answer{ask->connection, ask->id,
                      wire::RedeemResponse{.membership = crypto::encode(token),
                                           .certificate = certificate,
                                           .network_key = std::move(network_key)}});
  asks_.erase(ticket);
}

void RedemptionDesk::on_shown(WallTime wall, const crypto::Membership& membership) {
  desk_.trust(membership.issuer);
  // What the desk says to it changes nothing: the gate has decided.
  (void)desk_.introduce(suite_, wall, crypto::VerifiedMembership::vouch_for(membership));
}

std::optional<RedemptionDesk::Effect> RedemptionDesk::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
