#pragma once

#include <functional>

#include <ev.h>

#include "trestle/host/address.hpp"

namespace trestle::host {

/// Makes one TCP connection to a literal address: what the Acceptor is to callers, to a dial. Gives
/// up, without a word, when destroyed; its owner bounds the time.
class Connector {
 public:
  /// Once, from inside the loop: the connected socket, now the owner's, or -1 and an `errno`. The
  /// connector may be destroyed in it.
  using OnEnd = std::function<void(int descriptor, int error)>;

  Connector(struct ev_loop* loop, OnEnd on_end);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  /// Zero, or the `errno` with which it failed at once; nothing more is told then.
  int start(const HostPort& address);

 private:
  void on_ready();
  int take_descriptor();

  struct ev_loop* loop_;
  OnEnd on_end_;
  int descriptor_ = -1;
  ev_io watcher_{};
};

}  // namespace trestle::host
