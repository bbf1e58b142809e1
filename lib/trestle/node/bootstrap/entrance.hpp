#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/node/issue_membership.hpp"
#include "trestle/node/link_gate.hpp"
#include "trestle/node/node.hpp"

namespace trestle::node {

struct EntranceStats {
  std::uint64_t redeeming = 0;  ///< Passed on to a bridge and not answered yet.
  std::uint64_t redeemed_total = 0;
  std::uint64_t refused_total = 0;
  std::uint64_t certified_total = 0;  ///< Certificates given to bridges.
};

/// The bootstrap node's part in a network that one enters by invitation: a machine. Clients that
/// are no members may redeem and nothing else; what they bring is passed on to a bridge, whichever
/// has the turn. Where this node is a founder, it certifies the bridges that it is connected to:
/// they stand in its settings, and know the shared secret.
class Entrance {
 public:
  /// That client has shown that it is a member.
  struct Admitted {
    link::ConnectionId client;
  };
  struct PutOut {
    link::ConnectionId client;
    ErrorCode code = ErrorCode::none;
    std::string text;
  };
  struct AnswerClient {
    link::ConnectionId client;
    wire::RequestId id;
    wire::Message message;
  };
  struct AskBridge {
    std::uint64_t token = 0;
    wire::RedeemRequest request;
  };
  struct TellBridge {
    link::ConnectionId bridge;
    wire::Message message;
  };
  struct TellBridges {
    wire::Message message;
  };
  /// Connect to those that nothing was asked of for long, so that they show what they have.
  struct WakeBridges {};
  struct TellClient {
    link::ConnectionId client;
    wire::Message message;
  };
  using Effect = std::variant<Admitted, PutOut, AnswerClient, AskBridge, TellBridge, TellBridges,
                              WakeBridges, TellClient, IssueMembership, SaveAdmission, LogRecord>;

  Entrance(const AdmissionOptions& options, const NodeId& self, crypto::Suite& suite,
           const std::string& network);

  bool is_on() const { return gate_.is_on(); }
  /// What we say first on every link; nothing in an open network.
  std::optional<wire::Credentials> credentials() const;

  // ---- clients ----
  /// False: it passes at once.
  bool on_opened(Instant now, link::ConnectionId client, const wire::Contact& peer);
  void on_notified(WallTime wall, link::ConnectionId client, const wire::Message& message);
  void on_redeem(link::ConnectionId client, wire::RequestId id, const wire::RedeemRequest& request);
  bool may_join(link::ConnectionId client) const { return !gate_.holds(client); }
  void on_closed(link::ConnectionId client);

  // ---- bridges ----
  void on_bridge_said(WallTime wall, link::ConnectionId connection, const wire::Contact& bridge,
                      const wire::Message& message);
  /// The end of `AskBridge`, a `RedeemResponse` or a `Failure`.
  void on_bridge_answered(std::uint64_t token, const wire::Message& answer);
  void on_issued(IssueTicket ticket, const crypto::Membership& token);

  // ---- revocations, time ----
  void on_list(WallTime wall, ByteSpan list);
  void start(Instant now);
  Instant next_deadline() const { return std::min(look_at_, gate_.next_deadline()); }
  void on_deadline(Instant now, WallTime wall);
  std::optional<Effect> poll_effect();
  LinkGateStats gate_stats() const { return gate_.stats(); }
  EntranceStats stats() const;

 private:
  struct Redemption {
    link::ConnectionId client;
    wire::RequestId id;
  };
  void certify(WallTime wall, link::ConnectionId connection, const wire::Contact& bridge,
               const wire::Credentials& shown);
  void put_out_unwelcome(WallTime wall);

  /// A signature each, made at once: a bound for accidents.
  static constexpr std::size_t kIssuingMax = 64;
  /// As many as clients may be newcomers; each has one under way.
  std::size_t redeeming_max_;
  Bytes identity_;
  /// Our own Ed25519 key if it is a founder's.
  std::optional<crypto::Ed25519Key> founder_;
  crypto::NetworkHash network_;
  crypto::Suite& suite_;
  LinkGate gate_;
  FlatMap<std::uint64_t, Redemption> redeeming_;
  std::uint64_t last_token_ = 0;
  FlatMap<IssueTicket, link::ConnectionId> issuing_;
  IssueTicket last_ticket_{};
  Instant look_at_ = kNever;
  /// When bridges are woken next, by the calendar that their certificates end by.
  WallTime wake_at_{};
  EntranceStats stats_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::node
