#pragma once

#include <optional>

#include "trestle/admission/gatekeeper.hpp"
#include "trestle/node/admission_options.hpp"
#include "trestle/wire/message/admission.hpp"

namespace trestle::node {

/// What we are in a network that one enters by invitation: a policy. At a bridge the membership is
/// a founder's, its certificate.
class OwnMembership {
 public:
  OwnMembership(const AdmissionOptions& options, const NodeId& self)
      : self_(self), identity_(options.identity), invitation_(options.invitation) {}

  /// Takes a membership if it is ours and good for longer than what we have; INVALID_TOKEN
  /// otherwise.
  ErrorCode adopt(crypto::Suite& suite, admission::Gatekeeper& keeper, WallTime wall,
                  const Bytes& membership, const Bytes& certificate);
  /// The same with what `saved` gave.
  ErrorCode restore(crypto::Suite& suite, admission::Gatekeeper& keeper, WallTime wall,
                    const Bytes& saved);
  /// Membership and certificate, one behind the other: as they are kept in a file.
  Bytes saved() const;

  bool is_member(WallTime wall) const { return wall < until_; }
  /// In its second half, so that there is time to find somebody who does it.
  bool wants_renewal(WallTime wall) const { return is_member(wall) && renew_at_ <= wall; }
  /// What to ask a bridge for: a renewal, or to redeem our invitation. Nothing if we have neither.
  std::optional<wire::RedeemRequest> request(WallTime wall) const;
  wire::Credentials credentials(const wire::RevocationsMark& mark) const;
  const Bytes& membership() const { return membership_; }
  WallTime until() const { return until_; }

 private:
  NodeId self_;
  Bytes identity_;
  Bytes invitation_;
  Bytes membership_;
  Bytes certificate_;
  WallTime until_ = WallTime::min();
  WallTime renew_at_ = WallTime::max();
};

}  // namespace trestle::node
