#include "trestle/node/member/own_membership.hpp"

#include <algorithm>

namespace trestle::node {

ErrorCode OwnMembership::adopt(crypto::Suite& suite, admission::Gatekeeper& keeper, WallTime wall,
                               const Bytes& membership, const Bytes& certificate) {
  const auto admitted =
      keeper.check(suite, wall, self_, {.membership = membership, .certificate = certificate});
  if (!admitted) return admitted.error();
  // Also when it is the same again: what certifies its issuer may be newer.
  if (admitted->until < until_) return ErrorCode::invalid_token;
  membership_ = membership;
  certificate_ = certificate;
  until_ = admitted->until;
  const WallTime issued = admitted->membership->issued;
  renew_at_ = issued + (until_ - issued) / 2;
  return ErrorCode::none;
}

ErrorCode OwnMembership::restore(crypto::Suite& suite, admission::Gatekeeper& keeper, WallTime wall,
                                 const Bytes& saved) {
  const std::size_t first = std::min(saved.size(), crypto::kMembershipBytes);
  const auto middle = saved.begin() + static_cast<std::ptrdiff_t>(first);
  return adopt(suite, keeper, wall, Bytes(saved.begin(), middle), Bytes(middle, saved.end()));
}

Bytes OwnMembership::saved() const {
  Bytes saved = membership_;
  append(saved, certificate_);
  return saved;
}

std::optional<wire::RedeemRequest> OwnMembership::request(WallTime wall) const {
  if (is_member(wall)) return wire::RedeemRequest{identity_, {}, membership_, certificate_};
  if (invitation_.empty()) return std::nullopt;
  return wire::RedeemRequest{identity_, invitation_, {}, {}};
}

wire::Credentials OwnMembership::credentials(const wire::RevocationsMark& mark) const {
  return {identity_, membership_, certificate_, mark};
}

}  // namespace trestle::node
