#pragma once

#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

/// A member that routes but keeps no data, and answers a bootstrap node's questions for active
/// peers out of a bounded queue.
class BridgeNode final : public MemberNode {
 public:
  BridgeNode(const BridgeOptions& options, const crypto::Identity& identity, crypto::Suite& suite,
             Rng rng);

  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  Status status(Instant now) const override;
  /// A bridge without members still does its job: it says so and names other ways in.
  bool is_healthy(Instant now) const override;

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
  bool pump_program(Instant now) override;

 private:
  bridge::IntroductionDeskOptions desk_options_;
  bridge::IntroductionDesk desk_;
  /// Connections on which a bootstrap node has shown the shared secret: nobody else may ask for
  /// introductions.
  FlatMap<link::ConnectionId, bool> bootstraps_;
};

}  // namespace trestle::node
