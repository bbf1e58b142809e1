#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "trestle/base/histogram.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"

struct ev_loop;
struct lws;
struct ssl_st;

namespace trestle::host {

class Tls;

/// Who owns one libwebsockets socket. Everything that happens to the socket arrives at this one
/// member.
///
/// The owner is attached to the socket, not to a virtual host: libwebsockets chooses the virtual
/// host again by the request's Host header, so a stranger could otherwise reach the admin pages
/// through the public port.
class SocketUser {
 public:
  virtual ~SocketUser() = default;
  /// `reason` is an `lws_callback_reasons`. Non-zero closes the socket. The last call is
  /// LWS_CALLBACK_WSI_DESTROY; the user may be deleted in it.
  virtual int on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) = 0;
  /// What `EventLoop::flush_this_turn` asked for: write what the turn has queued.
  virtual void flush() {}
  /// The turn is over and flushed as often as it may; ask the socket for its next turn.
  virtual void flush_next_turn() {}

 private:
  friend class EventLoop;
  bool is_to_be_flushed_ = false;
};

struct EventLoopOptions {
  /// What one message may weigh on its way out without being chopped into pieces: the largest frame
  /// (256 KiB) and its head. libwebsockets would otherwise write in chunks of 4 KiB.
  std::size_t write_bytes_max = 257 * 1024;
  /// Read in pieces of this size. libwebsockets reserves as much for every connection: 10,000 of
  /// them take 40 MB.
  std::size_t read_bytes = 4 * 1024;
  /// What one turn reads of one socket of the raw transport, into one buffer for all of them: a
  /// whole record of TLS (16 KiB and its frame). What came in one turn is answered in one write, so
  /// that two busy ends which read all there is take turns, and one of their processors always
  /// sleeps. With 68 KiB the requests a second between two processes were half as many (P1r, P2r).
  unsigned raw_read_bytes = 17 * 1024;
  /// All header lines of one request together (reliability.md section 10).
  unsigned header_bytes_max = 8 * 1024;
  /// libwebsockets' own deadlines (close handshake, stalled handshakes) are looked at this often;
  /// its libev plug-in may miss them otherwise, since it does not move a timer that is already
  /// running.
  Duration heartbeat = std::chrono::seconds(1);
  /// How often one turn flushes before it looks at its sockets again. What was flushed may cause
  /// more (a window that opens), and that should not wait for a turn; but who reads fast must not
  /// keep everybody else waiting.
  std::uint8_t flushes_per_turn_max = 2;
  /// Where libwebsockets' own complaints go, for the whole process; null: nowhere.
  void (*library_log)(int level, const char* line) = nullptr;
  /// What wss:// is spoken with; outlives the loop. Null: wss:// is neither dialled nor accepted.
  Tls* tls = nullptr;
};

/// Whether a socket carries TLS.
enum class Security : std::uint8_t { plain, tls };

/// A WebSocket to be opened.
struct ConnectOrder {
  std::string address;  ///< Literal.
  std::uint16_t port = 0;
  Security security = Security::plain;
  std::string host_header;
  std::string path;
};

/// One libev loop with one libwebsockets context on it: the program's only thread runs here.
///
/// libev rather than libwebsockets' own poll loop, which collapses with idle neighbours (design
/// section 8). The context has no listener of its own (see Acceptor) and two virtual hosts, one for
/// sockets that are accepted with TLS and one for all others; permessage-deflate is not offered.
class EventLoop {
 public:
  /// Error: one sentence that says what is missing, for example the plug-in's package.
  static Result<std::unique_ptr<EventLoop>, std::string> create(const EventLoopOptions& options);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Called once per turn, after everything that was ready has been handled and before the loop
  /// sleeps.
  void set_end_of_turn(std::function<void()> end_of_turn);

  /// Calls `flush` of this user, or `flush_next_turn`, at the end of this turn: what many orders of
  /// a turn have queued then leaves in one write, without a detour through epoll. Once, however
  /// often it is asked for before that call.
  void flush_this_turn(SocketUser& user);
  /// The user goes away.
  void forget_flush(const SocketUser& user);

  /// Runs until `stop`.
  void run();
  /// One turn; does not sleep when nothing is ready. For tests that drive several loops in one
  /// thread.
  void turn();
  void stop();

  /// Makes libwebsockets look at what was changed from outside its callbacks.
  void nudge();

  /// The loop takes the accepted socket and reports to `user`. False (socket closed, `user` told
  /// nothing more) on failure.
  bool adopt(int descriptor, Security security, SocketUser& user);
  /// The same for a socket, accepted or dialled, whose bytes the user takes as they come; null on
  /// failure.
  lws* adopt_raw(int descriptor, SocketUser& user);
  /// Begins a WebSocket connection. Null if it failed at once.
  lws* connect(const ConnectOrder& order, SocketUser& user);
  /// Ends a socket without ceremony. Not to be called from its own `on_socket_event`.
  void kill(lws* socket);

  struct ev_loop* loop() const;
  /// From one wake-up to the next sleep: how long whatever became ready meanwhile had to wait.
  const Histogram& turn_time() const;
  /// What the loop was given.
  Tls* tls() const;
  const EventLoopOptions& options() const;

  struct State;

 private:
  explicit EventLoop(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The user of a socket changes or goes away (null: nobody; what happens then is ignored and the
/// socket closes).
void set_socket_user(lws* socket, SocketUser* user);

/// The TLS connection of a socket; null if it has none, or not yet.
ssl_st* tls_connection(lws* socket);

}  // namespace trestle::host
