#include "trestle/host/threaded_transport.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/host/address.hpp"

namespace trestle::host {
namespace {

constexpr std::uint16_t kAbnormal = 1006;
constexpr const char* kOverfull = "more ordered than may wait for the connection's thread";

/// What a thread remembers names and TLS sessions by. A URL that is none fails on any thread.
std::string endpoint_of(const std::string& url) {
  const auto parsed = parse_web_socket_url(url);
  return parsed ? to_text(HostPort{parsed->host, parsed->port}) : url;
}

/// Figures of connections that are dialled; a thread accepts none.
void add(TransportStats& sum, const TransportStats& part) {
  sum.connections += part.connections;
  sum.dialled_total += part.dialled_total;
  sum.dial_failures_total += part.dial_failures_total;
  sum.slow_messages_total += part.slow_messages_total;
  sum.side_floods_total += part.side_floods_total;
  sum.frames_received_total += part.frames_received_total;
  sum.frames_sent_total += part.frames_sent_total;
  sum.bytes_received_total += part.bytes_received_total;
  sum.bytes_sent_total += part.bytes_sent_total;
  sum.tls_handshakes_total += part.tls_handshakes_total;
  sum.tls_resumptions_total += part.tls_resumptions_total;
  sum.tls_failures_total += part.tls_failures_total;
}

}  // namespace

Result<std::unique_ptr<ThreadedTransport>, std::string> ThreadedTransport::start(
    const ThreadedTransportOptions& options, const EventLoopOptions& loop,
    const TransportOptions& transport, struct ev_loop* core, TransportEvents& events) {
  TRESTLE_ASSERT(options.threads > 0);
  std::unique_ptr<ThreadedTransport> made(new ThreadedTransport(options.threads, core, events));
  while (made->threads_.size() < options.threads) {
    auto thread = TransportThread::start(loop, transport, options.thread, core, &made->wake_);
    if (!thread) return refuse(std::move(thread.error()));
    made->threads_.push_back(std::move(*thread));
  }
  return made;
}

ThreadedTransport::ThreadedTransport(std::size_t threads, struct ev_loop* core,
                                     TransportEvents& events)
    : core_(core), events_(events), shards_(threads) {
  ev_async_init(&wake_, [](struct ev_loop*, ev_async* fired, int) {
    static_cast<ThreadedTransport*>(fired->data)->deliver();
  });
  wake_.data = this;
  ev_async_start(core_, &wake_);
}

ThreadedTransport::~ThreadedTransport() {
  for (const auto& thread : threads_) thread->begin_end();
  threads_.clear();
  ev_async_stop(core_, &wake_);
}

// ---- orders

ThreadedTransport::Route* ThreadedTransport::find(link::ConnectionId connection) {
  const auto place = routes_.find(connection.value());
  return place == routes_.end() ? nullptr : &place->second;
}

void ThreadedTransport::dial(const link::Dial& order) {
  const std::size_t thread = shards_.shard_of(endpoint_of(order.url));
  const auto [place, is_new] = routes_.emplace(order.connection.value(), Route{.thread = thread});
  TRESTLE_ASSERT(is_new);
  Route& route = place->second;
  if (!thread_of(route).order(link::Dial(order), order.url.size())) {
    break_off(order.connection, route);
  }
}

void ThreadedTransport::send(link::SendFrame order) {
  Route* route = find(order.connection);
  if (route == nullptr || route->is_broken) return;
  const link::ConnectionId connection = order.connection;
  const std::size_t bytes = order.bytes.size();
  if (thread_of(*route).order(std::move(order), bytes)) return;
  break_off(connection, *route);
  // Its peer gets what was taken, and is not left to wonder. A connection has one close.
  thread_of(*route).order_beyond(
      link::CloseTransport{connection, link::CloseStatus::going_away, "overloaded"});
}

void ThreadedTransport::close(link::CloseTransport order) {
  const Route* route = find(order.connection);
  if (route == nullptr) return;
  const Route gone = *route;
  routes_.erase(order.connection.value());
  if (!gone.is_broken) thread_of(gone).order_beyond(std::move(order));
}

void ThreadedTransport::break_off(link::ConnectionId connection, Route& route) {
  route.is_broken = true;
  broken_.push_back(connection);
  ev_async_send(core_, &wake_);
}

void ThreadedTransport::end_turn() {
  for (const auto& thread : threads_) thread->publish_orders();
}

void ThreadedTransport::limit(const TransportOptions& limits) {
  for (const auto& thread : threads_) {
    thread->order_beyond(SetLimits{std::make_unique<TransportOptions>(limits)});
  }
}

void ThreadedTransport::trust(const Tls& tls) {
  for (const auto& thread : threads_) {
    thread->order_beyond(Trust{std::make_unique<TlsMaterial>(tls.dialling_material())});
  }
}

// ---- events

void ThreadedTransport::deliver() {
  for (const auto& thread : threads_) {
    thread->take_events(taken_);
    for (ThreadEvent& event : taken_) {
      std::visit([this](auto& one) { report(one); }, event);
    }
  }
  taken_.clear();
  report_broken();
}

void ThreadedTransport::report_broken() {
  for (const link::ConnectionId connection : std::exchange(broken_, {})) {
    const Route* route = find(connection);
    if (route == nullptr) continue;  // Its owner has closed it meanwhile.
    const bool was_open = route->is_open;
    routes_.erase(connection.value());
    if (was_open) {
      events_.on_closed(connection, kAbnormal, kOverfull);
    } else {
      events_.on_dial_failed(connection, ErrorCode::busy, kOverfull);
    }
  }
}

void ThreadedTransport::report(Dialled& event) {
  Route* route = find(event.connection);
  if (route == nullptr || route->is_broken) return;
  route->is_open = true;
  events_.on_dialled(event.connection);
}

void ThreadedTransport::report(DialFailed& event) {
  if (routes_.erase(event.connection.value()) == 0) return;
  events_.on_dial_failed(event.connection, event.code, event.reason);
}

void ThreadedTransport::report(FrameArrived& event) {
  if (has(event.connection)) events_.on_frame(event.connection, event.kind, event.bytes);
}

void ThreadedTransport::report(Drained& event) {
  if (has(event.connection)) events_.on_drained(event.connection, event.bytes);
}

void ThreadedTransport::report(ConnectionClosed& event) {
  if (routes_.erase(event.connection.value()) == 0) return;
  events_.on_closed(event.connection, event.status, event.reason);
}

// ---- figures

std::vector<ThreadFigures> ThreadedTransport::figures() const {
  std::vector<ThreadFigures> all;
  for (const auto& thread : threads_) all.push_back(thread->figures());
  return all;
}

void ThreadedTransport::add_figures(TransportStats& sum) const {
  for (const auto& thread : threads_) add(sum, thread->stats());
}

}  // namespace trestle::host
