#pragma once

#include <optional>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/wire/message/admission.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::link {

/// Who we are on every link of this node. Owned by the node, read by all its channels.
struct LocalPeer {
  crypto::Identity identity;
  wire::Role role = wire::Role::node;
  std::string network;
  /// Where others can dial us, or empty.
  std::string address;
  /// The secret between bootstrap and bridges; empty if there is none.
  Bytes bridge_secret;
  /// For the times that frames of the old dialect carry; set by the driver before the first link.
  WallClock wall_clock{};
  /// When this node began, shown to peers of the old dialect.
  WallTime started_at{};
  /// The secret of the old system's bridges, which crosses the wire in clear, so that it must be
  /// another one; empty if there is none.
  Bytes legacy_bridge_secret{};
  /// Our first record on every native link, if there is one: in a network that one enters by
  /// invitation.
  std::optional<wire::Credentials> credentials{};
};

}  // namespace trestle::link
