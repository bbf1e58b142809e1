#include "trestle/host/library_connection.hpp"

#include <algorithm>
#include <cerrno>
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

constexpr std::uint16_t kNoStatus = 1005;
constexpr std::uint16_t kTooLarge = 1009;
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kInvalidText = 1007;
constexpr unsigned kSwitching = 101;

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

/// libwebsockets reports a failed dial as a sentence only.
ErrorCode code_of_library_text(std::string_view text) {
  if (text.starts_with("Unable to connect")) return ErrorCode::refused;
  if (text.starts_with("HS: ws upgrade")) return ErrorCode::refused;
  if (text.starts_with("HS:")) return ErrorCode::protocol_error;
  return ErrorCode::connection_lost;
}

/// Whether there is an HTTP answer to explain, and not only the library's words for it.
bool is_http_answer(std::string_view text) {
  return text.starts_with("HS: ws upgrade response not 101") ||
         text.starts_with("HS: ws upgrade unauthorized");
}

}  // namespace

LibraryConnection::LibraryConnection(WebSocketTransport& transport, Security security,
                                     std::string remote_address)
    : WebSocketConnection(transport, security, std::move(remote_address)),
      http_(std::in_place),
      side_traffic_(options().side_traffic) {}

LibraryConnection::LibraryConnection(WebSocketTransport& transport, link::ConnectionId id,
                                     WebSocketUrl url)
    : WebSocketConnection(transport, id, std::move(url)), side_traffic_(options().side_traffic) {}

int LibraryConnection::on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) {
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    on_gone();
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
      on_handshake_done(socket);
      return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
      return on_upgrade(socket);
    case LWS_CALLBACK_ADD_HEADERS:
      return add_answer_headers(socket, in);
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      reach(DialStage::upgrade);
      return 0;
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
      note_answer(socket, kSwitching);
      return 0;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      on_open(socket);
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

int LibraryConnection::on_http_event(lws* socket, int reason, void* in, std::size_t bytes) {
  if (!http_) return -1;
  const int result = http_->on_event(socket, reason, in, bytes);
  if (const auto request = http_->take_request()) {
    http_->reply(socket, events().on_http_request(*request));
  }
  return result;
}

int LibraryConnection::add_answer_headers(lws* socket, void* arguments) {
  auto* place = static_cast<lws_process_html_args*>(arguments);
  auto* begin = reinterpret_cast<unsigned char*>(place->p);
  unsigned char* const end = begin + place->max_len;
  for (const auto& [name, value] : answer_fields(http_header(socket, WSI_TOKEN_GET_URI))) {
    const std::string colon = name + ":";
    if (lws_add_http_header_by_name(socket, reinterpret_cast<const unsigned char*>(colon.c_str()),
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), &begin, end) != 0) {
      break;
    }
  }
  place->p = reinterpret_cast<char*>(begin);
  return 0;
}

int LibraryConnection::on_upgrade(lws* socket) {
  const UpgradeFlaw flaw = flaw_of({
      .is_get = lws_hdr_total_length(socket, WSI_TOKEN_GET_URI) > 0,
      .http_version = http_header(socket, WSI_TOKEN_HTTP),
      .key = http_header(socket, WSI_TOKEN_KEY),
      .version = http_header(socket, WSI_TOKEN_VERSION),
  });
  if (flaw == UpgradeFlaw::form) return turn_away(socket, kMalformedReply);
  if (flaw == UpgradeFlaw::version) return turn_away(socket, kOtherVersionReply);
  switch (judge({.host = http_header(socket, WSI_TOKEN_HOST),
                 .origin = http_header(socket, WSI_TOKEN_ORIGIN),
                 .forwarded_for = http_header(socket, WSI_TOKEN_X_FORWARDED_FOR),
                 .forwarded_proto = http_header(socket, "x-forwarded-proto:")})) {
    case Verdict::welcome:
      return 0;
    case Verdict::foreign_page:
      return turn_away(socket, kForeignPageReply);
    case Verdict::busy:
      break;
  }
  return turn_away(socket, kBusyReply);
}

int LibraryConnection::turn_away(lws* socket, std::string_view response) {
  state_ = State::ended;
  Bytes reply(LWS_PRE);
  append(reply, as_bytes(response));
  lws_write(socket, reply.data() + LWS_PRE, response.size(), LWS_WRITE_HTTP_HEADERS);
  return -1;
}

// ---- messages

void LibraryConnection::on_open(lws* socket) {
  http_.reset();
  if (!is_accepted_) on_handshake_done(socket);
  on_established();
}

void LibraryConnection::on_handshake_done(lws* socket) {
  on_secured(Tls::is_resumed(tls_connection(socket)));
}

int LibraryConnection::on_received(lws* socket, ByteSpan part) {
  if (state_ != State::open) return 0;
  const MessageBounds bounds = message_bounds();
  const std::size_t announced = part.size() + lws_remaining_packet_payload(socket);
  if (message_.size() + announced > bounds.bytes_max) {
    refuse_message(socket, kTooLarge, "message too large");
    return 0;
  }
  side_traffic_.on_piece(part.size());
  stats().bytes_received_total += part.size();
  const bool is_whole = lws_is_final_fragment(socket) != 0;
  const bool is_text = lws_frame_is_binary(socket) == 0;
  if (is_text && (!utf8_.take(part) || (is_whole && !utf8_.is_whole()))) {
    refuse_message(socket, kInvalidText, "text is not UTF-8");
    return 0;
  }
  if (!is_whole) {
    if (lws_remaining_packet_payload(socket) == 0 && ++fragments_ >= bounds.fragments_max) {
      refuse_message(socket, kProtocolError, "too many fragments");
      return 0;
    }
    if (message_began_ == kNever) message_began_ = steady_now();
    if (message_.empty()) message_.reserve(announced);
    append(message_, part);
    return 0;
  }
  ByteSpan whole = part;
  if (!message_.empty()) {
    append(message_, part);
    whole = message_;
  }
  message_began_ = kNever;
  deliver(is_text ? link::FrameKind::text : link::FrameKind::binary, whole);
  message_ = {};  // An idle connection keeps no buffer.
  utf8_ = {};
  fragments_ = 0;
  return 0;
}

bool LibraryConnection::floods_beside(std::uint32_t seconds) {
  const auto read = bytes_read_from(lws_get_socket_fd(socket_));
  return read && side_traffic_.look(*read, seconds);
}

/// Not at once, by what its callback returns: libwebsockets' client (4.1.6) then counts on from the
/// full buffer that it was showing, and writes the rest of the frame behind it. Until the socket is
/// writable, and while the close is answered, what comes is swallowed.
void LibraryConnection::refuse_message(lws* socket, std::uint16_t status, std::string_view reason) {
  std::string text(reason);
  lws_close_reason(socket, static_cast<lws_close_status>(status),
                   reinterpret_cast<unsigned char*>(text.data()), text.size());
  message_ = {};
  end(status, reason);
  is_refusing_ = true;
  timer_.start(options().close_within);
  lws_callback_on_writable(socket);
}

bool LibraryConnection::enqueue(link::FrameKind kind, Bytes bytes) {
  if (bytes.size() > options().queue_bytes_max - queue_bytes_) return false;
  queue_bytes_ += bytes.size();
  queue_.push({kind, std::move(bytes)});
  lws_callback_on_writable(socket_);
  return true;
}

void LibraryConnection::on_close_ordered() {
  timer_.start(options().close_within);
  lws_callback_on_writable(socket_);
}

int LibraryConnection::on_writable(lws* socket) {
  if (std::exchange(is_refusing_, false)) {
    timer_.stop();  // From here on the library's own deadline holds.
    return -1;
  }
  if (state_ != State::open && state_ != State::closing) return 0;
  // The library has found a flaw and said so in a close frame, behind which nothing may come.
  if (lws_get_close_length(socket) > 0) return 0;
  report_drained();  // What was only buffered last time has gone: libwebsockets asks again no
                     // earlier.
  for (unsigned written = 0; written < options().frames_per_turn_max; ++written) {
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

bool LibraryConnection::write_front(lws* socket) {
  const Frame frame = queue_.pop();
  queue_bytes_ -= frame.bytes.size();
  count_sent(frame.bytes.size());
  std::vector<unsigned char>& scratch = transport_.scratch();
  if (scratch.size() < LWS_PRE + frame.bytes.size()) scratch.resize(LWS_PRE + frame.bytes.size());
  std::copy(frame.bytes.begin(), frame.bytes.end(), scratch.begin() + LWS_PRE);
  return lws_write(socket, scratch.data() + LWS_PRE, frame.bytes.size(),
                   frame.kind == link::FrameKind::binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) >= 0;
}

// ---- the end

int LibraryConnection::on_peer_closing(ByteSpan payload) {
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

// ---- dialling

void LibraryConnection::begin_dial(const std::string& address) {
  errno = 0;
  is_connecting_ = true;
  lws* socket = loop().connect({address, url_.port, security_, asked_host(), url_.path}, *this);
  const int error = errno;
  is_connecting_ = false;
  socket_ = socket;
  if (socket == nullptr) {
    return on_address_failed(code_of_system_error(error), "cannot connect to " + asked_host());
  }
  reach(DialStage::connect);
  loop().nudge();
}

bool LibraryConnection::is_in_tls() const { return tls_connection(socket_) != nullptr; }

void LibraryConnection::on_dial_error(lws* socket, std::string_view text) {
  if (const auto failure = Tls::failure(tls_connection(socket))) {
    ++stats().tls_failures_total;
    reach(DialStage::tls);
    return on_address_failed(failure->code, failure->reason);
  }
  if (tls_connection(socket) != nullptr) on_handshake_done(socket);
  if (is_http_answer(text)) {
    const unsigned status = lws_http_client_http_response(socket);
    note_answer(socket, status);
    return on_address_failed(
        explain_http_answer(status, url_.path, http_header(socket, WSI_TOKEN_HTTP_LOCATION)));
  }
  const bool is_refused = text.starts_with("Unable to connect");
  on_address_failed(code_of_library_text(text), is_refused
                                                    ? "nothing takes connections at " + asked_host()
                                                    : std::string(text));
}

void LibraryConnection::note_answer(lws* socket, unsigned status) {
  note_upgrade_answer({status, http_header(socket, WSI_TOKEN_HTTP_DATE),
                       http_header(socket, WSI_TOKEN_HTTP_CONTENT_LOCATION)});
}

std::optional<std::chrono::seconds> LibraryConnection::certificate_left() const {
  return Tls::certificate_left(tls_connection(socket_));
}

void LibraryConnection::on_gone() {
  if (is_connecting_) {
    socket_ = nullptr;
  } else {
    on_destroyed();
  }
}

}  // namespace trestle::host
