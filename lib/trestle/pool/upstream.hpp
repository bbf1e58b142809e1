#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/slot_lists.hpp"
#include "trestle/http/exchange.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/retry_budget.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/pool/upstream_options.hpp"
#include "trestle/pool/upstream_scaler.hpp"

namespace trestle::pool {

/// Whether a request may be put to the server again after it may have acted on it.
enum class Repeatable : std::uint8_t { no, yes };

enum class UpstreamRefusal : std::uint8_t {
  full,         ///< As many wait as may (`waiting_max`).
  unavailable,  ///< The breaker is open: no sooner than `available_at`.
  stopped,
};

// ---- orders

/// Open a connection; report `on_connected` or `on_disconnected`.
struct DialUpstream {
  link::ConnectionId connection;
};
/// Put the request to the server on that connection; report how it ends.
struct Assign {
  http::ExchangeId request;
  link::ConnectionId connection;
};
/// Nobody waits for it any more. Its end is not reported.
struct Withdraw {
  http::ExchangeId request;
  link::ConnectionId connection;
};
/// Ask for a sign of life, with a HEAD or a ping; report `on_checked`.
struct CheckUpstream {
  link::ConnectionId connection;
};
/// Close it. Nothing is under way on it, and nothing more is reported of it.
struct CloseUpstream {
  link::ConnectionId connection;
};

// ---- news

enum class UpstreamFailure : std::uint8_t {
  timeout,      ///< Its deadline came first.
  lost,         ///< An attempt failed, and there was none left, or none that may be made.
  unavailable,  ///< The breaker opened while it waited.
  stopped,
};

/// The request has come to nothing.
struct RequestEnded {
  http::ExchangeId request;
  UpstreamFailure failure = UpstreamFailure::lost;
  unsigned attempts = 0;
};

using UpstreamEffect =
    std::variant<DialUpstream, Assign, Withdraw, CheckUpstream, CloseUpstream, RequestEnded>;

struct UpstreamStats {
  std::size_t connections = 0;  ///< Open ones.
  std::size_t dialling = 0;
  std::size_t busy = 0;  ///< Carry a request, or are checked.
  std::size_t waiting = 0;
  std::size_t connections_max = 0;
  std::uint64_t opened_total = 0;
  std::uint64_t dials_failed_total = 0;
  std::uint64_t given_total = 0;   ///< Requests that were given a connection,
  std::uint64_t reused_total = 0;  ///< one that had carried another before.
  std::uint64_t answered_total = 0;
  std::uint64_t retried_total = 0;
  std::uint64_t ended_total = 0;  ///< Without an answer.
  std::uint64_t refused_total = 0;
  std::uint64_t checks_failed_total = 0;
};

/// The connections to one origin of somebody else's, and which of them carries which request: the
/// other of the two sets over the same leaves (design section 3, POOL-10..15). A machine that never
/// sees a byte: it knows how many requests a connection can carry (one with HTTP/1.1, many with
/// HTTP/2), the owner speaks on it.
///
/// Promises: every accepted request ends once, by `on_answered`, by `cancel`, or by `RequestEnded`;
/// none waits while a connection has room; the connection that was used last is used next, so that
/// those nobody needs grow old; no more are open or dialled than the scaler allows. What the server
/// may have acted on is repeated only if the request says so, and retries have a budget.
class Upstream {
 public:
  Upstream(const UpstreamOptions& options, Rng rng);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // ---- commands

  /// Dials the first connections.
  void start(Instant now);
  Result<void, UpstreamRefusal> submit(Instant now, http::ExchangeId request, Instant deadline,
                                       Repeatable repeatable);
  void cancel(Instant now, http::ExchangeId request);
  /// Ends what waits; closes connections as soon as they are idle.
  void stop(Instant now);

  // ---- inputs: connections

  /// It is open and can carry so many requests at a time.
  void on_connected(Instant now, link::ConnectionId connection, std::size_t room);
  /// So many from now on: the server has said so.
  void on_room(Instant now, link::ConnectionId connection, std::size_t room);
  /// It takes no more requests; those under way go on.
  void on_retiring(Instant now, link::ConnectionId connection);
  /// The dial has failed, or the connection is gone. What was under way on it has been reported
  /// before, with `on_failed`; whatever was not is taken for one that may have been acted on.
  void on_disconnected(Instant now, link::ConnectionId connection);
  void on_checked(Instant now, link::ConnectionId connection, bool is_alive);

  // ---- inputs: requests

  void on_answered(Instant now, http::ExchangeId request);
  void on_failed(Instant now, http::ExchangeId request, http::Doubt doubt);
  /// The server has answered that it will take it later, after `wait` at the earliest
  /// (Retry-After), and has not acted on it. False: that was its answer, it is not tried again.
  bool on_put_off(Instant now, http::ExchangeId request, Duration wait);

  // ---- time, drain, look

  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<UpstreamEffect> poll_effect() { return outbox_.poll(); }
  UpstreamStats stats() const;
  link::BreakerState breaker(Instant now) const { return breaker_.state(now); }
  /// When the breaker lets the next request through; in the past while it is closed.
  Instant available_at() const { return breaker_.open_until(); }

 private:
  using Slot = Deadlines::Slot;
  enum class Phase : std::uint8_t { unused, dialling, open, checking, retiring };
  enum class Stage : std::uint8_t { unused, waiting, assigned, resting };

  struct Connection {
    Phase phase = Phase::unused;
    link::ConnectionId id;
    std::size_t room = 0;  ///< How many it can carry.
    std::size_t in_use = 0;
    Instant due{};  ///< While it is dialled or checked: when that has failed.
    Instant ends_at{};
    Instant used_at{};
    std::uint64_t requests = 0;
  };
  struct Request {
    Stage stage = Stage::unused;
    http::ExchangeId id;
    Repeatable repeatable = Repeatable::no;
    unsigned attempts = 0;
    Instant deadline{};
    Instant waits_since{};
    Slot connection = 0;
    link::Breaker::Permit permit;
  };

  // ---- connections (upstream_connections.cpp)
  Connection* find(link::ConnectionId connection);
  Slot slot_of(const Connection& connection) const;
  /// As many as are needed, may be, and are not held back after a failure.
  void dial_more(Instant now);
  void dial(Instant now);
  void on_dial_failed(Instant now);
  bool needs_check(Instant now, const Connection& connection) const;
  void check(Instant now, Connection& connection);
  /// Puts it where it belongs now: among those with room, at the end if it was just used.
  void settle(Instant now, Connection& connection);
  Instant due_at(Instant now, const Connection& connection) const;
  void on_due(Instant now, Connection& connection);
  void retire(Instant now, Connection& connection);
  void close(Instant now, Connection& connection);
  void take_down(Instant now, Connection& connection);

  // ---- requests (upstream_requests.cpp)
  Request* find(http::ExchangeId request);
  Slot slot_of(const Request& request) const;
  Request& make_request(http::ExchangeId request);
  /// Gives connections to those that wait.
  void serve(Instant now);
  void assign(Instant now, Request& request, Connection& connection);
  /// Its attempt is over, and whatever else becomes of its connection is not decided here.
  void leave(Instant now, const Request& request);
  /// Its attempt is over: the connection has room for another.
  void detach(Instant now, const Request& request);
  void try_again(Instant now, Request& request, http::Doubt doubt);
  /// Whether there will be another attempt; it rests until then.
  bool rest(Instant now, Request& request, Duration wait_min);
  void queue(Instant now, Request& request);
  void end(Request& request, UpstreamFailure failure);
  void end_waiting(UpstreamFailure failure);
  void release(Request& request);
  void on_due(Instant now, Request& request);

  UpstreamOptions options_;
  Rng rng_;
  link::ConnectionIds ids_{link::ConnectionOwner::pool};
  link::Breaker breaker_;
  link::RetryBudget retries_;
  UpstreamScaler scaler_;

  std::vector<Connection> connections_;
  std::vector<Slot> unused_connections_;
  FlatMap<link::ConnectionId, Slot> connection_slots_;
  SlotLists connection_lists_;
  SlotLists::List with_room_;  ///< The last one was used last.
  Deadlines connection_deadlines_;
  std::size_t open_ = 0;
  std::size_t dialling_ = 0;
  std::size_t busy_ = 0;
  std::size_t checking_ = 0;
  std::size_t room_of_last_ = 1;  ///< What a further connection would carry, as far as is known.
  unsigned dials_failed_ = 0;     ///< In a row.
  Instant dials_again_at_{};
  Instant dial_deadline_ = kNever;  ///< When more are dialled than may be now.

  std::vector<Request> requests_;
  std::vector<Slot> unused_requests_;
  FlatMap<http::ExchangeId, Slot> request_slots_;
  SlotLists request_lists_;
  SlotLists::List waiting_;
  Deadlines request_deadlines_;

  bool is_started_ = false;
  bool is_stopped_ = false;
  Outbox<UpstreamEffect> outbox_;
  UpstreamStats stats_;
};

}  // namespace trestle::pool
