#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/legacy/frame_box.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::node {

/// What a bridge sees of the network when a bootstrap node of the old system asks about it.
struct BridgeView {
  NodeId self{};
  std::int64_t wall_ms = 0;
  /// Linked nodes, in the order of their ids.
  wire::Contacts members;
};

/// The answer to `connect_genesis_peer` or `validate_reconnection`, on the connection on which a
/// bootstrap node of the old system has shown the shared secret (section 5.2 of its protocol);
/// nothing for any other frame. Values: nothing is remembered.
std::optional<std::string> answer_old_bootstrap(const BridgeView& view, crypto::Suite& suite,
                                                const wire::legacy::FrameBox& question);

/// The newcomer that a genesis connection announces: to be met, if it can be dialled.
std::optional<wire::Contact> announced_genesis(const wire::legacy::FrameBox& question);

}  // namespace trestle::node
