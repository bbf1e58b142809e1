#include "trestle/host/web_socket_connection.hpp"

#include <ctime>
#include <utility>

#include <libwebsockets.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/http_header.hpp"
#include "trestle/host/web_socket_transport.hpp"

namespace trestle::host {
namespace {

/// RFC 6455: a close frame's payload is at most 125 bytes, two of them the status.
constexpr std::size_t kCloseReasonBytesMax = 123;
constexpr std::uint16_t kAbnormal = 1006;
/// Of whoever opens a native link: a hello and a proof.
constexpr std::uint8_t kOpeningMessages = 2;

/// Of the path in the answer to an upgrade: as long as any prefix of a proxy.
constexpr std::size_t kShownPathBytesMax = 128;

/// A close reason must be valid UTF-8, so it is not cut inside a character.
std::string shortened(std::string reason) {
  if (reason.size() <= kCloseReasonBytesMax) return reason;
  std::size_t end = kCloseReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
  reason.resize(end);
  return reason;
}

}  // namespace

WebSocketConnection::WebSocketConnection(WebSocketTransport& transport, Security security,
                                         std::string remote_address)
    : transport_(transport),
      state_(State::requesting),
      is_accepted_(true),
      security_(security),
      remote_address_(std::move(remote_address)),
      timer_(transport.loop_.loop(), [this] { on_time(); }),
      is_pending_(true) {
  transport_.count_pending(remote_address_);
  timer_.start(options().request_within);
}

WebSocketConnection::WebSocketConnection(WebSocketTransport& transport, link::ConnectionId id,
                                         WebSocketUrl url)
    : transport_(transport),
      state_(State::dialling),
      is_accepted_(false),
      security_(url.is_secure ? Security::tls : Security::plain),
      id_(id),
      url_(std::move(url)),
      timer_(transport.loop_.loop(), [this] { on_time(); }) {}

WebSocketConnection::~WebSocketConnection() {
  no_longer_pending();
  if (is_counted_) --stats().connections;
  if (is_counted_ && is_accepted_) transport_.uncount_accepted(remote_address_);
  if (is_accepted_ && security_ == Security::tls && !is_secured_) ++stats().tls_failures_total;
  if (resolution != 0) transport_.resolver_.cancel(resolution);
  if (socket_ != nullptr) set_socket_user(socket_, nullptr);
}

const TransportOptions& WebSocketConnection::options() const { return transport_.options_; }
TransportStats& WebSocketConnection::stats() { return transport_.stats_; }
TransportEvents& WebSocketConnection::events() { return transport_.events_; }
EventLoop& WebSocketConnection::loop() { return transport_.loop_; }

// ---- before it is a WebSocket

WebSocketConnection::Verdict WebSocketConnection::judge(const Caller& caller) {
  const bool is_foreign_page = !may_come(caller);
  adopt_caller(caller);
  if (is_foreign_page) {
    ++stats().pages_refused_total;
    events().on_page_refused(remote_address_, caller.origin);
    return Verdict::foreign_page;
  }
  const bool has_memory = transport_.memory_ != node::MemoryState::exhausted;
  if (has_memory && transport_.admits(remote_address_)) return Verdict::welcome;
  ++stats().refused_total;
  if (!has_memory) ++stats().refused_memory_total;
  return Verdict::busy;
}

bool WebSocketConnection::may_come(const Caller& caller) const {
  if (caller.origin.empty()) return true;
  // A proxy chooses itself what it calls us.
  const bool must_name_us =
      transport_.listens_locally_ && !options().trusted_proxies.contains(remote_address_);
  if (must_name_us && !names_this_machine(caller.host)) return false;
  return options().pages.admits(caller.origin);
}

void WebSocketConnection::adopt_caller(const Caller& caller) {
  const TrustedProxies& proxies = options().trusted_proxies;
  came_over_tls_ = security_ == Security::tls;
  if (!proxies.contains(remote_address_)) return;
  came_over_tls_ = came_over_tls_ || caller.forwarded_proto == "https";
  transport_.uncount_pending(remote_address_);
  remote_address_ = proxies.caller(remote_address_, caller.forwarded_for);
  transport_.count_pending(remote_address_);
}

std::vector<std::pair<std::string, std::string>> WebSocketConnection::answer_fields(
    const std::string& path) {
  std::vector<std::pair<std::string, std::string>> fields;
  fields.emplace_back("date", http_date(std::time(nullptr)));
  // The path is the caller's, decoded: it must not become a header line of its own.
  if (path.size() > 1 && path.size() <= kShownPathBytesMax && is_plain_text(path)) {
    fields.emplace_back("content-location", path);
  }
  return fields;
}

void WebSocketConnection::no_longer_pending() {
  if (is_pending_) transport_.uncount_pending(remote_address_);
  is_pending_ = false;
}

void WebSocketConnection::on_turned_away() {
  no_longer_pending();
  state_ = State::ended;
  timer_.start(options().close_within);
}

void WebSocketConnection::on_established() {
  if (state_ != State::requesting && state_ != State::dialling) return;
  timer_.stop();
  no_longer_pending();
  is_counted_ = true;
  ++stats().connections;
  state_ = State::open;
  if (is_accepted_) {
    transport_.count_accepted(remote_address_);
    ++stats().accepted_total;
    if (came_over_tls_) ++stats().accepted_secure_total;
    id_ = events().on_accepted({remote_address_});
    transport_.by_id_.emplace(id_.value(), this);
  } else {
    ++stats().dialled_total;
    events().on_dialled(id_);
  }
}

// ---- messages

bool WebSocketConnection::may_be_identified() const {
  return !is_accepted_ || messages_ >= kOpeningMessages;
}

WebSocketConnection::MessageBounds WebSocketConnection::message_bounds() const {
  const TransportOptions& all = options();
  const bool is_known = may_be_identified();
  return {is_known ? all.frame_bytes_max : all.frame_bytes_max_before_identity,
          is_known ? all.fragments_max : all.fragments_max_before_identity};
}

void WebSocketConnection::deliver(link::FrameKind kind, ByteSpan message) {
  if (state_ != State::open) return;
  ++stats().frames_received_total;
  if (!may_be_identified()) {
    messages_ = kind == link::FrameKind::binary ? static_cast<std::uint8_t>(messages_ + 1)
                                                : kOpeningMessages;
  }
  events().on_frame(id_, kind, message);
}

void WebSocketConnection::look(Instant now, bool looks_beside) {
  if (state_ != State::open || timer_.is_running()) return;
  on_look();
  const TransportOptions& all = options();
  const Incomplete message = incomplete();
  if (message.since != kNever && now - message.since > all.message_grace) {
    const auto seconds = static_cast<std::size_t>((now - message.since) / std::chrono::seconds(1));
    if (message.bytes < seconds * all.message_bytes_per_second_min) {
      ++stats().slow_messages_total;
      return cut("a message that comes too slowly");
    }
  }
  if (!looks_beside || !is_accepted_) return;
  const Duration since = all.look_every * all.side_looks;
  const auto seconds =
      static_cast<std::uint32_t>((since + std::chrono::seconds(1)) / std::chrono::seconds(1));
  if (floods_beside(seconds)) {
    ++stats().side_floods_total;
    cut("too much beside messages");
  }
}

void WebSocketConnection::cut(std::string_view reason) {
  reason_ = reason;
  close_status_ = static_cast<std::uint16_t>(link::CloseStatus::excess);
  timer_.start(Duration::zero());
}

void WebSocketConnection::send(link::FrameKind kind, Bytes bytes) {
  if (state_ != State::open || is_overfull_) return;
  if (enqueue(kind, std::move(bytes))) return;
  is_overfull_ = true;
  reason_ = "more queued than the connection may hold";
  timer_.start(Duration::zero());
}

void WebSocketConnection::count_sent(std::size_t bytes) {
  ++stats().frames_sent_total;
  stats().bytes_sent_total += bytes;
  unreported_bytes_ += bytes;
}

void WebSocketConnection::report_drained() {
  const std::size_t bytes = std::exchange(unreported_bytes_, 0);
  if (bytes > 0 && state_ == State::open) events().on_drained(id_, bytes);
}

void WebSocketConnection::on_secured(bool is_resumed) {
  if (security_ == Security::plain || is_secured_) return;
  is_secured_ = true;
  ++stats().tls_handshakes_total;
  if (is_resumed) ++stats().tls_resumptions_total;
}

// ---- the end

void WebSocketConnection::close(link::CloseStatus status, std::string reason) {
  transport_.forget(id_);
  if (state_ == State::open) {
    state_ = State::closing;
    close_status_ = static_cast<std::uint16_t>(status);
    reason_ = shortened(std::move(reason));
    on_close_ordered();
    return;
  }
  state_ = State::ended;
  timer_.stop();
  drop();
}

void WebSocketConnection::on_lost() {
  if (state_ == State::dialling) {
    return on_address_failed(ErrorCode::connection_lost, "connection lost");
  }
  end(kAbnormal, "connection lost");
}

void WebSocketConnection::end(std::uint16_t status, std::string_view reason) {
  if (state_ == State::failed) return;
  const bool is_news = state_ == State::open;
  state_ = State::ended;
  timer_.stop();
  if (!is_news) return;
  transport_.forget(id_);
  on_ended();
  events().on_closed(id_, status, reason);
}

void WebSocketConnection::on_time() {
  switch (state_) {
    case State::dialling:
      return on_dial_time();
    case State::failed:
      return report_dial_failure(dial_error_, reason_);
    case State::open:  // The fuse of `send`, or a cut.
      end(close_status_ != 0 ? close_status_ : kAbnormal, reason_);
      break;
    case State::requesting:
    case State::closing:
      state_ = State::ended;
      break;
    case State::ended:
      break;
  }
  drop();
}

void WebSocketConnection::drop() {
  if (socket_ != nullptr) {
    loop().kill(socket_);
  } else {
    transport_.remove(this);
  }
}

void WebSocketConnection::on_destroyed() {
  socket_ = nullptr;
  if (state_ == State::dialling) {
    return on_address_failed(ErrorCode::connection_lost, "connection lost");
  }
  if (state_ == State::failed) return;  // The owner still has to hear of it, from the timer.
  end(kAbnormal, "connection lost");
  transport_.remove(this);
}

}  // namespace trestle::host
