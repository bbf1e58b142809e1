#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "node/driven_node.hpp"
#include "support/wire_pair.hpp"

namespace trestle::test {

/// A node under test and peers that dial it, with frames that arrive at once and in order. The
/// node's own dials find nobody.
class NodeAndPeers {
 public:
  struct Wire {
    std::size_t peer;
    link::ConnectionId at_peer;
    link::ConnectionId at_node;
  };

  NodeAndPeers(NodeKind kind, std::uint64_t seed) : node(kind, seed), seed_(seed) {}

  Instant now = kNodeStart;
  DrivenNode node;
  std::vector<std::unique_ptr<End>> peers;
  /// Those that neither side has closed.
  std::vector<Wire> wires;

  std::size_t add_peer(wire::Role role, std::string_view secret = {}) {
    peers.push_back(make_peer(role, secret));
    return peers.size() - 1;
  }

  /// A stranger takes the seat of a peer, which goes without a word.
  void replace_peer(std::size_t peer, wire::Role role, std::string_view secret = {}) {
    for (const Wire& wire : std::vector(wires)) {
      if (wire.peer == peer) lose(wire);
    }
    peers[peer] = make_peer(role, secret);
  }

  /// A further connection of that peer; open, unless the node closed it, when this returns.
  link::ConnectionId connect(std::size_t peer) {
    const link::ConnectionId dialled = peers[peer]->channels->dial(now, "ws://node");
    settle();
    return dialled;
  }

  void lose(Wire wire) {
    forget(wire.at_node);
    node.lose(now, wire.at_node);
    peers[wire.peer]->channels->on_closed(now, wire.at_peer, 1006, "reset");
    settle();
  }

  void settle() {
    bool moved = true;
    while (moved) {
      moved = drain_node();
      for (std::size_t peer = 0; peer < peers.size(); ++peer) moved = drain_peer(peer) || moved;
    }
  }

  Instant next_deadline() const {
    Instant next = node->next_deadline();
    for (const auto& peer : peers) next = std::min(next, peer->channels->next_deadline());
    return next;
  }

  void pass(Duration time) {
    const Instant until = after(now, time);
    while (next_deadline() <= until) {
      now = std::max(now, next_deadline());
      node->on_deadline(now);
      for (const auto& peer : peers) peer->channels->on_deadline(now);
      settle();
    }
    now = until;
  }

 private:
  std::unique_ptr<End> make_peer(wire::Role role, std::string_view secret) {
    const std::uint64_t seed = seed_ * 100'000 + ++peers_made_;
    return std::make_unique<End>(seed, role, link::ChannelSetOptions{}, secret, "main");
  }

  bool drain_node() {
    const std::vector<node::Effect> effects = node.drain(now);
    for (const node::Effect& effect : effects) {
      if (const auto* frame = std::get_if<link::SendFrame>(&effect)) {
        if (node.open.contains(frame->connection)) {
          node->on_drained(now, frame->connection, frame->bytes.size());
        }
        const Wire* wire = find(frame->connection);
        if (wire == nullptr) continue;
        peers[wire->peer]->channels->on_frame(now, wire->at_peer, frame->kind, frame->bytes);
      } else if (const auto* dial = std::get_if<link::Dial>(&effect)) {
        if (node.dialling.contains(dial->connection)) node.fail_dial(now, dial->connection);
      } else if (const auto* close = std::get_if<link::CloseTransport>(&effect)) {
        const Wire* found = find(close->connection);
        if (found == nullptr) continue;
        const Wire wire = *found;
        forget(wire.at_node);
        const auto status = static_cast<std::uint16_t>(close->status);
        peers[wire.peer]->channels->on_closed(now, wire.at_peer, status, close->reason);
      }
    }
    return !effects.empty();
  }

  bool drain_peer(std::size_t index) {
    End& peer = *peers[index];
    bool moved = false;
    while (auto effect = peer.channels->poll_effect()) {
      moved = true;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        std::visit([&](auto& one) { perform(index, one); }, *order);
      } else {
        peer.news.push_back(std::get<link::ChannelSet::News>(std::move(*effect)));
      }
    }
    return moved;
  }

  void perform(std::size_t peer, link::Dial& dial) {
    wires.push_back({peer, dial.connection, node.accept(now, "127.0.0.1")});
    peers[peer]->channels->on_dialled(now, dial.connection);
  }
  void perform(std::size_t peer, link::SendFrame& frame) {
    peers[peer]->channels->on_drained(now, frame.connection, frame.bytes.size());
    const Wire* wire = find(peer, frame.connection);
    if (wire != nullptr) node->on_frame(now, wire->at_node, frame.kind, frame.bytes);
  }
  void perform(std::size_t peer, link::CloseTransport& close) {
    const Wire* found = find(peer, close.connection);
    if (found == nullptr) return;
    const link::ConnectionId at_node = found->at_node;
    forget(at_node);
    node.lose(now, at_node);
  }
  void perform(std::size_t peer, link::Sign& sign) {
    End& end = *peers[peer];
    end.channels->on_signed(now, sign.connection, sign.ticket,
                            end.suite.sign(end.pair, sign.message));
  }
  void perform(std::size_t peer, link::Verify& verify) {
    End& end = *peers[peer];
    const bool valid = end.suite.verify(verify.key, verify.message, verify.signature);
    end.channels->on_verified(now, verify.connection, verify.ticket, valid);
  }

  const Wire* find(link::ConnectionId at_node) const {
    const auto found = std::ranges::find(wires, at_node, &Wire::at_node);
    return found == wires.end() ? nullptr : &*found;
  }
  const Wire* find(std::size_t peer, link::ConnectionId at_peer) const {
    const auto found = std::ranges::find_if(
        wires, [&](const Wire& wire) { return wire.peer == peer && wire.at_peer == at_peer; });
    return found == wires.end() ? nullptr : &*found;
  }
  void forget(link::ConnectionId at_node) {
    std::erase_if(wires, [&](const Wire& wire) { return wire.at_node == at_node; });
  }

  std::uint64_t seed_;
  std::uint64_t peers_made_ = 0;
};

}  // namespace trestle::test
