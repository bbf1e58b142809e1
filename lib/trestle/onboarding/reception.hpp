#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/histogram.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/link/rate_limiter.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/onboarding/reception_options.hpp"
#include "trestle/onboarding/registry.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::onboarding {

/// Names one question to a bridge; never used again.
struct AskId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const AskId&, const AskId&) = default;
};

/// Put this to a bridge, whichever has the turn, or another if that one fails. Ends in
/// `on_introduced` or `on_introduction_failed`; an end after the stated budget is ignored.
struct AskBridge {
  AskId ask;
  wire::IntroduceRequest request;
};
/// Nobody waits for this question any more; its end may still be reported and is ignored.
struct CancelAsk {
  AskId ask;
};
/// Send this as the answer to that join. `message` is a JoinResponse or a Failure.
struct Answer {
  link::ConnectionId client;
  wire::RequestId request_id;
  wire::Message message;
};
/// No room for this client: close its connection.
struct TurnAway {
  link::ConnectionId client;
  ErrorCode code = ErrorCode::busy;
};
/// News: a client was given peers. Told once per connection and outcome.
struct Admitted {
  wire::Contact newcomer;
  /// The bridge that introduced it; a zero id if none did.
  wire::Contact bridge;
  wire::JoinOutcome outcome = wire::JoinOutcome::introduced;
  Duration took{};
};

using ReceptionEffect = std::variant<AskBridge, CancelAsk, Answer, TurnAway, Admitted, LogRecord>;

struct ReceptionStats {
  std::uint64_t clients = 0;
  std::uint64_t nodes = 0;  ///< Distinct live nodes that can be dialled.
  std::uint64_t turned_away = 0;
  std::uint64_t joins = 0;
  std::uint64_t introduced = 0;
  std::uint64_t genesis = 0;
  std::uint64_t emergency = 0;
  std::uint64_t bridges = 0;  ///< Joins of bridges.
  std::uint64_t failed = 0;   ///< With any code but BUSY and RATE_LIMITED.
  std::uint64_t busy = 0;
  std::uint64_t limited = 0;    ///< Asked for more peers than one identity is named.
  std::uint64_t cancelled = 0;  ///< Withdrawn, or the connection closed.
  std::uint64_t ignored = 0;    ///< Without an id, or with the id of the join under way.
  std::uint64_t timeouts = 0;   ///< No bridge answered within our own time.
  std::uint64_t asks = 0;
  std::uint64_t late = 0;  ///< Ends of questions that nobody waited for any more.
  std::uint64_t in_flight = 0;
  std::uint64_t in_flight_peak = 0;
  Histogram join_time;  ///< From the join to its answer with peers.
};

/// The bootstrap's half of onboarding: knows who is registered and answers joins (BOOT-01, BOOT-07,
/// BOOT-08, BRIDGE-12, P-CC-1..4). Driven by the bootstrap node, which carries questions to the
/// bridges.
///
/// How a node's join is decided (a bridge's is answered at once with live nodes, outcome `bridge`).
/// "Live" is a node that is registered here and can be dialled.
///
///   bridges connected? --no--> decide as unreachable
///        | yes
///       ask --members--> introduced
///        |---busy-----> BUSY with the bridge's wait: overload is not an emergency (P-CC-4)
///        |---turned away-> the bridge's own words: its owner has decided, there is no way round it
///        |---nobody, from each bridge asked--> decide as empty
///        `---failed, or no answer in time----> decide as unreachable
///
///                            empty                              unreachable
///   a genesis is live        emergency: it, then other live     emergency: it, then other live
///   no genesis is live       genesis if allowed,                emergency if others are live,
///                            else emergency if others are live  genesis if allowed without bridges
///   nothing of that          BRIDGE_UNAVAILABLE                 BRIDGE_UNAVAILABLE
///
/// No genesis is made while a bridge asked names nodes as alternatives: there is a network.
///
/// The genesis itself, asking again while the bridges still know nobody, is given other live nodes,
/// or if there are none the bridges once more.
///
/// Promises: every join ends exactly once and within `answer_within` (or, when a bridge of the old
/// dialect is connected and may be asked, `answer_within_old_bridge`); the asker is never named to
/// itself; one join at a time per connection, a second one is answered BUSY (it is not a repetition
/// of the first: that would carry the first's id, and is ignored, since the first is still to be
/// answered). Whoever was named peers too often of late is answered RATE_LIMITED with the wait.
class Reception {
 public:
  Reception(const ReceptionOptions& options, Rng rng);

  // ---- clients ----
  /// A peer registered. Again for the same connection when its contact changed.
  void on_client_opened(Instant now, link::ConnectionId client, const wire::Contact& contact);
  void on_client_closed(Instant now, link::ConnectionId client);
  void on_join(Instant now, link::ConnectionId client, wire::RequestId request_id,
               const wire::JoinRequest& request);
  void on_cancelled(Instant now, link::ConnectionId client, wire::RequestId request_id);

  // ---- bridges ----
  /// Which bridges are connected, whenever that changed.
  void on_bridges(Instant now, const wire::Contacts& connected);
  void on_introduced(Instant now, AskId ask, const wire::Contact& bridge,
                     const wire::IntroduceResponse& response);
  /// No bridge could be asked, or each one failed. `retry_after_ms` counts with BUSY.
  void on_introduction_failed(Instant now, AskId ask, ErrorCode code, std::uint32_t retry_after_ms);

  /// The bridge's owner does not admit this newcomer: REFUSED, or RATE_LIMITED with a wait.
  void on_turned_away(Instant now, AskId ask, const wire::Failure& failure);

  /// Another pace of answers to one identity from now on.
  void limit_answers(const Pace& pace) { options_.answers = pace; }

  // ---- time, drain, look ----
  Instant next_deadline() const { return deadlines_.next(); }
  void on_deadline(Instant now);
  std::optional<ReceptionEffect> poll_effect();
  ReceptionStats stats() const;
  /// The first node, while its registration is open.
  std::optional<NodeId> genesis() const { return genesis_; }

 private:
  using Slot = Deadlines::Slot;
  struct Join {
    bool used = false;
    link::ConnectionId client;
    wire::RequestId request_id;
    std::size_t wanted = 0;
    Instant asked{};
    Instant answer_by{};
    AskId ask;
    /// Bridges that said they know nobody.
    std::vector<NodeId> empty_bridges;
    unsigned asks = 0;
    /// Live nodes that such bridges named as alternatives.
    wire::Contacts alternatives;
  };
  /// What is known of the bridges when a join must be decided without members.
  enum class Knowledge : std::uint8_t { empty, unreachable };

  void join_as_bridge(Instant now, link::ConnectionId client, wire::RequestId request_id,
                      std::size_t wanted);
  void begin(Instant now, link::ConnectionId client, wire::RequestId request_id,
             std::size_t wanted);
  /// How long a join may take: it depends on who may be asked.
  Duration answer_bound() const;
  /// True if this identity was named peers too often of late; it is told so.
  bool refuse_greedy(Instant now, const Client& client, link::ConnectionId connection,
                     wire::RequestId request_id);
  void charge(Instant now, link::ConnectionId connection, std::size_t contacts);
  /// Ends a join that was never begun.
  void refuse_join(link::ConnectionId client, wire::RequestId request_id, ErrorCode code,
                   std::string_view text);
  void cancel(Slot slot);
  /// The genesis is one only while it is registered and can be dialled.
  void check_genesis();
  void ask_bridge(Instant now, Slot slot);
  std::optional<Slot> find_ask(AskId ask) const;
  /// No member was named: genesis, emergency or failure.
  void decide(Instant now, Slot slot, Knowledge knowledge);
  bool may_be_genesis(const wire::Contact& asker, Knowledge knowledge, bool others_live) const;
  /// The genesis if it is live, then other live nodes in random order, then what bridges named.
  wire::Contacts choose_emergency(Instant now, const Join& join, const NodeId& asker);
  std::string explain(const wire::Contact& asker, Knowledge knowledge) const;
  void succeed(Instant now, Slot slot, wire::JoinOutcome outcome, wire::Contacts contacts,
               const wire::Contact& bridge);
  void fail(Slot slot, ErrorCode code, std::uint32_t retry_after_ms, std::string_view text);
  void tell(Client& client, wire::JoinOutcome outcome, const wire::Contact& bridge, Duration took);
  void count(wire::JoinOutcome outcome);
  void release(Slot slot);
  std::uint32_t draw_retry_after_ms();
  void log(LogLevel level, std::string_view event, ErrorCode code, const NodeId& peer,
           std::string detail);

  ReceptionOptions options_;
  Rng rng_;
  Registry registry_;
  RateAccounts<link::RateKey> answers_;
  wire::Contacts bridges_;
  std::optional<NodeId> genesis_;
  std::vector<Join> joins_;
  std::vector<Slot> unused_;
  std::uint64_t asks_made_ = 0;
  Deadlines deadlines_;
  Outbox<ReceptionEffect> outbox_;
  ReceptionStats stats_;
  bool failure_logged_ = false;
};

}  // namespace trestle::onboarding
