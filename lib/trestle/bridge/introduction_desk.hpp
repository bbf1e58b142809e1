#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/histogram.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/bridge/admission_policy.hpp"
#include "trestle/bridge/introduction_options.hpp"
#include "trestle/bridge/members.hpp"
#include "trestle/bridge/turn_order.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::bridge {

/// Send this as the answer to that request. `message` is an IntroduceResponse or a Failure.
struct Answer {
  link::ConnectionId source;
  wire::RequestId request_id;
  wire::Message message;
};

/// Ask this member for a sign of life (a ping on its link); report `on_probe_result`.
struct Probe {
  NodeId member;
};

using DeskEffect = std::variant<Answer, Probe, LogRecord>;

struct DeskStats {
  std::uint64_t received = 0;
  std::uint64_t answered = 0;         ///< With an IntroduceResponse.
  std::uint64_t answered_nobody = 0;  ///< Those of them without members.
  std::uint64_t busy = 0;
  std::uint64_t turned_away = 0;  ///< By the admission policy, for good or for a while.
  std::uint64_t expired = 0;      ///< Ended with TIMEOUT.
  std::uint64_t cancelled = 0;    ///< Withdrawn, or their connection closed.
  std::uint64_t ignored = 0;      ///< Without an id, or with the id of a request still open.
  std::uint64_t probes = 0;
  std::uint64_t in_service = 0;
  std::uint64_t waiting = 0;
  std::uint64_t waiting_peak = 0;
  std::uint64_t members = 0;
  std::uint64_t in_service_max = 0;  ///< The bounds that the two are to be seen against.
  std::uint64_t waiting_max = 0;
  Histogram waiting_time;  ///< From the arrival to the beginning of service.
  Histogram service_time;  ///< From there to the answer with members or alternatives.
};

/// The bridge's half of onboarding: names active members to newcomers that a bootstrap node sends,
/// out of a bounded queue (BRIDGE-01..06, X8, X9, X10).
///
/// Driven by the bridge node, which delivers requests and tells who is alive. Promises: every
/// received request ends exactly once (answered, turned away, busy, timed out, or silently when its
/// asker withdrew or went away); nothing is closed; requests of one source start in their order
/// inside a priority class, sources take turns. When enough members are known to be alive, the
/// answer lies in the outbox before the input returns, unless others have the turn.
///
/// When the queue is full the newest is refused: the arriving request, or, if another source holds
/// over one place more than the arriving one, the newest of that source. A source at ten times
/// the rate thus refuses its own requests, not its neighbour's (T21). Nothing is allocated for a
/// request beside its answer.
class IntroductionDesk {
 public:
  /// `self` is never named as a member, and is the last alternative when nobody is known (P-CC-2).
  /// `policy` is borrowed and outlives the desk; null admits everybody, in one class.
  IntroductionDesk(wire::Contact self, const IntroductionDeskOptions& options, Rng rng,
                   AdmissionPolicy* policy = nullptr);
  ~IntroductionDesk();
  IntroductionDesk(const IntroductionDesk&) = delete;
  IntroductionDesk& operator=(const IntroductionDesk&) = delete;

  // ---- requests ----
  void on_request(Instant now, link::ConnectionId source, wire::RequestId request_id,
                  const wire::IntroduceRequest& request);
  /// The asker withdrew; it expects no answer.
  void on_cancelled(Instant now, link::ConnectionId source, wire::RequestId request_id);
  /// All requests of this connection end without an answer.
  void on_source_closed(Instant now, link::ConnectionId source);

  // ---- members ----
  /// A peer is linked and has shown itself. Nodes are named; bridges become alternatives.
  void on_member_up(Instant now, const wire::Contact& contact);
  /// Any sign of life of a member.
  void on_member_heard(Instant now, const NodeId& member);
  void on_member_down(Instant now, const NodeId& member);
  /// Ends a `Probe`. Late or unasked results count as a sign of life, or as nothing.
  void on_probe_result(Instant now, const NodeId& member, bool alive);

  // ---- time, drain, look ----
  Instant next_deadline() const { return deadlines_.next(); }
  void on_deadline(Instant now);
  std::optional<DeskEffect> poll_effect();
  DeskStats stats() const;

 private:
  using Slot = Deadlines::Slot;
  enum class Phase : std::uint8_t { unused, waiting, in_service };

  struct Request {
    Phase phase = Phase::unused;
    link::ConnectionId source;
    wire::RequestId request_id;
    NodeId newcomer{};
    std::size_t wanted = 0;
    /// When the asker stops waiting.
    Instant expires{};
    Instant arrived{};
    Instant started{};
    /// In service: members found alive so far, those asked for a sign of life, those to ask next.
    wire::Contacts found;
    std::vector<NodeId> probing;
    std::vector<NodeId> stale;
  };
  struct Key {
    link::ConnectionId source;
    wire::RequestId request_id;
    friend constexpr auto operator<=>(const Key&, const Key&) = default;
  };

  Verdict judge(Instant now, link::ConnectionId source, const wire::Contact& newcomer);
  void turn_away(link::ConnectionId source, wire::RequestId request_id, const NodeId& newcomer,
                 Verdict&& verdict);
  /// A place for the arriving request: a free one, or one taken from another; see TurnOrder.
  bool make_room(Priority priority, link::ConnectionId source);
  /// Starts requests while there is room in service and somebody waits.
  void start_waiting(Instant now);
  void start(Instant now, Slot slot);
  /// Asks further silent members until enough answers are under way; ends the request when
  /// nothing is left to wait for.
  void advance(Instant now, Slot slot);
  void finish(Instant now, Slot slot);
  void refuse_busy(Slot slot);
  void expire(Slot slot);
  /// Takes the request off every table. Its slot is free afterwards.
  void release(Slot slot);
  /// Tells the requests in service that waited for this member.
  void settle_probe(Instant now, const NodeId& member, bool alive);
  std::uint32_t draw_retry_after_ms();
  void note_full();
  void note_room();
  void note_nobody(bool nobody);
  void answer_failure(link::ConnectionId source, wire::RequestId request_id, wire::Failure failure);

  wire::Contact self_;
  IntroductionDeskOptions options_;
  Rng rng_;
  AdmissionPolicy* policy_;
  Members members_;
  std::vector<Request> requests_;
  std::vector<Slot> unused_;
  FlatMap<Key, Slot> open_;
  TurnOrder turns_;
  /// In the order of their start.
  std::vector<Slot> serving_;
  /// Members asked and not yet heard, each with the number of requests that wait for it.
  FlatMap<NodeId, std::size_t> probes_;
  Deadlines deadlines_;
  Outbox<DeskEffect> outbox_;
  DeskStats stats_;
  /// Said to be full since this many had heard BUSY; nothing while it is not.
  std::optional<std::uint64_t> full_since_busy_;
  bool nobody_logged_ = false;
};

}  // namespace trestle::bridge
