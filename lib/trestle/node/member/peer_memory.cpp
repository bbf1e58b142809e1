#include "trestle/node/member/peer_memory.hpp"

#include <algorithm>
#include <utility>

namespace trestle::node {

void PeerMemory::restore(wire::Contacts peers) {
  std::erase_if(peers, [](const wire::Contact& peer) { return peer.address.empty(); });
  if (peers.size() > options_.saved.peers_max) peers.resize(options_.saved.peers_max);
  restored_ = std::move(peers);
}

void PeerMemory::start(Instant now) { save_at_ = jittered(now, options_.first_after); }

wire::Contacts PeerMemory::to_try() const {
  const std::size_t count = std::min(restored_.size(), options_.tried_max);
  return {restored_.begin(), restored_.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::optional<wire::Contacts> PeerMemory::snapshot(const dht::RoutingTable& table) const {
  wire::Contacts peers = dht::peers_to_save(table, options_.saved);
  std::size_t bytes = 0;
  for (const wire::Contact& peer : peers) bytes += dht::saved_bytes(peer);
  for (const wire::Contact& before : restored_) {
    if (peers.size() >= options_.kept_below) break;
    const dht::Peer* known = table.find(before.id);
    if (known != nullptr) continue;  // listed above, or failed
    bytes += dht::saved_bytes(before);
    if (bytes > options_.saved.bytes_max) break;
    peers.push_back(before);
  }
  if (peers.empty()) return std::nullopt;
  return peers;
}

bool PeerMemory::pop_due(Instant now) {
  if (save_at_ > now) return false;
  save_at_ = jittered(now, options_.interval);
  return true;
}

Instant PeerMemory::jittered(Instant now, Duration interval) {
  const Duration spread = interval / options_.jitter_divisor;
  return after(now, rng_.between(interval - spread, interval + spread));
}

}  // namespace trestle::node
