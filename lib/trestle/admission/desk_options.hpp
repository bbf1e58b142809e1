#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/crypto/token.hpp"

namespace trestle::admission {

struct DeskOptions {
  crypto::NetworkHash network{};
  /// Whose invitations need no membership behind them, and whose lists of revocations are obeyed.
  std::vector<crypto::Ed25519Key> founders{};
  /// Whose memberships are believed besides the founders': the network's bridges, this one too.
  std::vector<crypto::Ed25519Key> issuers{};
  /// Of those that are named while the desk works; a network has fewer bridges.
  std::size_t issuers_max = 64;
  /// Members remembered, those that have expired among them as long as nobody needs their place.
  /// About 400 bytes each; ten times the largest network that was simulated.
  std::size_t members_max = 10'000;
  /// Live invitees of one member (reliability.md, T6). A member that lets Sybils in lets in five.
  std::size_t invitees_max = 5;
  /// Of one founder, who is the operator: a bound for accidents, not for malice.
  std::size_t founder_invitees_max = 1'000;
  /// Invitations from a founder down to a member. At five invitees each, six are 20,000 members.
  std::uint8_t depth_max = 16;
};

}  // namespace trestle::admission
