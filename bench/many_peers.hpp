#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "plain_node.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

/// Many peers in one process, each with keys and links of its own, on one loop. Who derives from it
/// says what they do.
class ManyPeers : public PlainNode {
 public:
  /// A connection's id begins with one byte that names its owner; two of its values are taken.
  static constexpr std::size_t kPeersMax = 250;

  link::ConnectionId on_accepted(Instant, const link::Accepted&) override { return {}; }
  void on_dialled(Instant now, link::ConnectionId connection) override;
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                ByteSpan bytes) override;
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  void on_signed(Instant, link::ConnectionId, link::Ticket, const wire::Signature&) override {}
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                   bool valid) override;
  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<node::Effect> poll_effect(Instant now) override;

 protected:
  struct Peer {
    crypto::KeyPair keys;
    link::LocalPeer local;  ///< Read when a link opens: it may become somebody else before.
    std::optional<link::ChannelSet> channels;
  };

  /// `suite` must outlive it.
  ManyPeers(crypto::Suite& suite, Rng rng) : suite_(suite), rng_(rng) {}
  ~ManyPeers() override = default;

  /// One more, with new keys.
  Peer& add_peer(wire::Role role, std::string network, std::string address);
  /// From its next link on it is somebody else.
  void renew_keys(Peer& peer);
  Peer& peer(std::size_t index) { return *peers_[index]; }
  crypto::Suite& suite() { return suite_; }

  virtual void on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) = 0;

 private:
  link::ChannelSet& channels_of(link::ConnectionId connection);

  crypto::Suite& suite_;
  Rng rng_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace trestle::bench
