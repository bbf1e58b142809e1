#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/pool/bridge_endpoint.hpp"
#include "trestle/pool/bridge_slot.hpp"

namespace trestle::pool {

/// Names one request to the set until its end is reported.
struct PoolRequestId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const PoolRequestId&, const PoolRequestId&) = default;
};

struct BridgeSetOptions {
  std::vector<BridgeEndpoint> bridges;
  link::ChannelSetOptions channels{};
  link::BreakerOptions breaker{};
  /// One connect operation: 5 attempts, so 4 waits between them (X5, P-CR-3); 1 s doubling to 30 s,
  /// full jitter (X4).
  link::BackoffOptions connect_backoff = {.attempts_max = 4};
  /// After the operation is used up the bridge is tried at this interval for ever (X5).
  Duration probe_interval = std::chrono::seconds(30);
  /// A bridge that refused our credentials is tried this rarely until the settings are reloaded
  /// (X5).
  Duration excluded_probe_interval = std::chrono::hours(1);
  /// A connection that lasted this long was a success: the next loss starts the waits anew
  /// (P-BR-3).
  Duration stable_after = std::chrono::seconds(10);
  /// POOL-08: pings are not activity (X3).
  Duration idle_close_after = std::chrono::seconds(300);
  /// X6: one attempt, and all attempts together, time in waiting included.
  Duration attempt_timeout = std::chrono::seconds(5);
  Duration total_timeout = std::chrono::seconds(10);
  /// How long a request waits for a connection that is being made: short enough that the asker
  /// still hears a reason within 5 s.
  Duration connection_wait = std::chrono::seconds(3);
  /// Requests accepted and not ended (requirements section 3: 500 on the bootstrap side). One more
  /// is refused.
  std::size_t requests_max = 500;
  /// A bridge that answered BUSY without saying for how long is left alone this long.
  Duration busy_pause = std::chrono::milliseconds(500);
};

/// One persistent, authenticated, health-checked connection per bridge, with many requests in
/// flight on each (bridge-connection requirements 1-6, design section 3).
///
/// Dials every bridge at start, reconnects with backoff, leaves failing ones out of the rotation
/// and takes them back by itself. Requests go round robin over the healthy ones (P-BR-5); one that
/// times out, is lost or answered nonsense is tried on another bridge within its total deadline
/// (MUX-04). Every accepted request ends exactly once, by `Answered` or `Failed`.
class BridgeSet {
 public:
  struct Answered {
    PoolRequestId request;
    wire::Contact bridge;
    /// The bridge's answer; a `Failure` is an answer too, unless it was BUSY and another bridge
    /// could be asked.
    wire::Message message;
  };
  struct Failed {
    PoolRequestId request;
    /// BRIDGE_UNAVAILABLE: none is connected. BUSY: all refused. TIMEOUT, CONNECTION_LOST,
    /// PROTOCOL_ERROR: the last attempt's end.
    ErrorCode code;
    std::uint32_t retry_after_ms = 0;
  };
  /// The set of connected bridges changed.
  struct BridgesChanged {
    wire::Contacts connected;
  };
  using Effect = std::variant<link::TransportOrder, Answered, Failed, BridgesChanged, LogRecord>;

  /// `local` and `suite` must outlive the set.
  BridgeSet(const BridgeSetOptions& options, const link::LocalPeer& local, crypto::Suite& suite,
            Rng rng);

  // ---- commands ----
  void start(Instant now);
  /// Refused with BUSY when `requests_max` are under way, SHUTTING_DOWN after `stop`.
  Result<PoolRequestId, ErrorCode> submit(Instant now, wire::Message request);
  /// Ends the request with CANCELLED.
  void cancel(Instant now, PoolRequestId request);
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

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Effect> poll_effect(Instant now);

  const std::vector<BridgeSlot>& slots() const { return slots_; }
  /// Whether a request made now could go to this bridge.
  bool is_usable(Instant now, const BridgeSlot& slot) const;
  wire::Contacts connected() const;
  std::size_t requests_under_way() const { return requests_.size(); }
  std::size_t requests_max() const { return options_.requests_max; }
  std::uint64_t connections_held() const { return channels_.size(); }

 private:
  using SlotIndex = std::size_t;

  struct Request {
    wire::Message message;
    Instant deadline = kNever;
    /// Set while it waits for a connection to come up.
    Instant wait_until = kNever;
    /// Set while it is on the wire.
    std::optional<SlotIndex> slot;
    wire::RequestId wire_id;
    Instant sent_at{};
    link::Breaker::Permit permit;
    std::vector<SlotIndex> tried;
    ErrorCode last_error = ErrorCode::bridge_unavailable;
    std::uint32_t retry_after_ms = 0;
  };

  // bridge_set.cpp: connections
  void pump(Instant now);
  void on_news(Instant now, link::ConnectionId connection, link::Channel::News&& news);
  void on_opened(Instant now, SlotIndex index, const wire::Contact& peer);
  void on_lost(Instant now, SlotIndex index, const link::Channel::Closed& closed);
  void dial(Instant now, SlotIndex index);
  void schedule_dial(Instant now, SlotIndex index);
  void close_if_idle(Instant now, SlotIndex index);
  void report_connected();
  std::optional<SlotIndex> slot_of(link::ConnectionId connection) const;
  void log(LogLevel level, std::string_view event, ErrorCode code, const BridgeSlot& slot,
           std::string detail);

  // bridge_set_requests.cpp: requests
  void advance(Instant now, std::uint64_t serial);
  void advance_waiting(Instant now);
  void expire_waiting(Instant now);
  std::optional<SlotIndex> choose(Instant now, const Request& request);
  std::optional<Instant> hope(Instant now, const Request& request) const;
  bool attempt(Instant now, std::uint64_t serial, Request& request, SlotIndex index);
  void on_answer(Instant now, link::Channel::Answered&& answered);
  void on_attempt_failed(Instant now, std::uint64_t serial, ErrorCode code);
  void on_busy(Instant now, std::uint64_t serial, const wire::Failure& failure);
  void finish(std::uint64_t serial, Effect effect);
  void wake_idle(Instant now);

  BridgeSetOptions options_;
  const link::LocalPeer& local_;
  Rng rng_;
  link::ChannelSet channels_;
  std::vector<BridgeSlot> slots_;
  SlotIndex next_in_turn_ = 0;
  FlatMap<std::uint64_t, Request> requests_;
  std::uint64_t last_serial_ = 0;
  bool is_stopped_ = false;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::pool
