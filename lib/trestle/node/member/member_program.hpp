#pragma once

#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

/// What happens at a member and concerns the program that it is, and nobody else: by default
/// nothing.
class MemberProgram {
 public:
  virtual ~MemberProgram() = default;

 protected:
  virtual void on_withdrawn(Instant, link::ConnectionId, wire::RequestId) {}
  virtual void on_channel_closed(Instant, link::ConnectionId) {}
  virtual void on_member_up(Instant, const wire::Contact&) {}
  virtual void on_member_heard(Instant, const NodeId&) {}
  virtual void on_member_down(Instant, const NodeId&) {}
  virtual void on_probe_ended(Instant, const NodeId&, bool /*alive*/) {}
  /// Somebody linked has shown this, and it is good.
  virtual void on_member_shown(Instant, const crypto::Membership&) {}
  virtual void on_list_adopted(const crypto::VerifiedRevocationList&) {}
  /// Connections on which bootstrap nodes ask us.
  virtual std::vector<link::ConnectionId> bootstrap_links() const { return {}; }
  /// Moves the effects of the program's own machines; true if there were any.
  virtual bool pump_program(Instant) { return false; }
};

}  // namespace trestle::node
