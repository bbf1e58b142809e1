#pragma once

#include <cstddef>
#include <string>

#include "plain_node.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

/// So many connections to one address, each with an open, proven channel that says nothing more
/// than its pings. Dialled some at a time, so that the other end is not asked for all at once.
class IdleSide final : public PlainNode {
 public:
  /// `local` and `suite` must outlive it.
  IdleSide(std::string url, std::size_t wanted, const link::LocalPeer& local, crypto::Suite& suite,
           Rng rng);

  void start(Instant now) override { dial_more(now); }
  link::ConnectionId on_accepted(Instant, const link::Accepted&) override { return {}; }
  void on_dialled(Instant now, link::ConnectionId connection) override;
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                ByteSpan bytes) override;
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                 const wire::Signature& signature) override;
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                   bool valid) override;
  Instant next_deadline() const override { return channels_.next_deadline(); }
  void on_deadline(Instant now) override { channels_.on_deadline(now); }
  std::optional<node::Effect> poll_effect(Instant now) override;

  std::size_t open() const { return open_; }
  std::size_t lost() const { return lost_; }

 private:
  void dial_more(Instant now);

  std::string url_;
  std::size_t wanted_;
  link::ChannelSet channels_;
  std::size_t dialled_ = 0;
  std::size_t open_ = 0;
  std::size_t lost_ = 0;
};

}  // namespace trestle::bench
