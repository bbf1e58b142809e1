#include "trestle/host/web_socket_connection.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include <libwebsockets.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/http_header.hpp"
#include "trestle/host/socket_figures.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_rules.hpp"
#include "trestle/host/web_socket_transport.hpp"

namespace trestle::host {
namespace {

/// RFC 6455: a close frame's payload is at most 125 bytes, two of them the status.
constexpr std::size_t kCloseReasonBytesMax = 123;
constexpr std::uint16_t kNoStatus = 1005;
constexpr std::uint16_t kAbnormal = 1006;
constexpr unsigned kSwitching = 101;
/// Of whoever opens a native link: a hello and a proof.
constexpr std::uint8_t kOpeningMessages = 2;
/// Of the path in the answer to an upgrade: as long as any prefix of a proxy.
constexpr std::size_t kShownPathBytesMax = 128;

constexpr std::string_view kBusyReply =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: "
    "5\r\n\r\n";
constexpr std::string_view kForeignPageReply =
    "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kMalformedReply =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kOtherVersionReply =
    "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

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
      is_pending_(true),
      remote_address_(std::move(remote_address)),
      timer_(transport.loop_.loop(), [this] { on_time(); }),
      http_(std::in_place),
      side_traffic_(transport.options_.side_traffic) {
  transport_.count_pending(remote_address_);
  timer_.start(transport_.options_.request_within);
}

WebSocketConnection::WebSocketConnection(WebSocketTransport& transport, link::ConnectionId id,
                                         WebSocketUrl url)
    : transport_(transport),
      state_(State::dialling),
      is_accepted_(false),
      security_(url.is_secure ? Security::tls : Security::plain),
      id_(id),
      url_(std::move(url)),
      timer_(transport.loop_.loop(), [this] { on_time(); }),
      side_traffic_(transport.options_.side_traffic) {}

WebSocketConnection::~WebSocketConnection() {
  if (is_pending_) transport_.uncount_pending(remote_address_);
  if (is_counted_) --transport_.stats_.connections;
  if (is_counted_ && is_accepted_) transport_.uncount_accepted(remote_address_);
  if (is_accepted_ && security_ == Security::tls && !is_secured_) {
    ++transport_.stats_.tls_failures_total;
  }
  if (resolution != 0) transport_.resolver_.cancel(resolution);
  if (socket_ != nullptr) set_socket_user(socket_, nullptr);
}

int WebSocketConnection::on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) {
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    on_destroyed();
    return 0;
  }
  socket_ = socket;
  const ByteSpan data{static_cast<const std::uint8_t*>(in), in == nullptr ? 0 : bytes};
  switch (reason) {
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return on_http_event(socket, reason, in, bytes);
    case LWS_CALLBACK_SSL_INFO:
      on_secured(socket);
      return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
      return on_upgrade(socket);
    case LWS_CALLBACK_ADD_HEADERS:
      return add_answer_headers(socket, in);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      reach(DialStage::upgrade);
      return 0;
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
      note_upgrade_answer(socket, kSwitching);
      return 0;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      on_established();
      return state_ == State::open ? 0 : -1;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return on_received(socket, data);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return on_writable(socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      return on_peer_closing(data);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      on_dial_error(socket, as_text(data));
      return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
      on_lost();
      return 0;
    default:
      return 0;
  }
}

// ---- before it is a WebSocket

int WebSocketConnection::on_http_event(lws* socket, int reason, void* in, std::size_t bytes) {
  if (!http_) return -1;
  const int result = http_->on_event(socket, reason, in, bytes);
  if (const auto request = http_->take_request()) {
    http_->reply(socket, transport_.events_.on_http_request(*request));
  }
  return result;
}

void WebSocketConnection::adopt_caller(lws* socket) {
  const TrustedProxies& proxies = transport_.options_.trusted_proxies;
  came_over_tls_ = security_ == Security::tls;
  if (!proxies.contains(remote_address_)) return;
  came_over_tls_ = came_over_tls_ || http_header(socket, "x-forwarded-proto:") == "https";
  transport_.uncount_pending(remote_address_);
  remote_address_ = proxies.caller(remote_address_, http_header(socket, WSI_TOKEN_X_FORWARDED_FOR));
  transport_.count_pending(remote_address_);
}

/// What helps whoever dials us to tell a wrong clock from a right one, and a proxy that takes its
/// prefix off from one that does not: no peer needs it.
int WebSocketConnection::add_answer_headers(lws* socket, void* arguments) {
  auto* place = static_cast<lws_process_html_args*>(arguments);
  auto* begin = reinterpret_cast<unsigned char*>(place->p);
  unsigned char* const end = begin + place->max_len;
  const auto add = [&](const char* name, const std::string& value) {
    return lws_add_http_header_by_name(socket, reinterpret_cast<const unsigned char*>(name),
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), &begin, end) == 0;
  };
  if (!add("date:", http_date(std::time(nullptr)))) return 0;
  const std::string path = http_header(socket, WSI_TOKEN_GET_URI);
  // The path is the caller's, decoded: it must not become a header line of its own.
  if (path.size() > 1 && path.size() <= kShownPathBytesMax && is_plain_text(path)) {
    add("content-location:", path);
  }
  place->p = reinterpret_cast<char*>(begin);
  return 0;
}

int WebSocketConnection::on_upgrade(lws* socket) {
  const UpgradeFlaw flaw = flaw_of({
      .is_get = lws_hdr_total_length(socket, WSI_TOKEN_GET_URI) > 0,
      .http_version = http_header(socket, WSI_TOKEN_HTTP),
      .key = http_header(socket, WSI_TOKEN_KEY),
      .version = http_header(socket, WSI_TOKEN_VERSION),
  });
  if (flaw == UpgradeFlaw::form) return turn_away(socket, kMalformedReply);
  if (flaw == UpgradeFlaw::version) return turn_away(socket, kOtherVersionReply);
  const bool is_foreign_page = !may_come(socket);
  adopt_caller(socket);
  if (is_foreign_page) {
    ++transport_.stats_.pages_refused_total;
    transport_.events_.on_page_refused(remote_address_, http_header(socket, WSI_TOKEN_ORIGIN));
    return turn_away(socket, kForeignPageReply);
  }
  const bool has_memory = transport_.memory_ != node::MemoryState::exhausted;
  if (has_memory && transport_.admits(remote_address_)) return 0;
  ++transport_.stats_.refused_total;
  if (!has_memory) ++transport_.stats_.refused_memory_total;
  return turn_away(socket, kBusyReply);
}

bool WebSocketConnection::may_come(lws* socket) const {
  if (lws_hdr_total_length(socket, WSI_TOKEN_ORIGIN) == 0) return true;
  const TransportOptions& options = transport_.options_;
  // A proxy chooses itself what it calls us.
  const bool must_name_us =
      transport_.listens_locally_ && !options.trusted_proxies.contains(remote_address_);
  if (must_name_us && !names_this_machine(http_header(socket, WSI_TOKEN_HOST))) return false;
  return options.pages.admits(http_header(socket, WSI_TOKEN_ORIGIN));
}

int WebSocketConnection::turn_away(lws* socket, std::string_view response) {
  state_ = State::ended;
  Bytes reply(LWS_PRE);
  append(reply, as_bytes(response));
  lws_write(socket, reply.data() + LWS_PRE, response.size(), LWS_WRITE_HTTP_HEADERS);
  return -1;
}

void WebSocketConnection::on_established() {
  if (state_ != State::requesting && state_ != State::dialling) return;
  timer_.stop();
  http_.reset();
  if (is_pending_) transport_.uncount_pending(remote_address_);
  is_pending_ = false;
  is_counted_ = true;
  ++transport_.stats_.connections;
  state_ = State::open;
  if (is_accepted_) {
    transport_.count_accepted(remote_address_);
    ++transport_.stats_.accepted_total;
    if (came_over_tls_) ++transport_.stats_.accepted_secure_total;
    id_ = transport_.events_.on_accepted({remote_address_});
    transport_.by_id_.emplace(id_.value(), this);
  } else {
    on_secured(socket_);
    ++transport_.stats_.dialled_total;
    transport_.events_.on_dialled(id_);
  }
}

// ---- messages

int WebSocketConnection::on_received(lws* socket, ByteSpan part) {
  if (state_ != State::open) return 0;
  const TransportOptions& options = transport_.options_;
  const bool is_known = may_be_identified();
  const std::size_t announced = part.size() + lws_remaining_packet_payload(socket);
  const std::size_t bytes_max =
      is_known ? options.frame_bytes_max : options.frame_bytes_max_before_identity;
  if (message_.size() + announced > bytes_max) {
    return refuse_message(socket, link::CloseStatus::too_large, "message too large");
  }
  side_traffic_.on_piece(part.size());
  transport_.stats_.bytes_received_total += part.size();
  const bool is_whole = lws_is_final_fragment(socket) != 0;
  if (!is_whole) {
    const std::size_t fragments_max =
        is_known ? options.fragments_max : options.fragments_max_before_identity;
    if (lws_remaining_packet_payload(socket) == 0 && ++fragments_ >= fragments_max) {
      return refuse_message(socket, link::CloseStatus::protocol_error, "too many fragments");
    }
    if (message_began_ == Instant{}) message_began_ = steady_now();
    if (message_.empty()) message_.reserve(announced);
    append(message_, part);
    return 0;
  }
  ByteSpan whole = part;
  if (!message_.empty()) {
    append(message_, part);
    whole = message_;
  }
  ++transport_.stats_.frames_received_total;
  const bool is_binary = lws_frame_is_binary(socket) != 0;
  message_began_ = {};
  if (!is_known) {
    messages_ = is_binary ? static_cast<std::uint8_t>(messages_ + 1) : kOpeningMessages;
  }
  transport_.events_.on_frame(id_, is_binary ? link::FrameKind::binary : link::FrameKind::text,
                              whole);
  message_ = {};  // An idle connection keeps no buffer.
  fragments_ = 0;
  return 0;
}

bool WebSocketConnection::may_be_identified() const {
  return !is_accepted_ || messages_ >= kOpeningMessages;
}

void WebSocketConnection::look(Instant now, bool looks_beside) {
  if (state_ != State::open || timer_.is_running()) return;
  const TransportOptions& options = transport_.options_;
  if (message_began_ != Instant{} && now - message_began_ > options.message_grace) {
    const auto seconds = static_cast<std::size_t>((now - message_began_) / std::chrono::seconds(1));
    if (message_.size() < seconds * options.message_bytes_per_second_min) {
      ++transport_.stats_.slow_messages_total;
      return cut("a message that comes too slowly");
    }
  }
  if (!looks_beside || !is_accepted_) return;
  const auto read = bytes_read_from(lws_get_socket_fd(socket_));
  const Duration since = options.look_every * options.side_looks;
  const auto seconds =
      static_cast<std::uint32_t>((since + std::chrono::seconds(1)) / std::chrono::seconds(1));
  if (read && side_traffic_.look(*read, seconds)) {
    ++transport_.stats_.side_floods_total;
    cut("too much beside messages");
  }
}

/// The timer's next turn ends it: looking is done while all connections are walked through.
void WebSocketConnection::cut(std::string_view reason) {
  reason_ = reason;
  close_status_ = static_cast<std::uint16_t>(link::CloseStatus::excess);
  timer_.start(Duration::zero());
}

int WebSocketConnection::refuse_message(lws* socket, link::CloseStatus status,
                                        std::string_view reason) {
  std::string text(reason);
  lws_close_reason(socket, static_cast<lws_close_status>(status),
                   reinterpret_cast<unsigned char*>(text.data()), text.size());
  message_ = {};
  end(static_cast<std::uint16_t>(status), reason);
  return -1;
}

void WebSocketConnection::send(link::FrameKind kind, Bytes bytes) {
  if (state_ != State::open) return;
  queue_bytes_ += bytes.size();
  queue_.push_back({kind, std::move(bytes)});
  if (queue_bytes_ > transport_.options_.queue_bytes_max) {
    reason_ = "more queued than the connection may hold";
    timer_.start(Duration::zero());
    return;
  }
  lws_callback_on_writable(socket_);
}

int WebSocketConnection::on_writable(lws* socket) {
  if (state_ != State::open && state_ != State::closing) return 0;
  report_drained();  // What was only buffered last time has gone: libwebsockets asks again no
                     // earlier.
  for (unsigned written = 0; written < transport_.options_.frames_per_turn_max; ++written) {
    if (queue_.empty() || lws_partial_buffered(socket) != 0) break;
    if (!write_front(socket)) return -1;
  }
  if (lws_partial_buffered(socket) == 0) report_drained();
  if (!queue_.empty() || unreported_bytes_ > 0) {
    lws_callback_on_writable(socket);
    return 0;
  }
  if (state_ == State::open) return 0;
  state_ = State::ended;
  lws_close_reason(socket, static_cast<lws_close_status>(close_status_),
                   reinterpret_cast<unsigned char*>(reason_.data()), reason_.size());
  return -1;
}

bool WebSocketConnection::write_front(lws* socket) {
  const Frame frame = std::move(queue_.front());
  queue_.pop_front();
  queue_bytes_ -= frame.bytes.size();
  std::vector<unsigned char>& scratch = transport_.scratch_;
  if (scratch.size() < LWS_PRE + frame.bytes.size()) scratch.resize(LWS_PRE + frame.bytes.size());
  std::copy(frame.bytes.begin(), frame.bytes.end(), scratch.begin() + LWS_PRE);
  const int written =
      lws_write(socket, scratch.data() + LWS_PRE, frame.bytes.size(),
                frame.kind == link::FrameKind::binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
  if (written < 0) return false;
  ++transport_.stats_.frames_sent_total;
  transport_.stats_.bytes_sent_total += frame.bytes.size();
  unreported_bytes_ += frame.bytes.size();
  return true;
}

void WebSocketConnection::report_drained() {
  const std::size_t bytes = std::exchange(unreported_bytes_, 0);
  if (bytes > 0 && state_ == State::open) transport_.events_.on_drained(id_, bytes);
}

void WebSocketConnection::on_secured(lws* socket) {
  if (security_ == Security::plain || is_secured_) return;
  is_secured_ = true;
  ++transport_.stats_.tls_handshakes_total;
  if (Tls::is_resumed(tls_connection(socket))) ++transport_.stats_.tls_resumptions_total;
}

// ---- the end

void WebSocketConnection::close(link::CloseStatus status, std::string reason) {
  transport_.forget(id_);
  if (state_ == State::open) {
    state_ = State::closing;
    close_status_ = static_cast<std::uint16_t>(status);
    reason_ = shortened(std::move(reason));
    timer_.start(transport_.options_.close_within);
    lws_callback_on_writable(socket_);
    return;
  }
  state_ = State::ended;
  timer_.stop();
  if (socket_ != nullptr) {
    transport_.loop_.kill(socket_);
  } else {
    transport_.remove(this);
  }
}

int WebSocketConnection::on_peer_closing(ByteSpan payload) {
  if (!is_sound_close(payload)) {
    // libwebsockets would echo it, as if it were in order; so it ends without a close frame.
    end(static_cast<std::uint16_t>(link::CloseStatus::protocol_error), "malformed close");
    return -1;
  }
  std::uint16_t status = kNoStatus;
  std::string_view reason;
  if (payload.size() >= 2) {
    status = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
    reason = as_text(payload.subspan(2));
  }
  end(status, reason);
  return 0;
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
  queue_.clear();
  transport_.events_.on_closed(id_, status, reason);
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
  if (socket_ != nullptr) {
    transport_.loop_.kill(socket_);
  } else {
    transport_.remove(this);
  }
}

void WebSocketConnection::on_destroyed() {
  socket_ = nullptr;
  if (is_connecting_) return;
  if (state_ == State::dialling) {
    return on_address_failed(ErrorCode::connection_lost, "connection lost");
  }
  if (state_ == State::failed) return;  // The owner still has to hear of it, from the timer.
  end(kAbnormal, "connection lost");
  transport_.remove(this);
}

}  // namespace trestle::host
