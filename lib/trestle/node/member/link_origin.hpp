#pragma once

#include "trestle/dht/link_origin.hpp"
#include "trestle/link/channel.hpp"

namespace trestle::node {

/// Where a link comes from, in the terms of the DHT. An accepted peer is where it was seen to come
/// from (behind a trusted proxy: what that says); a dialled one, and one whose address says
/// nothing, is where it says it can be dialled.
dht::LinkOrigin link_origin(const link::Channel& channel, link::ConnectionId connection,
                            const wire::Contact& peer);

}  // namespace trestle::node
