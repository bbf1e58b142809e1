#include "many_peers.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::bench {
namespace {

constexpr std::uint64_t kFirstOwner = 2;

}  // namespace

ManyPeers::Peer& ManyPeers::add_peer(wire::Role role, std::string network, std::string address) {
  TRESTLE_ASSERT(peers_.size() < kPeersMax);
  const std::size_t index = peers_.size();
  peers_.push_back(std::make_unique<Peer>());
  Peer& peer = *peers_.back();
  renew_keys(peer);
  peer.local.role = role;
  peer.local.network = std::move(network);
  peer.local.address = std::move(address);
  peer.channels.emplace(static_cast<link::ConnectionOwner>(kFirstOwner + index), peer.local, suite_,
                        link::ChannelSetOptions{}, rng_.fork("peer", index));
  return peer;
}

void ManyPeers::renew_keys(Peer& peer) {
  peer.keys = suite_.generate();
  peer.local.identity = {peer.keys.key, crypto::node_id_of(suite_, peer.keys.key), {}};
}

link::ChannelSet& ManyPeers::channels_of(link::ConnectionId connection) {
  return *peers_[static_cast<std::size_t>(connection.owner()) - kFirstOwner]->channels;
}

void ManyPeers::on_dialled(Instant now, link::ConnectionId connection) {
  channels_of(connection).on_dialled(now, connection);
}
void ManyPeers::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                               std::string_view reason) {
  channels_of(connection).on_dial_failed(now, connection, code, reason);
}
void ManyPeers::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                         ByteSpan bytes) {
  channels_of(connection).on_frame(now, connection, kind, bytes);
}
void ManyPeers::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  channels_of(connection).on_drained(now, connection, bytes);
}
void ManyPeers::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                          std::string_view reason) {
  channels_of(connection).on_closed(now, connection, status, reason);
}
void ManyPeers::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                            bool valid) {
  channels_of(connection).on_verified(now, connection, ticket, valid);
}

Instant ManyPeers::next_deadline() const {
  Instant next = kNever;
  for (const auto& peer : peers_) next = std::min(next, peer->channels->next_deadline());
  return next;
}

void ManyPeers::on_deadline(Instant now) {
  for (const auto& peer : peers_) peer->channels->on_deadline(now);
}

std::optional<node::Effect> ManyPeers::poll_effect(Instant now) {
  for (std::size_t index = 0; index < peers_.size(); ++index) {
    Peer& peer = *peers_[index];
    while (auto effect = peer.channels->poll_effect()) {
      if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
        on_news(now, index, std::move(*news));
        continue;
      }
      auto& order = std::get<link::TransportOrder>(*effect);
      const auto* sign = std::get_if<link::Sign>(&order);
      if (sign == nullptr) return as_effect(std::move(order));
      // The runner knows one key only; each of these signs with its own.
      peer.channels->on_signed(now, sign->connection, sign->ticket,
                               suite_.sign(peer.keys, sign->message));
    }
  }
  return std::nullopt;
}

}  // namespace trestle::bench
