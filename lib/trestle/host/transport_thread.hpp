#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <ev.h>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/result.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/handover.hpp"
#include "trestle/host/thread_figures.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/transport_events.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::host {

// ---- what a thread is told

struct Trust {
  std::unique_ptr<TlsMaterial> material;
};
struct SetLimits {
  std::unique_ptr<TransportOptions> limits;
};
/// The last order: send what is closing, and end.
struct EndThread {};
using ThreadOrder =
    std::variant<link::Dial, link::SendFrame, link::CloseTransport, Trust, SetLimits, EndThread>;

// ---- what it reports

struct Dialled {
  link::ConnectionId connection;
};
struct DialFailed {
  link::ConnectionId connection;
  ErrorCode code;
  std::string reason;
};
struct FrameArrived {
  link::ConnectionId connection;
  link::FrameKind kind;
  Bytes bytes;
};
struct Drained {
  link::ConnectionId connection;
  std::size_t bytes;
};
struct ConnectionClosed {
  link::ConnectionId connection;
  std::uint16_t status;
  std::string reason;
};
using ThreadEvent = std::variant<Dialled, DialFailed, FrameArrived, Drained, ConnectionClosed>;

struct TransportThreadOptions {
  /// Orders to one thread. Where these bounds count, the core's own has failed: it has at most 1
  /// MiB unsent on a connection, and a pool at most 64 of them. Their frames are a kilobyte and
  /// more.
  HandoverBounds orders{64 * 1024, 64 * 1024 * 1024};
  /// Events of one thread, of which the core takes all in one turn: 4 MiB of frames are some
  /// milliseconds' work. A thread that has so many waiting reads no further.
  HandoverBounds events{4 * 1024, 4 * 1024 * 1024};
};

/// Sockets, TLS and WebSocket of some dialled connections, on a thread and a loop of their own.
///
///     the core's thread                                        this one
///     order -> (batch) -> publish_orders ->  Handover  -> work_off -> WebSocketTransport
///     take_events <- Handover <- publish <- (batch) <- on_frame, on_closed, ...
///
/// Each side hands over once in a turn, at its end, and wakes the other for it. When the core has
/// not taken what may wait, this thread sleeps in the middle of its turn: nothing is dropped, and
/// peers are held back by what their systems may have under way. The core never waits.
class TransportThread final : private TransportEvents {
 public:
  /// Its TLS is one of its own, which trusts as that of `loop` does. `wake` is sent whenever there
  /// is something to be taken, or the number of its connections has changed; both outlive it.
  static Result<std::unique_ptr<TransportThread>, std::string> start(
      const EventLoopOptions& loop, const TransportOptions& transport,
      const TransportThreadOptions& options, struct ev_loop* core, ev_async* wake);
  /// Waits for what is closing, for as long as a close may take.
  ~TransportThread() override;
  TransportThread(const TransportThread&) = delete;
  TransportThread& operator=(const TransportThread&) = delete;

  // ---- from the core's thread

  /// False, and the order as it was, if more would wait than may.
  bool order(ThreadOrder&& order, std::size_t bytes);
  /// One of which there are few.
  void order_beyond(ThreadOrder&& order) { orders_.put_beyond(std::move(order), 0); }
  void publish_orders();
  void take_events(std::vector<ThreadEvent>& events) { events_.take(events); }
  ThreadFigures figures() const;
  TransportStats stats() const;
  /// Begins what the destructor waits for, so that several threads end beside each other.
  void begin_end();

 private:
  TransportThread(std::unique_ptr<Tls> tls, std::unique_ptr<EventLoop> loop,
                  const TransportOptions& transport, const TransportThreadOptions& options,
                  struct ev_loop* core, ev_async* wake);

  void work_off();
  void perform(link::Dial& order) { transport_.dial(order); }
  void perform(link::SendFrame& order) { transport_.send(std::move(order)); }
  void perform(link::CloseTransport& order) { transport_.close(std::move(order)); }
  void perform(Trust& order);
  void perform(SetLimits& order);
  void perform(EndThread& order);
  void end_turn();
  void tell(ThreadEvent&& event, std::size_t bytes);
  void publish_events();

  link::ConnectionId on_accepted(const link::Accepted& accepted) override;
  void on_dialled(link::ConnectionId connection) override;
  void on_dial_failed(link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) override;
  void on_drained(link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  HttpReply on_http_request(const HttpRequest& request) override;

  struct ev_loop* core_;
  ev_async* wake_;
  Duration close_within_;
  Handover<ThreadOrder> orders_;
  Handover<ThreadEvent> events_;
  std::uint64_t refused_ = 0;
  bool is_told_to_end_ = false;

  // The thread's; made before it begins and destroyed after it has ended.
  std::unique_ptr<Tls> tls_;  ///< Null: no TLS.
  std::unique_ptr<EventLoop> loop_;
  WebSocketTransport transport_;
  ev_async ordered_{};
  Timer ending_;
  std::vector<ThreadOrder> taken_;
  bool is_ending_ = false;
  std::uint64_t waits_ = 0;

  /// What the last turn left, under the mutex.
  struct Look {
    TransportStats stats;
    Handover<ThreadEvent>::Peak events;
    std::uint64_t waits = 0;
  };
  mutable std::mutex mutex_;
  Look look_;

  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace trestle::host
