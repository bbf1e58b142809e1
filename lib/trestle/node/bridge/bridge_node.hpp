#pragma once

#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/node/bridge/legacy_bootstrap_answers.hpp"
#include "trestle/node/bridge/redemption_desk.hpp"
#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

/// A member that routes but keeps no data, and answers a bootstrap node's questions for active
/// peers out of a bounded queue.
class BridgeNode final : public MemberNode {
 public:
  BridgeNode(const BridgeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
             Rng rng);
  ~BridgeNode() override;

  void restore(Instant now, Restored restored) override;
  void begin_shutdown(Instant now) override;
  void on_membership_issued(Instant now, IssueTicket ticket, const crypto::Membership& token,
                            Bytes network_key) override;

  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  Status status(Instant now) const override;
  /// A bridge without members still does its job: it says so and names other ways in.
  bool is_healthy(Instant now) const override;
  std::vector<MemberStatus> members() const override;

 protected:
  void serve(Instant now, link::ConnectionId connection, wire::RequestId id,
             const wire::Message& request) override;
  void on_bootstrap_linked(Instant now, link::ConnectionId connection) override;
  void on_withdrawn(Instant now, link::ConnectionId connection, wire::RequestId id) override;
  void on_channel_closed(Instant now, link::ConnectionId connection) override;
  void on_member_up(Instant now, const wire::Contact& peer) override;
  void on_member_heard(Instant now, const NodeId& peer) override;
  void on_member_down(Instant now, const NodeId& peer) override;
  void on_probe_ended(Instant now, const NodeId& peer, bool alive) override;
  void on_legacy_frame(Instant now, link::ConnectionId connection,
                       wire::legacy::FrameBox&& box) override;
  void introduce(Instant now, link::ConnectionId registration, wire::RequestId id,
                 const wire::IntroduceRequest& request) override;
  void on_member_shown(Instant now, const crypto::Membership& membership) override;
  void on_list_adopted(const crypto::VerifiedRevocationList& list) override;
  std::vector<link::ConnectionId> bootstrap_links() const override;
  bool pump_program(Instant now) override;

 private:
  void answer(Instant now, const bridge::Answer& answer);
  /// A helper of the old dialect waits to be told whom to invite; one of ours is simply dialled.
  void tell_helper(Instant now, const wire::Contact& newcomer, const wire::Message& answer);
  BridgeView view(Instant now) const;

  // bridge_admission.cpp: a network that one enters by invitation
  void redeem(Instant now, link::ConnectionId connection, wire::RequestId id,
              const wire::RedeemRequest& request);
  bool pump_redemptions(Instant now);
  void save_members();

  crypto::Suite& suite_;
  RedemptionDesk redemptions_;
  /// When what the desk knows is to be saved; `kNever` while it is.
  Instant save_members_at_ = kNever;
  bridge::IntroductionDeskOptions desk_options_;
  bridge::IntroductionDesk desk_;
  /// Connections on which a bootstrap node has shown the shared secret: nobody else may ask for
  /// introductions.
  FlatMap<link::ConnectionId, bool> bootstraps_;
  /// The connection on which a bootstrap node of the old system asks, the last one if there were
  /// several.
  std::optional<link::ConnectionId> old_source_;
  /// Newcomers for which a bootstrap node of the old system waits.
  FlatMap<wire::RequestId, wire::Contact> introducing_;
};

}  // namespace trestle::node
