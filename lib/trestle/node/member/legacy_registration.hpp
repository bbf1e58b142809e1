#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/legacy/bridge_link.hpp"
#include "trestle/wire/legacy/frame_box.hpp"
#include "trestle/wire/legacy/invitation.hpp"
#include "trestle/wire/legacy/peer_link.hpp"
#include "trestle/wire/legacy/registration.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

struct LegacyRegistrationOptions {
  /// A JavaScript client registers this long after it connected, having asked for peers first: one
  /// that is registered already is taken for a member that comes back (section 3.1).
  Duration register_after = std::chrono::milliseconds(10);
  /// We ping this often, and after so many pings without any frame the node is gone.
  Duration ping_every = std::chrono::seconds(30);
  unsigned silent_pings_max = 3;
  /// At most one health report in this time (section 2).
  Duration health_every = std::chrono::seconds(30);
  /// The bootstrap waits 10 s for an introduction; the rest is for the way there and back.
  Duration introduction_budget = std::chrono::milliseconds(9500);
  /// Introductions asked for and not answered yet. The desk behind has its own bound; this one only
  /// keeps what is remembered finite.
  std::size_t introductions_max = 256;
  /// Lifetime of an invitation (section 2), and how many may wait for their signature.
  Duration invitation_kept = std::chrono::minutes(30);
  std::size_t invitations_max = 32;
};

/// A member's registration at a bootstrap node of the old system: the client's half of sections 3.1
/// and 3.2 of its protocol, and for a bridge 5.1.
///
/// Lives as long as the member; `on_opened` and `on_closed` frame one connection after the other.
///
///     opened -> get_peers_or_genesis (when asked to join) -> register -> ... pings, invitations
///     get_onboarding_peer -> Introduce -> respond() -> onboarding_peer_response    (a bridge)
class LegacyRegistration {
 public:
  struct Send {
    std::string text;
  };
  /// The join ended: a JoinResponse or a Failure.
  struct JoinEnded {
    wire::Message answer;
  };
  /// The bootstrap names a peer to meet.
  struct Named {
    wire::Contact contact;
  };
  /// A member invites us. `accept` it, unless there is a link to it already: a JavaScript peer
  /// dials whoever accepts, and two connections with one peer cost it both (section 0.2).
  struct Invited {
    NodeId inviter{};
  };
  /// We are to help this newcomer: `invite` it, unless there is a link to it already.
  struct AskedToInvite {
    NodeId newcomer{};
  };
  /// Give the desk this; its answer comes back by `respond`.
  struct Introduce {
    wire::RequestId id;
    wire::IntroduceRequest request;
  };
  /// Sign with our identity key; answered by `on_signed`.
  struct SignInvitation {
    link::Ticket ticket;
    Bytes message;
  };
  /// Nothing is heard any more: close the connection.
  struct Lost {};
  using Effect = std::variant<Send, JoinEnded, Named, Invited, AskedToInvite, Introduce,
                              SignInvitation, Lost, LogRecord>;

  /// `local` and `suite` must outlive it.
  LegacyRegistration(const LegacyRegistrationOptions& options, const link::LocalPeer& local,
                     crypto::Suite& suite)
      : options_(options), local_(local), suite_(suite) {}

  void on_opened(Instant now);
  void on_closed();
  bool is_open() const { return is_open_; }

  void join(Instant now, const wire::JoinRequest& request, bool has_peers);
  /// Answers an `Introduce`, with what the desk said.
  void respond(Instant now, wire::RequestId id, const wire::Message& answer);
  void accept(Instant now, const NodeId& inviter);
  /// Invites that newcomer in the bootstrap's presence, as a helper does.
  void invite(Instant now, const NodeId& newcomer);
  /// How many links there are, whenever that changed; a bridge reports it.
  void on_links(Instant now, std::size_t links);

  void on_frame(Instant now, wire::legacy::FrameBox&& box);
  void on_signed(link::Ticket ticket, const wire::Signature& signature);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();

 private:
  struct Introduction {
    wire::RequestId id;
    std::string request_id;
    NodeId newcomer{};
  };
  struct Invitation {
    link::Ticket ticket;
    NodeId newcomer{};
    /// The token's text up to its last brace, to which the signature is added.
    std::string token;
    std::string request_id;
  };

  void on_request(Instant now, const wire::legacy::Response& response);
  void on_request(Instant now, const wire::legacy::PeerList& list);
  void on_request(Instant now, const wire::legacy::Peers& list);
  void on_request(Instant now, const wire::legacy::Ping& ping);
  void on_request(Instant now, const wire::legacy::InvitationReceived& invitation);
  void on_request(Instant now, const wire::legacy::WebsocketPeerMetadata& peer);
  void on_request(Instant now, const wire::legacy::SendInvitationRequest& request);
  void on_request(Instant now, const wire::legacy::GetOnboardingPeer& question);
  void on_request(Instant now, const wire::legacy::VersionMismatch& mismatch);
  void on_request(Instant now, const wire::legacy::Error& error);

  void say_register(Instant now);
  void report_health(Instant now);
  wire::legacy::RawJson metadata(bool needs_peers) const;
  wire::legacy::RawJson membership_token(Instant now, const NodeId& newcomer,
                                         const NodeId& helper) const;
  wire::legacy::RawJson refusal(Instant now, const wire::Contacts& others,
                                std::string reason) const;
  std::string request_id(Instant now, std::string_view kind);
  void send(std::string text) { outbox_.push(Send{std::move(text)}); }
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyRegistrationOptions options_;
  const link::LocalPeer& local_;
  crypto::Suite& suite_;
  bool is_open_ = false;
  Instant register_at_ = kNever;
  Instant ping_at_ = kNever;
  unsigned silent_pings_ = 0;
  /// The join under way, as the bootstrap knows it; empty if there is none.
  std::string join_id_;
  std::vector<Introduction> introductions_;
  std::vector<Invitation> invitations_;
  std::size_t links_ = 0;
  std::size_t links_peak_ = 0;
  bool health_changed_ = false;
  Instant health_at_ = Instant::min();
  std::uint64_t last_number_ = 0;
  link::Ticket last_ticket_{};
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
