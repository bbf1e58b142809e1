#include "trestle/host/timer.hpp"

#include <algorithm>
#include <utility>

namespace trestle::host {

Timer::Timer(struct ev_loop* loop, std::function<void()> fired)
    : loop_(loop), fired_(std::move(fired)) {
  ev_init(&watcher_, [](struct ev_loop*, ev_timer* watcher, int) {
    static_cast<Timer*>(watcher->data)->fired_();
  });
  watcher_.data = this;
}

Timer::~Timer() { stop(); }

void Timer::start(Duration wait) {
  stop();
  // libev counts from the beginning of its turn: after a long one the timer would be early.
  ev_now_update(loop_);
  const double seconds = std::chrono::duration<double>(std::max(wait, Duration::zero())).count();
  ev_timer_set(&watcher_, seconds, 0.0);
  ev_timer_start(loop_, &watcher_);
}

void Timer::stop() { ev_timer_stop(loop_, &watcher_); }

bool Timer::is_running() const { return ev_is_active(&watcher_); }

}  // namespace trestle::host
