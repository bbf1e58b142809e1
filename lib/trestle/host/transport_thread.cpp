#include "trestle/host/transport_thread.hpp"

#include <csignal>
#include <utility>

#include <pthread.h>

#include "trestle/base/assertion.hpp"

namespace trestle::host {

Result<std::unique_ptr<TransportThread>, std::string> TransportThread::start(
    const EventLoopOptions& loop, const TransportOptions& transport,
    const TransportThreadOptions& options, struct ev_loop* core, ev_async* wake) {
  EventLoopOptions own = loop;
  std::unique_ptr<Tls> tls;
  if (loop.tls != nullptr) {
    tls = std::make_unique<Tls>(loop.tls->dialling_material(), loop.tls->verification());
    own.tls = tls.get();
  }
  // libwebsockets makes its lines in one buffer for all threads.
  own.library_log = nullptr;
  auto made = EventLoop::create(own);
  if (!made) return refuse(std::move(made.error()));
  return std::unique_ptr<TransportThread>(
      new TransportThread(std::move(tls), std::move(*made), transport, options, core, wake));
}

TransportThread::TransportThread(std::unique_ptr<Tls> tls, std::unique_ptr<EventLoop> loop,
                                 const TransportOptions& transport,
                                 const TransportThreadOptions& options, struct ev_loop* core,
                                 ev_async* wake)
    : core_(core),
      wake_(wake),
      close_within_(transport.close_within),
      orders_(options.orders),
      events_(options.events),
      tls_(std::move(tls)),
      loop_(std::move(loop)),
      transport_(*loop_, *this, transport),
      ending_(loop_->loop(), [this] { loop_->stop(); }) {
  ev_async_init(&ordered_, [](struct ev_loop*, ev_async* fired, int) {
    static_cast<TransportThread*>(fired->data)->work_off();
  });
  ordered_.data = this;
  ev_async_start(loop_->loop(), &ordered_);
  loop_->set_end_of_turn([this] { end_turn(); });
  // Signals are the core's business: a thread inherits the mask of the one that makes it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop_->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TransportThread::~TransportThread() {
  begin_end();
  thread_.join();
  loop_->set_end_of_turn(nullptr);
  ev_async_stop(loop_->loop(), &ordered_);
}

// ---- on the core's thread

void TransportThread::publish_orders() {
  if (orders_.publish()) ev_async_send(loop_->loop(), &ordered_);
}

bool TransportThread::order(ThreadOrder&& order, std::size_t bytes) {
  const bool is_taken = orders_.put(std::move(order), bytes);
  if (!is_taken) ++refused_;
  return is_taken;
}

ThreadFigures TransportThread::figures() const {
  const std::lock_guard lock(mutex_);
  return {.connections = look_.stats.connections,
          .orders_peak = orders_.peak().entries,
          .order_bytes_peak = orders_.peak().bytes,
          .events_peak = look_.events.entries,
          .event_bytes_peak = look_.events.bytes,
          .orders_refused = refused_,
          .waits = look_.waits};
}

TransportStats TransportThread::stats() const {
  const std::lock_guard lock(mutex_);
  return look_.stats;
}

void TransportThread::begin_end() {
  if (std::exchange(is_told_to_end_, true)) return;
  events_.end();
  order_beyond(EndThread{});
  publish_orders();
}

// ---- orders, on the thread

void TransportThread::work_off() {
  orders_.take(taken_);
  for (ThreadOrder& order : taken_) {
    std::visit([this](auto& one) { perform(one); }, order);
  }
  taken_.clear();
}

void TransportThread::perform(Trust& order) { tls_->renew(std::move(*order.material)); }

void TransportThread::perform(SetLimits& order) { transport_.limit(*order.limits); }

void TransportThread::perform(EndThread&) {
  is_ending_ = true;
  ending_.start(close_within_);
}

// ---- events, on the thread

void TransportThread::end_turn() {
  const TransportStats stats = transport_.stats();
  bool has_changed = false;
  {
    const std::lock_guard lock(mutex_);
    has_changed = stats.connections != look_.stats.connections;
    look_ = {stats, events_.peak(), waits_};
  }
  publish_events();
  // A program that ends waits for its last connection, which no event need tell of.
  if (has_changed) ev_async_send(core_, wake_);
  if (is_ending_ && transport_.leaving() == 0) loop_->stop();
}

void TransportThread::publish_events() {
  if (events_.publish()) ev_async_send(core_, wake_);
}

void TransportThread::tell(ThreadEvent&& event, std::size_t bytes) {
  while (!events_.put(std::move(event), bytes)) {
    ++waits_;
    publish_events();
    if (!events_.wait_until_taken()) return;  // Nobody listens any more.
  }
}

void TransportThread::on_dialled(link::ConnectionId connection) { tell(Dialled{connection}, 0); }

void TransportThread::on_dial_failed(link::ConnectionId connection, ErrorCode code,
                                     std::string_view reason) {
  tell(DialFailed{connection, code, std::string(reason)}, reason.size());
}

void TransportThread::on_frame(link::ConnectionId connection, link::FrameKind kind,
                               ByteSpan bytes) {
  tell(FrameArrived{connection, kind, to_bytes(bytes)}, bytes.size());
}

void TransportThread::on_drained(link::ConnectionId connection, std::size_t bytes) {
  tell(Drained{connection, bytes}, 0);
}

void TransportThread::on_closed(link::ConnectionId connection, std::uint16_t status,
                                std::string_view reason) {
  tell(ConnectionClosed{connection, status, std::string(reason)}, reason.size());
}

// It has no listener.
link::ConnectionId TransportThread::on_accepted(const link::Accepted&) {
  TRESTLE_ASSERT(false);
  return {};
}

HttpReply TransportThread::on_http_request(const HttpRequest&) {
  TRESTLE_ASSERT(false);
  return {};
}

}  // namespace trestle::host
