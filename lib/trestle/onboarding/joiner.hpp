#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/backoff.hpp"
#include "trestle/wire/message/connection.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/onboarding.hpp"

namespace trestle::onboarding {

struct JoinerOptions {
  /// Where bootstrap nodes listen; used in turn (BOOT-05). None: a first node, or one that knows
  /// peers from before; it waits to be dialled and asks nobody.
  std::vector<std::string> bootstrap_urls;
  /// Dials of one connect operation (P-CR-3, X5).
  unsigned attempts_max = 5;
  /// Waits between them (CR1.4): full jitter, 1 s, x2, cap 30 s. After an operation that failed the
  /// next one starts by itself after the cap and a jitter.
  link::BackoffOptions redial = {.base = std::chrono::seconds(1),
                                 .cap = std::chrono::seconds(30),
                                 .factor = 2,
                                 .attempts_max = 0};
  /// Fewer links than this, and the node asks again (RECOV-01, CR8.5). A bridge sets 1.
  std::size_t links_enough = 3;
  /// Wait before asking again in an empty or sparse network (BOOT-07), and otherwise (CCd).
  Duration ask_again_sparse = std::chrono::seconds(2);
  Duration ask_again = std::chrono::seconds(10);
  /// Every stated wait is lengthened by up to one part in so many of itself (RECOV-05).
  unsigned jitter_divisor = 4;
  /// A wait that a failure states is honoured up to here: whoever answers must not silence us
  /// longer.
  Duration retry_after_max = std::chrono::seconds(60);
  /// After so many failed asks in a row the next bootstrap node is tried, if there is another.
  unsigned ask_failures_max = 3;
  /// Having lost every link we turn to the bootstrap before anybody else (P-CR-16), but not more
  /// often than this: a link that flaps must not become a storm.
  Duration urgent_gap = std::chrono::milliseconds(500);
  /// Nor at the very moment: whole networks lose their links in the same one (T33).
  Duration urgent_spread = std::chrono::milliseconds(500);
  /// A node that was a member before it was started dials whom it remembers and turns to the
  /// bootstrap after a draw from this, if it still has not enough links then: a thousand that were
  /// restarted in one second find each other without it. Half of what RECOV-01 allows.
  Duration return_spread = std::chrono::seconds(15);
  /// The registration is kept this long after there are enough links, then closed. A bridge sets 0.
  Duration hold_after_enough = std::chrono::seconds(300);
  /// Whether bootstrap nodes of the old system are used too. Which dialect one speaks is found by
  /// trying: ours first, and once more this long after it spoke the old one, since it may have been
  /// replaced meanwhile.
  bool old_dialect = false;
  Duration native_again_after = std::chrono::minutes(10);
  /// Whether the registration at a bootstrap node of the old system is kept for ever, and made anew
  /// whenever it is lost: such a node asks a bridge for introductions only there (section 5.1 of
  /// its protocol). A bridge sets this; of several old bootstrap nodes it keeps one.
  bool hold_old_registration = false;
  /// A held registration that lasted this long was a success: the next loss starts the waits anew.
  Duration stable_after = std::chrono::seconds(10);
  /// Contacts asked for, 1..20. As many as the mesh dials (X47); more would only tell a stranger
  /// about members (T27).
  std::uint8_t contacts_max = 8;
  /// A dial or an ask of which nothing was heard is given up after this (bootstrap operation
  /// timeout, S2); the owner's own timers are shorter, so this only catches what got lost.
  Duration patience = std::chrono::seconds(30);
};

/// Open a registration connection to this bootstrap node. Ends in `on_bootstrap_opened` or
/// `on_bootstrap_failed`, unless `CloseBootstrap` comes first.
struct OpenBootstrap {
  std::string url;
  /// Native or legacy.
  wire::Dialect dialect = wire::Dialect::native;
};
/// Send this on the registration connection. Ends in `on_join_response` or `on_join_failed`, unless
/// the connection ends first.
struct AskJoin {
  wire::JoinRequest request;
};
/// Close the registration connection or abandon its dial. Nothing is to be reported of it
/// afterwards.
struct CloseBootstrap {
  ErrorCode code = ErrorCode::idle;
};
/// Peers to link to, as the bootstrap named them.
struct Candidates {
  wire::Contacts contacts;
};
/// The first link is up, after `start` or after all links had gone.
struct Joined {
  /// How the peers were found; nothing if a link came up before any answer.
  std::optional<wire::JoinOutcome> outcome;
  NodeId introduced_by{};
  Duration took{};
  /// The node had been joined before.
  bool again = false;
};
/// One connect operation is over without a connection. The next one starts by itself.
struct GaveUp {
  ErrorCode code = ErrorCode::bootstrap_failed;
  unsigned attempts = 0;
};

using JoinerEffect =
    std::variant<OpenBootstrap, AskJoin, CloseBootstrap, Candidates, Joined, GaveUp, LogRecord>;

struct JoinerStats {
  std::uint64_t operations = 0;
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t gave_up = 0;
  std::uint64_t asks = 0;
  std::uint64_t answers = 0;
  std::uint64_t ask_failures = 0;
  std::uint64_t contacts = 0;
  std::uint64_t joined = 0;
  std::uint64_t isolated = 0;
};

/// The node's half of onboarding: gets this node into the network, and back in after it lost
/// everybody (RECOV-01..05, BOOT-05, BOOT-07).
///
/// Driven by the node, which opens connections, sends asks and tells how many links are live. One
/// registration connection at a time:
///
///   stopped --start--> waiting --due--> opening --opened--> open --enough for 300 s--> closed
///                        ^  ^             | failed           | lost, fewer than enough   |
///                        |  `-------------'                  |                           |
///                        `-----------------------------------'<------ fewer than enough--'
///
/// It never gives up for good: after `GaveUp` a new operation starts at the cap interval (X5).
class Joiner {
 public:
  Joiner(JoinerOptions options, Rng rng);
  ~Joiner();
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // ---- commands ----
  enum class Start : std::uint8_t {
    fresh,      ///< We know nobody but the bootstrap nodes.
    returning,  ///< We remember peers, who are being dialled.
  };
  /// Begins joining. Without effect when begun already.
  void start(Instant now, Start kind = Start::fresh);
  /// Ends it: the registration is closed, later inputs are ignored until the next `start`.
  void stop(Instant now);

  // ---- inputs ----
  void on_bootstrap_opened(Instant now);
  void on_bootstrap_failed(Instant now, ErrorCode code, std::string_view reason);
  /// Instead of the former: the other side speaks WebSocket and closed on our first word, as a
  /// bootstrap node of the other dialect does.
  void on_bootstrap_misunderstood(Instant now);
  void on_bootstrap_closed(Instant now, ErrorCode code);
  void on_join_response(Instant now, const wire::JoinResponse& response);
  void on_join_failed(Instant now, const wire::Failure& failure);
  /// How many links to peers are live, whenever the number changed.
  void on_links(Instant now, std::size_t live_links);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<JoinerEffect> poll_effect();
  const JoinerStats& stats() const { return stats_; }
  /// At least one link is up.
  bool is_joined() const { return links_ > 0; }
  bool is_bootstrap_open() const { return phase_ == Phase::open; }

 private:
  enum class Phase : std::uint8_t { stopped, waiting, opening, open, closed };

  struct Endpoint {
    std::string url;
    /// Unknown until it was used once.
    wire::Dialect dialect = wire::Dialect::unknown;
    Instant native_tried = Instant::min();
  };

  bool has_enough() const { return links_ >= options_.links_enough; }
  /// Whether a registration here is to be kept whatever the number of links.
  bool is_to_be_held(const Endpoint& endpoint) const {
    return options_.hold_old_registration && endpoint.dialect != wire::Dialect::native;
  }
  const Endpoint& endpoint() const { return endpoints_[url_index_]; }
  /// Turns to the next bootstrap node at which a registration is to be held, if there is one.
  bool seek_held();
  void enter(Phase phase);
  void begin_operation();
  void open(Instant now);
  /// The current dial or connection was of no use: wait, or give this operation up.
  void fail_attempt(Instant now);
  /// The next dial goes to the next bootstrap node.
  void rotate();
  void release(Instant now);
  void ask(Instant now);
  void schedule_ask(Instant now, Duration wait);
  void become_joined(Instant now);
  void become_isolated(Instant now);
  /// Decides by the number of links whether to ask, to hold, or to come back.
  void settle(Instant now);
  Duration lengthen(Duration wait);
  void log(LogLevel level, std::string_view event, ErrorCode code, std::string detail);

  JoinerOptions options_;
  std::vector<Endpoint> endpoints_;
  Rng rng_;
  link::Backoff backoff_;
  Phase phase_ = Phase::stopped;
  std::size_t url_index_ = 0;
  /// Dials of the current operation.
  unsigned attempts_ = 0;
  bool ask_in_flight_ = false;
  unsigned asks_failed_in_row_ = 0;
  std::size_t links_ = 0;
  bool joined_before_ = false;
  Instant joining_since_{};
  Instant last_dial_ = Instant::min();
  Instant opened_at_{};
  wire::Dialect dialled_in_ = wire::Dialect::native;
  Instant last_ask_ = Instant::min();
  /// A failure asked us to stay away until here.
  Instant not_before_ = Instant::min();
  /// waiting: dial then. opening: give the dial up. closed: come back, or never.
  Instant phase_due_ = kNever;
  /// open: ask then, or give the ask in flight up.
  Instant ask_due_ = kNever;
  /// open: close then.
  Instant hold_until_ = kNever;
  std::optional<wire::JoinOutcome> outcome_;
  NodeId introduced_by_{};
  Outbox<JoinerEffect> outbox_;
  JoinerStats stats_;
};

}  // namespace trestle::onboarding
