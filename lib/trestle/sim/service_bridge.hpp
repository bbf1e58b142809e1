#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "trestle/link/channel_set.hpp"
#include "trestle/sim/simple_node.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

struct ServiceBridgeOptions {
  std::string network = "main";
  Bytes bridge_secret;
  /// Mean of the exponential time that one request takes.
  Duration service = std::chrono::milliseconds(1);
};

/// The bridge of queueing theory: one server, requests in order of arrival, exponential service. It
/// answers every question for members with none.
class ServiceBridge final : public SimpleNode {
 public:
  ServiceBridge(const ServiceBridgeOptions& options, const NodeSeat& seat);

  void start(Instant) override {}
  link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) override;
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
  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<node::Effect> poll_effect(Instant now) override;

  /// From now on so many answers in a hundred are none to the question.
  void talk_nonsense(std::uint32_t percent) { nonsense_percent_ = percent; }
  std::uint64_t received() const { return received_; }
  std::uint64_t withdrawn() const { return withdrawn_; }
  /// Time spent serving, for the load it really had.
  Duration busy() const { return busy_; }

 private:
  struct Job {
    link::ConnectionId connection;
    wire::RequestId request;
  };

  void on_news(Instant now, link::ChannelSet::News&& news);
  void serve_next(Instant now);

  ServiceBridgeOptions options_;
  link::LocalPeer local_;
  Rng rng_;
  link::ChannelSet channels_;
  std::deque<Job> queue_;
  Instant done_at_ = kNever;  ///< When the first of the queue is served.
  std::uint64_t received_ = 0;
  std::uint64_t withdrawn_ = 0;
  Duration busy_{};
  std::uint32_t nonsense_percent_ = 0;
};

}  // namespace trestle::sim
