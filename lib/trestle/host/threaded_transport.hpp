#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ev.h>

#include "trestle/base/result.hpp"
#include "trestle/host/dial_shards.hpp"
#include "trestle/host/transport_thread.hpp"

namespace trestle::host {

struct ThreadedTransportOptions {
  /// Zero: everything stays on the core's thread.
  std::size_t threads = 0;
  TransportThreadOptions thread;
};

/// The connections that a node dials, on threads of their own: the same orders and the same events
/// as those of `WebSocketTransport`, all on the core's thread and in order for each connection.
///
/// An endpoint has one thread (`DialShards`). Accepted connections stay on the core's thread: they
/// are counted by address and answered with pages, which is done while they wait for it.
class ThreadedTransport {
 public:
  /// At least one thread. All but the options is borrowed; `loop` is what the core's loop was made
  /// with. Error: a sentence for the operator.
  static Result<std::unique_ptr<ThreadedTransport>, std::string> start(
      const ThreadedTransportOptions& options, const EventLoopOptions& loop,
      const TransportOptions& transport, struct ev_loop* core, TransportEvents& events);
  /// What was ordered before a close is sent, for as long as a close may take; other connections
  /// end without a word.
  ~ThreadedTransport();
  ThreadedTransport(const ThreadedTransport&) = delete;
  ThreadedTransport& operator=(const ThreadedTransport&) = delete;

  void dial(const link::Dial& order);
  /// Whether a thread has this connection, so that its orders belong here.
  bool has(link::ConnectionId connection) const { return routes_.contains(connection.value()); }
  /// More than may wait for a thread: the connection ends with what was ordered before, and its
  /// owner hears of it in a later turn.
  void send(link::SendFrame order);
  void close(link::CloseTransport order);
  /// What the turn has ordered sets off.
  void end_turn();

  void limit(const TransportOptions& limits);
  /// Dials from now on believe whom `tls` believes.
  void trust(const Tls& tls);

  /// Dials under way included.
  std::size_t connections() const { return routes_.size(); }
  /// What all threads together count, on top.
  void add_figures(TransportStats& sum) const;
  /// Each thread's, in their order.
  std::vector<ThreadFigures> figures() const;

 private:
  struct Route {
    std::size_t thread = 0;
    bool is_open = false;
    bool is_broken = false;  ///< An order was refused; its owner is about to hear of it.
  };

  ThreadedTransport(std::size_t threads, struct ev_loop* core, TransportEvents& events);

  TransportThread& thread_of(const Route& route) { return *threads_[route.thread]; }
  Route* find(link::ConnectionId connection);
  void break_off(link::ConnectionId connection, Route& route);
  void deliver();
  void report_broken();
  void report(Dialled& event);
  void report(DialFailed& event);
  void report(FrameArrived& event);
  void report(Drained& event);
  void report(ConnectionClosed& event);

  struct ev_loop* core_;
  TransportEvents& events_;
  ev_async wake_{};
  DialShards shards_;
  std::vector<std::unique_ptr<TransportThread>> threads_;
  /// From a dial to its end: who is not here has no connection any more, whatever is still reported
  /// of it.
  std::unordered_map<std::uint64_t, Route> routes_;
  std::vector<link::ConnectionId> broken_;
  std::vector<ThreadEvent> taken_;
};

}  // namespace trestle::host
