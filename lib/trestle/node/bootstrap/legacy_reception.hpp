#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/node/bootstrap/legacy_authentication.hpp"
#include "trestle/node/bootstrap/legacy_bridges.hpp"
#include "trestle/node/bootstrap/legacy_clients.hpp"
#include "trestle/node/bootstrap/legacy_invitations.hpp"
#include "trestle/node/bootstrap/legacy_outcomes.hpp"
#include "trestle/node/bootstrap/legacy_relay.hpp"
#include "trestle/node/bootstrap/legacy_signalling.hpp"
#include "trestle/node/status.hpp"
#include "trestle/wire/legacy/bridge_status.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/legacy/frame_box.hpp"
#include "trestle/wire/legacy/peer_link.hpp"
#include "trestle/wire/legacy/registration.hpp"

namespace trestle::node {

struct LegacyReceptionOptions {
  /// Our build id as told to JavaScript clients. Beginning with `node_`, it is never compared with
  /// theirs (section 3.1).
  std::string build_id = "node_trestle";
  /// Joins of one client that are not answered yet: a JavaScript client has one, and repeats it at
  /// most twice.
  std::size_t joins_per_client_max = 4;
  /// Clients named in one `connected_clients_response`. A JavaScript bridge ignores the answer, and
  /// more would only tell a stranger about members (T27).
  std::size_t clients_named_max = 20;
  LegacyInvitationsOptions invitations;
  LegacySignallingOptions signalling;
  LegacyAuthenticationOptions authentication;
  LegacyRelayOptions relay;
  LegacyBridgesOptions bridges;
};

/// How JavaScript clients are served by a bootstrap node: their frames on one side, the reception's
/// questions on the other (protocol of the old dialect, section 3). Everything a JavaScript client
/// needs, and no system of ours does, stands here; each further conversation has a machine of its
/// own, which this one feeds and drains.
///
///     frames ---> LegacyReception ---> Join ----------> Reception   (registration and joins: here)
///                   |-- LegacyInvitations   invitations among clients
///                   |-- LegacySignalling    WebRTC signals, beginning together
///                   |-- LegacyRelay         payloads between two that cannot meet
///                   |-- LegacyAuthentication   browsers prove their key
///                   `-- LegacyBridges ----> Attached, Answered ----> BridgeSet
class LegacyReception {
 public:
  using SendText = LegacyText;
  using CloseClient = LegacyClose;
  /// The client has told its id and what it is.
  struct ClientKnown {
    link::ConnectionId client;
    wire::Contact contact;
  };
  /// To be answered by `on_join_ended`.
  struct Join {
    link::ConnectionId client;
    wire::RequestId request_id;
    wire::JoinRequest request;
  };
  using Effect = std::variant<SendText, LegacyForward, CloseClient, ClientKnown, Join, link::Verify,
                              LegacyBridges::Attached, LegacyBridges::Detached,
                              LegacyBridges::Answered, LogRecord>;

  struct Stats {
    std::uint64_t clients = 0;
    std::uint64_t frames = 0;
    std::uint64_t frames_ignored = 0;  ///< Of a type a bootstrap node has no answer to.
    std::uint64_t frames_refused = 0;  ///< Not readable.
    std::uint64_t registered = 0;
    std::uint64_t version_refused = 0;
    std::uint64_t forwards_dropped = 0;  ///< The target did not read.
    LegacyInvitations::Stats invitations;
    LegacySignalling::Stats signalling;
    LegacyRelay::Stats relay;
    LegacyAuthentication::Stats authentication;
    LegacyBridges::Stats bridges;
    std::uint64_t outcomes_succeeded = 0;
    std::uint64_t outcomes_failed = 0;
  };

  /// `local` and `suite` must outlive it. It must not be moved: its parts look at each other.
  LegacyReception(const LegacyReceptionOptions& options, const link::LocalPeer& local,
                  crypto::Suite& suite);
  LegacyReception(const LegacyReception&) = delete;
  LegacyReception& operator=(const LegacyReception&) = delete;

  void on_frame(Instant now, link::ConnectionId client, wire::legacy::FrameBox&& box);
  void on_refused(Instant now, link::ConnectionId client, wire::legacy::DecodeError error);
  /// `answer` is a JoinResponse or a Failure.
  void on_join_ended(Instant now, link::ConnectionId client, wire::RequestId request_id,
                     const wire::Message& answer);
  /// There is no room for this client.
  void turn_away(Instant now, link::ConnectionId client);
  void on_verified(Instant now, link::ConnectionId client, link::Ticket ticket, bool valid);
  void on_closed(Instant now, link::ConnectionId client);
  /// A frame was not forwarded, since its target has much to read already.
  void on_forward_dropped() { ++stats_.forwards_dropped; }
  bool knows(link::ConnectionId client) const { return clients_.find(client) != nullptr; }

  /// Puts a question to an attached bridge.
  void ask_bridge(Instant now, link::ConnectionId bridge, wire::RequestId id,
                  const wire::Message& question);
  void withdraw_question(link::ConnectionId bridge, wire::RequestId id);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();
  Stats stats() const;

 private:
  struct OpenJoin {
    wire::RequestId id;
    std::string request_id;
    /// It was a member before: answered as one that comes back.
    bool rejoining = false;
    /// A bridge that lost everybody.
    bool needs_peers = false;
  };

  // legacy_reception.cpp: registration, and what is answered at once
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::Register& request);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::Ping& ping);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::GetConnectedClients& request);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::BridgeHealthUpdate& update);
  /// False if the client was told to go.
  bool learn(link::ConnectionId client, const NodeId& id,
             const std::optional<wire::legacy::RawJson>& metadata);

  // legacy_joins.cpp: joins
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::GetPeersOrGenesis& request);
  void answer_join(Instant now, link::ConnectionId client, const OpenJoin& join,
                   const wire::JoinResponse& response);
  void answer_failure(link::ConnectionId client, const OpenJoin& join,
                      const wire::Failure& failure);
  void answer(link::ConnectionId client, const wire::legacy::Response& response);
  wire::legacy::RawJson membership_token(Instant now, const NodeId& holder, const NodeId& issuer,
                                         const NodeId& helper) const;

  template <typename Frame>
  void send(link::ConnectionId client, const Frame& frame);
  /// Moves what the parts have to say into our own outbox.
  void collect();
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyReceptionOptions options_;
  const link::LocalPeer& local_;
  LegacyClients clients_;
  LegacyOutcomes outcomes_;
  LegacyInvitations invitations_;
  LegacySignalling signalling_;
  LegacyRelay relay_;
  LegacyAuthentication authentication_;
  LegacyBridges bridges_;
  FlatMap<link::ConnectionId, std::vector<OpenJoin>> joins_;
  std::uint64_t last_join_ = 0;
  Stats stats_;
  Outbox<Effect> outbox_;
};

/// Its figures as an operator is shown them.
void add_counters(Status& status, const LegacyReception::Stats& stats);

}  // namespace trestle::node
