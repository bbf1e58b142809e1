#pragma once

#include <functional>

#include <ev.h>

#include "trestle/base/time.hpp"

namespace trestle::host {

/// One timer on a libev loop. Runs once per `start`; a second `start` moves it. Stops itself when
/// destroyed.
class Timer {
 public:
  Timer(struct ev_loop* loop, std::function<void()> fired);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Zero or less: with the loop's next turn.
  void start(Duration wait);
  void stop();
  bool is_running() const;

 private:
  struct ev_loop* loop_;
  std::function<void()> fired_;
  ev_timer watcher_{};
};

}  // namespace trestle::host
