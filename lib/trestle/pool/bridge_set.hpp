#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/hedge_delay.hpp"
#include "trestle/pool/bridge_set_options.hpp"
#include "trestle/pool/bridge_set_stats.hpp"
#include "trestle/pool/bridge_slot.hpp"
#include "trestle/pool/request_table.hpp"

namespace trestle::pool {

/// One persistent, authenticated, health-checked connection per bridge, with many requests in
/// flight on each (bridge-connection requirements 1-6, design section 3).
///
/// Dials every bridge at start, reconnects with backoff, leaves failing ones out of the rotation
/// and takes them back by itself. Requests go round robin over the healthy ones (P-BR-5); one that
/// times out, is lost or answered nonsense is tried on another bridge within its total deadline
/// (MUX-04). Every accepted request ends exactly once, by `Answered` or `Failed`.
///
/// In stateless mode each request makes a connection of its own, which closes with the answer
/// (P-CR-13). A bridge of the old system answers only on the socket that it opened itself: it is
/// attached, and its requests are performed by the owner of that socket.
class BridgeSet {
 public:
  struct Answered {
    PoolRequestId request;
    RequestToken token;
    NodeId bridge;
    /// The bridge's answer; a `Failure` is an answer too, unless it was BUSY and another bridge
    /// could be asked.
    wire::Message message;
  };
  struct Failed {
    PoolRequestId request;
    RequestToken token;
    /// BRIDGE_UNAVAILABLE: none is connected. BUSY: all refused. TIMEOUT, CONNECTION_LOST,
    /// PROTOCOL_ERROR: the last attempt's end.
    ErrorCode code;
    std::uint32_t retry_after_ms = 0;
  };
  /// The bridges that can be asked changed: connected ones, and those that are dialled on demand.
  struct BridgesChanged {
    wire::Contacts available;
  };
  /// Put this to the attached bridge; give its answer to `on_attached_answer`. After `budget`
  /// nobody waits for it.
  struct AskAttached {
    link::ConnectionId connection;
    wire::RequestId id;
    wire::Message message;
    Duration budget{};
  };
  /// Nobody waits for that answer any more.
  struct WithdrawAttached {
    link::ConnectionId connection;
    wire::RequestId id;
  };
  using Heard = BridgeHeard;
  using Effect = std::variant<link::TransportOrder, Answered, Failed, BridgesChanged, AskAttached,
                              WithdrawAttached, Heard, LogRecord>;

  /// `local` and `suite` must outlive the set.
  BridgeSet(const BridgeSetOptions& options, const link::LocalPeer& local, crypto::Suite& suite,
            Rng rng);
  ~BridgeSet();

  // ---- commands ----
  void start(Instant now);
  /// Refused with BUSY when `requests_max` are under way, SHUTTING_DOWN after `stop`.
  Result<PoolRequestId, ErrorCode> submit(Instant now, wire::Message request,
                                          Hedging hedging = Hedging::never,
                                          RequestToken token = {});
  /// Ends the request with CANCELLED.
  void cancel(Instant now, PoolRequestId request);
  /// The same for the request with that token. Looks through all: being asked to is rare.
  void cancel(Instant now, RequestToken token);
  /// New settings. Added bridges are dialled; removed ones get nothing new and close after their
  /// last answer; the others keep their connection. Excluded and failed ones are tried again. In
  /// another mode, what is under way finishes as it began. No request fails by it.
  void reload(Instant now, const std::vector<BridgeEndpoint>& bridges, BridgeMode mode);
  /// A bridge of the old system can be asked on this connection. Again for the same connection when
  /// its contact changed; a newer connection of the same bridge replaces the older.
  /// A configured bridge that has proven this id keeps it, or takes it back.
  void attach(Instant now, link::ConnectionId connection, const wire::Contact& bridge);
  void detach(Instant now, link::ConnectionId connection);
  /// Dials those that were closed for idleness, as a request would.
  void wake_idle(Instant now);
  /// Says something that wants no answer to a bridge that was heard, or to all that are connected.
  void notify(Instant now, link::ConnectionId connection, const wire::Message& message);
  void notify_all(Instant now, const wire::Message& message);
  /// Ends everything; no dial follows.
  void stop(Instant now);

  // ---- inputs from the transport, for connections owned by the pool ----
  void on_dialled(Instant now, link::ConnectionId connection);
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason);
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes);
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes);
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason);
  void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                 const wire::Signature& signature);
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket, bool valid);
  /// An attached bridge's answer (or a `Failure`) to `AskAttached`. A late or foreign one is
  /// counted and ignored.
  void on_attached_answer(Instant now, link::ConnectionId connection, wire::RequestId id,
                          wire::Message answer);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect(Instant now);

  const std::vector<BridgeSlot>& slots() const { return slots_; }
  /// Whether a request made now could go to this bridge.
  bool is_usable(Instant now, const BridgeSlot& slot) const;
  /// Bridges with an open, healthy connection.
  wire::Contacts connected() const;
  /// These, and those that a request would dial.
  wire::Contacts available() const;
  /// The bridge with that id, or nothing when it has left the set.
  const wire::Contact* find(const NodeId& bridge) const;
  std::size_t requests_under_way() const { return requests_.size(); }
  std::size_t requests_max() const { return options_.requests_max; }
  std::size_t requests_waiting() const { return requests_.waiting(); }
  /// Our own connections; those of attached bridges are not among them.
  std::uint64_t connections_held() const { return channels_.size(); }
  BridgeMode mode() const { return mode_; }
  const BridgeSetStats& stats() const { return stats_; }

 private:
  /// Whose a connection is: a slot's, or in stateless mode a request's.
  struct Holder {
    SlotIndex slot = 0;
    PoolRequestId request;
    /// Stray answers on it that stand in the slot's `late_answers` already.
    std::uint64_t strays = 0;
  };
  static constexpr std::size_t kFirst = 0;
  static constexpr std::size_t kHedge = 1;

  // bridge_set.cpp: dispatch
  void pump(Instant now);
  void on_news(Instant now, link::ConnectionId connection, link::Channel::News&& news);
  void count_strays(link::ConnectionId connection);
  void log(LogLevel level, std::string_view event, ErrorCode code, const BridgeSlot& slot,
           std::string detail);

  // bridge_set_connections.cpp: the one connection of each bridge
  void dial(Instant now, SlotIndex index);
  void dial_later(Instant now, SlotIndex index);
  unsigned patience(Instant now, const BridgeSlot& lost) const;
  void end_patience(Instant now);
  void on_opened(Instant now, SlotIndex index, const wire::Contact& peer);
  void on_lost(Instant now, SlotIndex index, const link::Channel::Closed& closed);
  void exclude(Instant now, BridgeSlot& slot, ErrorCode code, const std::string& text);
  void on_health(Instant now, SlotIndex index, bool healthy);
  void close_if_idle(Instant now, BridgeSlot& slot);
  void weigh_ejections(Instant now);
  void report_available();
  bool is_open(const BridgeSlot& slot) const;
  bool is_available(const BridgeSlot& slot) const;

  // bridge_set_attached.cpp: bridges of the old system
  bool is_proven(const NodeId& bridge) const;
  void displace_attached(Instant now, const NodeId& bridge);
  void let_go(Instant now, SlotIndex index, ErrorCode code);

  // bridge_set_reload.cpp: bridges that come and go
  /// One place stays free for the moment in which an attached bridge changes its socket.
  std::size_t configured_max() const { return kBridgesMax - options_.attached_max - 1; }
  bool has_place() const;
  void add(BridgeEndpoint bridge);
  void join(BridgeEndpoint bridge);
  void leave(Instant now, BridgeSlot& slot);
  bool settle(Instant now);
  void remove(Instant now, SlotIndex index);

  // bridge_set_requests.cpp: the way of a request
  void advance(Instant now, PoolRequest& request);
  void advance_waiting(Instant now);
  std::optional<SlotIndex> choose(Instant now, const PoolRequest& request);
  std::optional<SlotIndex> choose_better_of_two(Instant now, const PoolRequest& request);
  std::optional<Instant> hope(Instant now, const PoolRequest& request);
  std::optional<Instant> hope_for(Instant now, const PoolRequest& request, const BridgeSlot& slot);
  void on_timer(Instant now, PoolRequest& request);
  void hedge(Instant now, PoolRequest& request);
  void arm(PoolRequest& request);
  void finish(PoolRequest& request, ErrorCode code);
  void drop(Instant now, PoolRequest& request, ErrorCode code);

  // bridge_set_attempts.cpp: one bridge's turn
  bool begin(Instant now, PoolRequest& request, std::size_t which, SlotIndex index);
  Instant deadline_of_attempt(Instant now, const PoolRequest& request, SlotIndex index) const;
  bool send(Instant now, PoolRequest& request, std::size_t which);
  void release(Instant now, PoolRequest& request, std::size_t which);
  void withdraw(Instant now, PoolRequest& request, std::size_t which);
  void on_answer(Instant now, PoolRequest& request, std::size_t which, wire::Message&& answer);
  void on_busy(Instant now, PoolRequest& request, std::size_t which, const wire::Failure& failure);
  void on_failed(Instant now, PoolRequest& request, std::size_t which, ErrorCode code);
  void on_connection_lost(Instant now, PoolRequest& request, std::size_t which);
  void count_failure(Instant now, BridgeSlot& slot, link::Breaker::Permit permit, ErrorCode code);
  bool is_invalid_too_often(PoolRequest& request, BridgeSlot& slot, Instant now);

  // bridge_set_stateless.cpp: a connection for each request
  void begin_stateless(Instant now, PoolRequest& request, std::size_t which);
  void on_stateless_news(Instant now, link::ConnectionId connection, PoolRequestId id,
                         link::Channel::News&& news);
  void on_stateless_opened(Instant now, PoolRequest& request, const wire::Contact& peer);
  void on_stateless_lost(Instant now, PoolRequest& request, const link::Channel::Closed& closed);

  BridgeSetOptions options_;
  BridgeMode mode_;
  Rng rng_;
  link::ChannelSet channels_;
  std::vector<BridgeSlot> slots_;
  /// Added ones that wait until those that leave have freed their places.
  std::vector<BridgeEndpoint> joining_;
  std::uint64_t slots_made_ = 0;
  FlatMap<link::ConnectionId, Holder> holders_;
  SlotIndex next_in_turn_ = 0;
  RequestTable requests_;
  /// When a breaker lets a request through for which somebody waits.
  Instant wake_at_ = kNever;
  std::uint64_t last_attached_id_ = 0;
  std::size_t stateless_held_ = 0;
  bool has_free_places_ = false;
  /// Answers whose connection is to be closed first (P-CR-13).
  std::vector<Answered> closed_answers_;
  link::RetryBudget retries_;
  link::RetryBudget hedges_;
  link::HedgeDelay hedge_delay_;
  bool is_started_ = false;
  bool is_stopped_ = false;
  BridgeSetStats stats_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::pool
