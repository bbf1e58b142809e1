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
#include "trestle/base/time.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/node/bootstrap/legacy_clients.hpp"
#include "trestle/wire/legacy/bridge_link.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::node {

struct LegacyBridgesOptions {
  /// A registered bridge is pinged this often (section 2).
  Duration ping_every = std::chrono::minutes(2);
  /// After so many pings in a row without any frame from it the bridge is gone. Two: a JavaScript
  /// bridge whose connection we close does not come back while it has peers, so one lost answer
  /// must not cost it.
  unsigned silent_pings_max = 2;
  /// Questions open at all bridges together; a withdrawn one is forgotten at once. Joins are
  /// bounded by 500, and one that is asked again elsewhere may stand here twice.
  std::size_t questions_max = 1000;
  /// What a bridge says beside the helper's name waits this long for the newcomer's answer, which
  /// is made in the same turn.
  Duration help_kept = std::chrono::seconds(10);
  std::size_t help_max = 1000;
};

/// JavaScript bridges at a bootstrap node. Such a bridge opens the connection itself and answers
/// `get_onboarding_peer` only there (protocol of the old dialect, sections 0.6, 0.7 and 5.1), so
/// its place in the set of bridges is that connection, and this is the translator on it:
///
///     ask(IntroduceRequest)  -> get_onboarding_peer -> onboarding_peer_response -> Answered
///
/// None of the three frames that end a bridge's process is ever written there, nor anything that
/// other clients say: beside questions and pings it gets the answers to what it asks itself.
/// A bridge is taken only when it shows the old system's secret, as every JavaScript bridge does:
/// whoever names peers to newcomers decides into which network they come.
class LegacyBridges {
 public:
  /// The bridge may be asked from now on.
  struct Attached {
    link::ConnectionId connection;
    wire::Contact bridge;
  };
  /// It may not any more; its open questions are void.
  struct Detached {
    link::ConnectionId connection;
  };
  /// An IntroduceResponse; a Failure of ours; or a Pong, which fits no question, where the bridge's
  /// answer made no sense.
  struct Answered {
    link::ConnectionId connection;
    wire::RequestId id;
    wire::Message message;
  };
  using Effect = std::variant<LegacyText, LegacyClose, Attached, Detached, Answered, LogRecord>;

  struct Stats {
    std::uint64_t bridges = 0;
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    std::uint64_t senseless = 0;     ///< Answers that named nobody and gave no reason.
    std::uint64_t unexpected = 0;    ///< Late answers, and answers to what was never asked there.
    std::uint64_t unauthorized = 0;  ///< Claimed to be a bridge without the secret.
  };

  /// `local` must outlive it.
  LegacyBridges(const LegacyBridgesOptions& options, const link::LocalPeer& local)
      : options_(options), local_(local) {}

  /// A client has registered, again or for the first time, with this metadata.
  void on_registered(Instant now, link::ConnectionId connection, const wire::Contact& contact,
                     const std::optional<wire::legacy::RawJson>& metadata);
  void on_closed(link::ConnectionId connection);
  /// Any frame of it is a sign of life.
  void on_heard(link::ConnectionId connection);
  void on_response(Instant now, link::ConnectionId connection,
                   const wire::legacy::OnboardingPeerResponse& response);
  bool contains(link::ConnectionId connection) const { return bridges_.contains(connection); }

  /// Ends in `Answered`, unless it is withdrawn, the bridge is detached, or never answers.
  void ask(Instant now, link::ConnectionId connection, wire::RequestId id,
           const wire::Message& question);
  void withdraw(link::ConnectionId connection, wire::RequestId id);

  /// What that bridge gave for this newcomer beside the helper: a token and a status, as received.
  std::optional<wire::legacy::OnboardingHelp> take_help(const NodeId& newcomer,
                                                        const NodeId& bridge);

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect();
  Stats stats() const;

 private:
  struct Bridge {
    wire::Contact contact;
    Instant ping_at{};
    unsigned silent_pings = 0;
  };
  struct Question {
    link::ConnectionId connection;
    wire::RequestId id;
    NodeId newcomer{};
    std::string request_id;
  };
  struct Help {
    NodeId newcomer{};
    NodeId bridge{};
    Instant until{};
    wire::legacy::OnboardingHelp help;
  };

  bool shows_secret(const std::optional<wire::legacy::RawJson>& metadata) const;
  void detach(link::ConnectionId connection);
  wire::Message translate(Instant now, const Question& question,
                          const wire::legacy::OnboardingPeerResponse& response);
  std::int64_t wall_ms(Instant now) const {
    return local_.wall_clock.at(now).time_since_epoch().count();
  }

  LegacyBridgesOptions options_;
  const link::LocalPeer& local_;
  FlatMap<link::ConnectionId, Bridge> bridges_;
  std::vector<Question> questions_;
  std::vector<Help> help_;
  std::uint64_t last_request_ = 0;
  Outbox<Effect> outbox_;
  Stats stats_;
};

}  // namespace trestle::node
