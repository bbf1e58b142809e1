// A bridge in a network that one enters by invitation: it redeems, renews, and remembers whom it
// let in.

#include <utility>

#include "trestle/node/bridge/bridge_node.hpp"

namespace trestle::node {
namespace {

/// What a burst of redemptions changes is written once.
constexpr Duration kSaveWithin = std::chrono::seconds(1);
/// Until a bootstrap node has dialled us, as a rule.
constexpr std::uint32_t kUncertifiedRetryMs = 1000;

}  // namespace

void BridgeNode::redeem(Instant now, link::ConnectionId connection, wire::RequestId id,
                        const wire::RedeemRequest& request) {
  if (!admission().gate.is_on()) {
    return respond(now, connection, id,
                   wire::Failure{ErrorCode::unsupported, 0, "this network is open"});
  }
  if (!admission().own.is_member(wall(now))) {
    return respond(now, connection, id,
                   wire::Failure{ErrorCode::busy, kUncertifiedRetryMs,
                                 "this bridge waits for its certificate of the founder"});
  }
  redemptions_.on_request(wall(now), admission().gate.keeper(), connection, id, request);
  if (save_members_at_ == kNever) save_members_at_ = after(now, kSaveWithin);
}

void BridgeNode::on_membership_issued(Instant, IssueTicket ticket, const crypto::Membership& token,
                                      Bytes network_key) {
  stir();
  redemptions_.on_issued(ticket, token, std::move(network_key), admission().own.membership());
}

bool BridgeNode::pump_redemptions(Instant now) {
  bool moved = false;
  while (auto effect = redemptions_.poll_effect()) {
    moved = true;
    if (auto* issue = std::get_if<IssueMembership>(&*effect)) {
      emit(*issue);
    } else {
      const auto& answer = std::get<RedemptionDesk::Answer>(*effect);
      respond(now, answer.connection, answer.id, answer.message);
    }
  }
  return moved;
}

void BridgeNode::on_member_shown(Instant now, const crypto::Membership& membership) {
  redemptions_.on_shown(wall(now), membership);
}

void BridgeNode::on_list_adopted(const crypto::VerifiedRevocationList& list) {
  (void)redemptions_.desk().adopt(list);
}

std::vector<link::ConnectionId> BridgeNode::bootstrap_links() const {
  std::vector<link::ConnectionId> links;
  for (const auto& [connection, is_bootstrap] : bootstraps_) links.push_back(connection);
  return links;
}

// ---- memory

void BridgeNode::restore(Instant now, Restored restored) {
  std::vector<crypto::Membership> members;
  ByteSpan rest = restored.members;
  for (; rest.size() >= crypto::kMembershipBytes; rest = rest.subspan(crypto::kMembershipBytes)) {
    const auto member = crypto::decode_membership(rest.first(crypto::kMembershipBytes));
    if (member) members.push_back(*member);
  }
  redemptions_.desk().restore(suite_, members);
  MemberNode::restore(now, std::move(restored));
}

void BridgeNode::save_members() {
  save_members_at_ = kNever;
  Bytes content;
  for (const crypto::Membership& member : redemptions_.desk().members()) {
    append(content, crypto::encode(member));
  }
  emit(SaveAdmission{SaveAdmission::Part::members, std::move(content)});
}

void BridgeNode::begin_shutdown(Instant now) {
  if (save_members_at_ != kNever) save_members();
  MemberNode::begin_shutdown(now);
}

std::vector<MemberStatus> BridgeNode::members() const {
  std::vector<MemberStatus> all;
  const admission::MembershipDesk& desk = redemptions_.desk();
  for (const crypto::Membership& granted : desk.members()) {
    MemberStatus member;
    member.id = crypto::node_id_of(suite_, granted.member);
    member.inviter = desk.find(member.id)->inviter;
    member.depth = granted.depth;
    member.invitation = granted.nonce;
    member.issued = granted.issued;
    member.expires = granted.expires;
    member.is_revoked = desk.is_revoked(member.id);
    member.is_linked = mesh().find(member.id).has_value();
    all.push_back(member);
  }
  return all;
}

}  // namespace trestle::node
