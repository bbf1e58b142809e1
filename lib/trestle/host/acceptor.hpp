#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <ev.h>

#include "trestle/host/event_loop.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/timer.hpp"

namespace trestle::host {

struct AcceptorOptions {
  /// Sockets accepted in one turn, so that a flood of newcomers leaves time for the peers that are
  /// in.
  unsigned accepts_per_turn_max = 64;
  /// Pause after the process ran out of descriptors; the listener would otherwise be ready in every
  /// turn.
  Duration pause = std::chrono::milliseconds(100);
  /// A peer that vanished without a word is found by the kernel's own probes, too: clients of the
  /// old dialect answer no pings of ours. First probe after a minute's silence, dead 60 s later,
  /// well within the five minutes after which the old bootstrap let a client go. Whole seconds.
  std::chrono::seconds probe_after{60};
  std::chrono::seconds probe_interval{15};
  int probes_max = 4;
};

/// Takes connections from one listening socket and hands each, non-blocking, to its owner. When the
/// process has no descriptor left, callers are accepted into a spare one and closed at once.
class Acceptor {
 public:
  /// Gets the descriptor, now its own, and the peer's address: canonical text, IPv4-mapped
  /// addresses as IPv4, empty for unix.
  using OnSocket = std::function<void(int descriptor, const std::string& remote_address)>;

  Acceptor(EventLoop& loop, ListeningSocket socket, OnSocket on_socket,
           const AcceptorOptions& options = {});
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  const HostPort& address() const { return socket_.address(); }
  /// Callers that were accepted and closed at once, since no descriptor was left for them.
  std::uint64_t turned_away() const { return turned_away_; }

 private:
  void on_ready();
  /// Gives up the spare descriptor for a moment, so that a caller is told by its end instead of
  /// being left in the queue. False if that did not help.
  bool turn_one_away();

  EventLoop& loop_;
  ListeningSocket socket_;
  OnSocket on_socket_;
  AcceptorOptions options_;
  ev_io watcher_{};
  Timer resume_;
  int spare_;  ///< An open descriptor that stands for nothing.
  std::uint64_t turned_away_ = 0;
};

}  // namespace trestle::host
