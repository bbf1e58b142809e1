#include "trestle/dht/saved_peers.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace trestle::dht {

std::size_t saved_bytes(const wire::Contact& contact) {
  // The id in hex, role, dialect, names of the fields and separators.
  constexpr std::size_t kFrame = 128;
  return kFrame + contact.address.size() + contact.metadata.size();
}

wire::Contacts peers_to_save(const RoutingTable& table, const SavedPeersOptions& options) {
  std::vector<const Peer*> worthy;
  table.visit([&](const Peer& peer) {
    if (peer.known() && !table.is_failed(peer)) worthy.push_back(&peer);
  });
  std::sort(worthy.begin(), worthy.end(), [](const Peer* left, const Peer* right) {
    if (left->connected != right->connected) return left->connected;
    if (left->since != right->since) return left->since < right->since;
    return left->contact.id < right->contact.id;
  });
  GroupCaps caps(options.per_group_first);
  // Those beyond their group's share follow, in the same order among themselves.
  std::vector<const Peer*> order;
  std::vector<const Peer*> beyond;
  for (const Peer* peer : worthy) (caps.take(peer->groups) ? order : beyond).push_back(peer);
  order.insert(order.end(), beyond.begin(), beyond.end());
  wire::Contacts saved;
  std::size_t bytes = 0;
  for (const Peer* peer : order) {
    wire::Contact contact = peer->contact;
    bytes += saved_bytes(contact);
    if (saved.size() == options.peers_max || bytes > options.bytes_max) break;
    saved.push_back(std::move(contact));
  }
  return saved;
}

}  // namespace trestle::dht
