#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "trestle/admission/gatekeeper.hpp"
#include "trestle/admission/membership_desk.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/node/issue_membership.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

/// Where a bridge redeems and renews: decodes and checks what the wire brought, asks the
/// `MembershipDesk`, has the driver sign what it grants, and answers. A machine; every request ends
/// with one `Answer`.
class RedemptionDesk {
 public:
  struct Answer {
    link::ConnectionId connection;
    wire::RequestId id;
    wire::Message message;
  };
  using Effect = std::variant<Answer, IssueMembership>;

  /// `asks_max`: signatures that are waited for; one more is answered BUSY. The suite outlives it.
  RedemptionDesk(admission::DeskOptions options, crypto::Suite& suite, std::size_t asks_max = 256)
      : desk_(std::move(options)), suite_(suite), asks_max_(asks_max) {}

  void on_request(WallTime wall, admission::Gatekeeper& keeper, link::ConnectionId connection,
                  wire::RequestId id, const wire::RedeemRequest& request);
  /// `certificate`: the founder's word on us.
  void on_issued(IssueTicket ticket, const crypto::Membership& token, Bytes network_key,
                 const Bytes& certificate);
  /// A member showed what another bridge issued: whoever it let in comes here.
  void on_shown(WallTime wall, const crypto::Membership& membership);

  std::optional<Effect> poll_effect();
  admission::MembershipDesk& desk() { return desk_; }
  const admission::MembershipDesk& desk() const { return desk_; }

 private:
  struct Ask {
    link::ConnectionId connection;
    wire::RequestId id;
  };

  Result<crypto::Membership, ErrorCode> grant(WallTime wall, admission::Gatekeeper& keeper,
                                              const crypto::IdentityRecord& identity,
                                              const wire::RedeemRequest& request);

  admission::MembershipDesk desk_;
  crypto::Suite& suite_;
  std::size_t asks_max_;
  FlatMap<IssueTicket, Ask> asks_;
  IssueTicket last_ticket_{};
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
