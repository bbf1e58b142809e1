#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/legacy/frame.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

struct LegacyReceptionOptions {
  /// Our build id as told to JavaScript clients. Beginning with `node_`, it is never compared with
  /// theirs (section 3.1).
  std::string build_id = "node_trestle";
  /// A genesis node is asked to invite each bridge this long after it was designated, as the old
  /// bootstrap does.
  Duration bridge_invitation_after = std::chrono::seconds(2);
  /// A helper is asked to invite a newcomer this long after the newcomer heard of it, as the old
  /// bootstrap does.
  Duration invitation_after = std::chrono::milliseconds(100);
  /// Frames that wait for these moments. One a join, and joins are bounded by 500.
  std::size_t delayed_max = 1000;
  /// Joins of one client that are not answered yet: a JavaScript client has one, and repeats it at
  /// most twice.
  std::size_t joins_per_client_max = 4;
  /// Invitations of which the acceptance is awaited; kept for a minute (section 2).
  std::size_t invitations_max = 1000;
  Duration invitation_kept = std::chrono::seconds(60);
};

/// How JavaScript clients are served by a bootstrap node: their frames on one side, the reception's
/// questions on the other (protocol of the old dialect, sections 3.1-3.3). Everything a JavaScript
/// client needs, and no system of ours does, stands here.
class LegacyReception {
 public:
  struct SendText {
    link::ConnectionId client;
    std::string text;
  };
  struct CloseClient {
    link::ConnectionId client;
    link::CloseStatus status;
    ErrorCode code;
    std::string reason;
  };
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
  using Effect = std::variant<SendText, CloseClient, ClientKnown, Join, LogRecord>;

  struct Stats {
    std::uint64_t clients = 0;
    std::uint64_t frames = 0;
    std::uint64_t frames_ignored = 0;  ///< Of a type a bootstrap node has no answer to.
    std::uint64_t frames_refused = 0;  ///< Not readable.
    std::uint64_t registered = 0;
    std::uint64_t version_refused = 0;
    std::uint64_t invitations_relayed = 0;
  };

  /// `local` must outlive it.
  LegacyReception(const LegacyReceptionOptions& options, const link::LocalPeer& local);

  void on_frame(Instant now, link::ConnectionId client, wire::legacy::FrameBox&& box);
  void on_refused(Instant now, link::ConnectionId client, wire::legacy::DecodeError error);
  /// `answer` is a JoinResponse or a Failure.
  void on_join_ended(Instant now, link::ConnectionId client, wire::RequestId request_id,
                     const wire::Message& answer);
  void on_closed(Instant now, link::ConnectionId client);
  bool knows(link::ConnectionId client) const { return clients_.contains(client); }

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect() { return outbox_.poll(); }
  Stats stats() const;

 private:
  struct OpenJoin {
    wire::RequestId id;
    std::string request_id;
  };
  struct Client {
    wire::Contact contact;
    bool is_registered = false;
    std::vector<OpenJoin> joins;
  };
  struct Delayed {
    Instant at;
    link::ConnectionId client;
    std::string text;
  };
  struct Invitation {
    NodeId inviter;
    NodeId invitee;
    Instant until;
  };

  // legacy_reception.cpp: registration and joins
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::GetPeersOrGenesis& request);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::Register& request);
  void on_request(Instant now, link::ConnectionId client, const wire::legacy::Ping& ping);
  void answer_join(Instant now, link::ConnectionId client, const OpenJoin& join,
                   const wire::JoinResponse& response);
  void answer_failure(link::ConnectionId client, const OpenJoin& join,
                      const wire::Failure& failure);
  Client& learn(link::ConnectionId client, const NodeId& id,
                const std::optional<wire::legacy::RawJson>& metadata);
  wire::legacy::RawJson membership_token(Instant now, const NodeId& holder, const NodeId& issuer,
                                         const NodeId& helper) const;

  // legacy_invitations.cpp: invitations between clients
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::SendInvitation& request);
  void on_request(Instant now, link::ConnectionId client,
                  const wire::legacy::InvitationAccepted& accepted);
  void ask_for_bridge_invitations(Instant now, link::ConnectionId client,
                                  const wire::Contacts& bridges);
  void ask_for_invitation(Instant now, const NodeId& helper, const NodeId& newcomer);
  bool is_known_bridge(const NodeId& id) const;

  void send(link::ConnectionId client, const wire::legacy::Frame& frame);
  void send_later(Instant at, link::ConnectionId client, const wire::legacy::Frame& frame);
  std::optional<link::ConnectionId> client_of(const NodeId& id) const;
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyReceptionOptions options_;
  const link::LocalPeer& local_;
  FlatMap<link::ConnectionId, Client> clients_;
  FlatMap<NodeId, link::ConnectionId> newest_;
  std::vector<NodeId> bridges_named_;
  std::vector<Delayed> delayed_;
  std::vector<Invitation> invitations_;
  std::uint64_t last_join_ = 0;
  std::uint64_t last_invitation_ = 0;
  Stats stats_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
