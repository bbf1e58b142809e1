#pragma once

#include <cstdint>

#include "messages.hpp"
#include "plain_node.hpp"
#include "trestle/base/deadlines.hpp"
#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

struct BridgeSideOptions {
  link::ChannelSetOptions channels;
  bridge::IntroductionDeskOptions desk;
  /// Members that it can name.
  std::uint64_t members = kMembers;
  /// How long a member takes to answer a probe. Members are fresh, and never probed, unless the
  /// desk's own options say otherwise.
  Duration probe_answered_after{};
};

/// The bridge's end of an onboarding: real channels and the real desk, whose members are known and
/// alive, without mesh and DHT.
class BridgeSide final : public PlainNode {
 public:
  /// `local` and `suite` must outlive it.
  BridgeSide(const BridgeSideOptions& options, const link::LocalPeer& local, crypto::Suite& suite,
             Rng rng);

  void start(Instant now) override;
  link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) override;
  void on_dialled(Instant, link::ConnectionId) override {}
  void on_dial_failed(Instant, link::ConnectionId, ErrorCode, std::string_view) override {}
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

  bridge::DeskStats desk_stats() const { return desk_.stats(); }
  std::size_t connections() const { return channels_.size(); }

 private:
  void on_news(Instant now, link::ChannelSet::News&& news);
  /// Moves what the desk has to say; true if there was anything.
  bool pump_desk(Instant now);

  BridgeSideOptions options_;
  link::ChannelSet channels_;
  bridge::IntroductionDesk desk_;
  /// When the member of that number answers the probe sent to it.
  Deadlines probes_;
};

}  // namespace trestle::bench
