#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/node/bootstrap/legacy_clients.hpp"
#include "trestle/wire/legacy/invitation.hpp"

namespace trestle::node {

struct LegacyInvitationsOptions {
  /// A genesis node is asked to invite each bridge this long after it was designated, as the old
  /// bootstrap does.
  Duration bridge_invitation_after = std::chrono::seconds(2);
  /// A helper is asked to invite a newcomer this long after the newcomer heard of it, as the old
  /// bootstrap does.
  Duration invitation_after = std::chrono::milliseconds(100);
  /// Frames that wait for these moments. One a join, and joins are bounded by 500.
  std::size_t delayed_max = 1000;
  /// Invitations of which the acceptance is awaited; kept for a minute (section 2).
  std::size_t invitations_max = 1000;
  /// Of one inviter, so that one cannot take the place of others: it is asked for a handful at a
  /// time.
  std::size_t invitations_per_client_max = 16;
  Duration invitation_kept = std::chrono::seconds(60);
};

/// Invitations between clients of the old dialect: asked for, passed on, and answered with what the
/// two ends need in order to meet (protocol of the old dialect, section 3.2).
///
///     helper <- send_invitation_request      (or of its own accord)
///     helper -> send_invitation              -> invitation_received to the newcomer
///     newcomer -> invitation_accepted        -> both: websocket_peer_metadata,
///                                               between browsers webrtc_start_offer /
///                                               _expect_offer
class LegacyInvitations {
 public:
  struct Stats {
    std::uint64_t relayed = 0;
    std::uint64_t accepted = 0;
  };

  /// `local` and `clients` must outlive it.
  LegacyInvitations(const LegacyInvitationsOptions& options, const link::LocalPeer& local,
                    const LegacyClients& clients)
      : options_(options), local_(local), clients_(clients) {}

  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::SendInvitation& request);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::InvitationAccepted& accepted);
  void on_closed(link::ConnectionId client);

  /// This genesis node was given these bridges and expects to be told to invite them.
  void ask_for_bridges(Instant now, link::ConnectionId genesis, const wire::Contacts& bridges);
  /// A helper that is a client of ours is asked to invite.
  void ask_for(Instant now, const NodeId& helper, const NodeId& newcomer);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<LegacyDelivery> poll_effect() { return outbox_.poll(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Delayed {
    Instant at;
    LegacyText text;
  };
  struct Invitation {
    link::ConnectionId inviter;
    link::ConnectionId invitee;
    Instant until;
  };

  void answer(link::ConnectionId client, const wire::legacy::SendInvitation& request, bool success,
              std::string text);
  void tell_both(Instant now, link::ConnectionId inviter, link::ConnectionId invitee);
  bool is_named_bridge(const NodeId& id) const;
  template <typename Frame>
  void send(link::ConnectionId client, const Frame& frame);
  template <typename Frame>
  void send_later(Instant at, link::ConnectionId client, const Frame& frame);
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyInvitationsOptions options_;
  const link::LocalPeer& local_;
  const LegacyClients& clients_;
  /// Those the last genesis node was given.
  std::vector<NodeId> bridges_named_;
  std::vector<Delayed> delayed_;
  std::vector<Invitation> invitations_;
  std::uint64_t last_request_ = 0;
  Outbox<LegacyDelivery> outbox_;
  Stats stats_;
};

}  // namespace trestle::node
