#pragma once

#include <cstdint>
#include <optional>

#include "trestle/dht/peer_group.hpp"
#include "trestle/link/rate_limiter.hpp"

namespace trestle::dht {

/// What the owner knows of a link besides the contact.
struct LinkOrigin {
  PeerGroups groups;
  /// Where the peer has proven no identity: to whose account its requests go.
  std::optional<link::RateKey> unproven{};
};

/// How a link ended.
enum class LinkEnding : std::uint8_t {
  lost,
  /// One of both ends had no use for it: the peer is as alive as before.
  let_go,
};

}  // namespace trestle::dht
