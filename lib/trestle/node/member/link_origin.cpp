#include "trestle/node/member/link_origin.hpp"

namespace trestle::node {

dht::LinkOrigin link_origin(const link::Channel& channel, link::ConnectionId connection,
                            const wire::Contact& peer) {
  dht::LinkOrigin origin;
  origin.groups.place = dht::group_of_address(channel.remote_address());
  if (origin.groups.place.is_exempt()) origin.groups.place = dht::group_of_url(peer.address);
  if (channel.speaks_legacy()) {
    origin.unproven = link::RateKey::of_unproven(channel.remote_address(), connection);
  }
  return origin;
}

}  // namespace trestle::node
