#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "plain_node.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

/// So many newcomers, each with an identity and a connection of its own, that ask one bootstrap
/// node for peers: some at a time, or all at once.
class JoinSide final : public PlainNode {
 public:
  /// `suite` must outlive it. At most `kNewcomersMax`.
  JoinSide(std::string url, std::size_t newcomers, std::size_t at_once, crypto::Suite& suite,
           Rng rng);
  ~JoinSide() override;

  /// A connection's id begins with one byte that names its owner; two of its values are taken.
  static constexpr std::size_t kNewcomersMax = 250;

  void start(Instant now) override { begin_more(now); }
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

  std::size_t joined() const { return joined_; }
  std::size_t failed() const { return failed_; }
  bool is_done() const { return joined_ + failed_ == newcomers_.size(); }

 private:
  struct Newcomer;

  Newcomer& owner_of(link::ConnectionId connection);
  void begin_more(Instant now);
  void on_news(Instant now, Newcomer& newcomer, const link::ChannelSet::News& news);
  void end(Newcomer& newcomer, bool has_joined);

  std::string url_;
  std::size_t at_once_;
  crypto::Suite& suite_;
  std::vector<std::unique_ptr<Newcomer>> newcomers_;
  std::size_t begun_ = 0;
  std::size_t joined_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace trestle::bench
