#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trestle/base/outbox.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/node/bootstrap/entrance.hpp"
#include "trestle/node/bootstrap/legacy_reception.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/options.hpp"
#include "trestle/onboarding/reception.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::node {

/// The public edge: registers peers, asks a bridge for active members, answers joins. Keeps no DHT.
///
///     clients ----> ChannelSet ----> Reception ----> BridgeSet ==== one connection per bridge
///     ====> bridges
class BootstrapNode final : public Node {
 public:
  BootstrapNode(const BootstrapOptions& options, const crypto::Identity& identity,
                crypto::Suite& suite, Rng rng);
  ~BootstrapNode() override;

  void restore(Instant now, Restored restored) override;
  void start(Instant now) override;
  void begin_shutdown(Instant now) override;
  void on_wall_clock(Instant now, WallTime wall) override;
  void on_reload(Instant now, const Reload& reload) override;

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
  void on_memory(Instant now, MemoryState state) override;

  void on_membership_issued(Instant now, IssueTicket ticket, const crypto::Membership& token,
                            Bytes network_key) override;

  /// UNSUPPORTED: a bootstrap node keeps no data and looks nothing up.
  Result<OperationId, ErrorCode> put(Instant now, std::string key, Bytes value,
                                     Duration ttl) override;
  Result<OperationId, ErrorCode> get(Instant now, std::string key) override;
  Result<OperationId, ErrorCode> find(Instant now, const NodeId& target) override;

  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<Effect> poll_effect(Instant now) override;
  Status status(Instant now) const override;
  /// Has somebody to introduce a newcomer to: a bridge is connected, or a live node registered.
  bool is_healthy(Instant now) const override;

 private:
  static bool is_of_pool(link::ConnectionId connection) {
    return connection.owner() == link::ConnectionOwner::pool;
  }
  void on_news(Instant now, link::ChannelSet::News&& news);
  void on_request(Instant now, link::ConnectionId connection,
                  const link::Channel::Requested& requested);
  void perform(Instant now, onboarding::ReceptionEffect&& effect);
  void perform(Instant now, pool::BridgeSet::Effect&& effect);
  void perform(Instant now, LegacyReception::Effect&& effect);
  void perform(Instant now, Entrance::Effect&& effect);
  void register_client(Instant now, link::ConnectionId client);
  /// The reception's questions have numbers far below.
  static bool is_redemption(pool::RequestToken token) { return token.value >> 63 != 0; }
  void on_redeemed(pool::RequestToken token, const wire::Message& answer);
  void forward(Instant now, LegacyForward&& one);
  void answer(Instant now, const onboarding::Answer& answer);
  void ask_bridge(Instant now, const onboarding::AskBridge& ask);
  void cancel_ask(Instant now, onboarding::AskId ask);
  void ask_attached_bridge(Instant now, pool::BridgeSet::AskAttached&& ask);
  void withdraw_from_attached_bridge(Instant now, const pool::BridgeSet::WithdrawAttached& ask);
  void order(link::TransportOrder&& transport_order);
  bool pump_once(Instant now);
  void pump(Instant now);
  void stop_when_drained();

  BootstrapOptions options_;
  link::LocalPeer local_;
  link::ChannelSet clients_;
  onboarding::Reception reception_;
  LegacyReception legacy_;
  pool::BridgeSet bridges_;
  Entrance entrance_;
  Instant started_at_{};
  bool is_stopping_ = false;
  bool is_stopped_ = false;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
