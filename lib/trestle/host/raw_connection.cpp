#include "trestle/host/raw_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>
#include <variant>
#include <vector>

#include <libwebsockets.h>
#include <sys/socket.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::host {
namespace {

namespace websocket = wire::websocket;

/// What is decrypted at a time. One turn's bytes are fewer.
constexpr std::size_t kRoomBytes = std::size_t{64} * 1024;
/// Heads, and the frame that is a little larger than it may be, which the peer has to refuse.
constexpr std::size_t kBatchSlackBytes = 1024;
constexpr std::size_t kLargestControlFrameBytes = 131;

link::FrameKind kind_of(websocket::MessageKind kind) {
  return kind == websocket::MessageKind::binary ? link::FrameKind::binary : link::FrameKind::text;
}

websocket::MessageKind kind_of(link::FrameKind kind) {
  return kind == link::FrameKind::binary ? websocket::MessageKind::binary
                                         : websocket::MessageKind::text;
}

/// Of a path that is known to be well-formed.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    return wire::http::lower_case(letter) - 'a' + 10;
  };
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      decoded.push_back(static_cast<char>(digit(text[at + 1]) << 4 | digit(text[at + 2])));
      at += 2;
    } else {
      decoded.push_back(text[at]);
    }
  }
  return decoded;
}

wire::http::Answer answer_of(unsigned status) {
  return {.status = status, .content_type = {}, .body = {}, .fields = {}};
}

wire::http::Answer answer_of(HttpReply reply) {
  wire::http::Answer answer{.status = static_cast<unsigned>(reply.status),
                            .content_type = std::move(reply.content_type),
                            .body = std::move(reply.body),
                            .fields = {}};
  for (auto& [name, value] : reply.headers) {
    answer.fields.push_back({std::move(name), std::move(value)});
  }
  return answer;
}

std::string field_of(const wire::http::Head& head, std::string_view name) {
  return std::string(head.value(name).value_or(std::string_view{}));
}

}  // namespace

RawConnection::RawConnection(WebSocketTransport& transport, Security security,
                             std::string remote_address)
    : WebSocketConnection(transport, security, std::move(remote_address)),
      endpoint_(websocket::Endpoint::server(steady_now(), endpoint_options())) {
  if (security == Security::tls) {
    engine_ = std::make_unique<tls::Engine>(loop().tls()->accepting_engines());
  }
}

RawConnection::RawConnection(WebSocketTransport& transport, link::ConnectionId id, WebSocketUrl url)
    : WebSocketConnection(transport, id, std::move(url)) {}

RawConnection::~RawConnection() { loop().forget_flush(*this); }

int RawConnection::on_socket_event(lws* socket, int reason, void* in, std::size_t bytes) {
  if (reason == LWS_CALLBACK_WSI_DESTROY) {
    on_destroyed();
    return 0;
  }
  socket_ = socket;
  switch (reason) {
    case LWS_CALLBACK_RAW_RX:
      if (engine_ != nullptr) return on_ciphertext({static_cast<std::uint8_t*>(in), bytes});
      return on_bytes({static_cast<std::uint8_t*>(in), bytes});
    case LWS_CALLBACK_RAW_WRITEABLE:
      return on_writable();
    case LWS_CALLBACK_RAW_CLOSE:
      on_socket_closed();
      return 0;
    default:
      return 0;
  }
}

// ---- dialling

void RawConnection::begin_dial(const std::string& address) {
  reach(DialStage::connect);
  connector_.emplace(loop().loop(),
                     [this](int descriptor, int error) { on_connected(descriptor, error); });
  if (const int error = connector_->start({address, url_.port})) on_connected(-1, error);
}

void RawConnection::on_connected(int descriptor, int error) {
  connector_.reset();
  if (error == ECONNREFUSED) {
    return on_address_failed(ErrorCode::refused, "nothing takes connections at " + asked_host());
  }
  if (error != 0) {
    return on_address_failed(code_of_system_error(error),
                             "cannot connect to " + asked_host() + ": " + std::strerror(error));
  }
  const bool can_ask = ask();
  if (security_ == Security::tls) {
    reach(DialStage::tls);
    engine_ = std::make_unique<tls::Engine>(
        loop().tls()->dialling_engines(),
        tls::Peer{.name = url_.host, .port = url_.port, .verified_at = {}});
  } else {
    reach(DialStage::upgrade);
  }
  socket_ = loop().adopt_raw(descriptor, *this);
  if (socket_ == nullptr) return on_lost();
  if (!can_ask) {
    return fail_dial({ErrorCode::invalid_request, Outlook::permanent,
                      "no WebSocket can be asked for at " + url_.path});
  }
  lws_callback_on_writable(socket_);
}

bool RawConnection::ask() {
  HandshakeSource& handshakes = transport_.handshakes();
  const websocket::HandshakeKey key = handshakes.make_key();
  auto upgrade = websocket::ClientUpgrade::make(
      {.host = asked_host(), .target = url_.path, .origin = {}, .subprotocols = {}, .fields = {}},
      key, handshakes.digest(key));
  if (!upgrade) return false;
  endpoint_ =
      websocket::Endpoint::client(std::move(*upgrade), endpoint_options(), handshakes.masks());
  return true;
}

void RawConnection::on_dial_abandoned() {
  connector_.reset();
  engine_.reset();
  endpoint_ = websocket::Endpoint();
}

bool RawConnection::on_answer(const websocket::ClientUpgrade& answer) {
  using Phase = websocket::ClientUpgrade::Phase;
  if (answer.phase() == Phase::failed) {
    on_address_failed(ErrorCode::protocol_error,
                      "what answers at " + url_.path + " does not speak WebSocket");
    return false;
  }
  note_upgrade_answer({answer.status(), field_of(answer.head(), "date"),
                       field_of(answer.head(), "content-location")});
  if (answer.phase() == Phase::refused) {
    on_address_failed(
        explain_http_answer(answer.status(), url_.path, field_of(answer.head(), "location")));
    return false;
  }
  on_established();
  return true;
}

// ---- TLS

bool RawConnection::is_in_tls() const {
  return engine_ != nullptr && engine_->state() == tls::State::handshaking;
}

int RawConnection::on_ciphertext(ByteSpan bytes) {
  const bool was_in_tls = is_in_tls();
  engine_->receive(bytes);
  if (was_in_tls && engine_->state() == tls::State::open) on_handshake_done();
  std::vector<unsigned char>& room = transport_.scratch();
  room.resize(std::max(room.size(), kRoomBytes));
  for (auto batch = engine_->plaintext(room); !batch.empty(); batch = engine_->plaintext(room)) {
    if (on_bytes(batch) != 0) return -1;
  }
  if (can_write() && on_writable() != 0) return -1;
  const bool goes_on =
      engine_->state() != tls::State::failed && engine_->state() != tls::State::closed;
  if (goes_on) return 0;
  fail_in_tls();
  return -1;
}

void RawConnection::on_handshake_done() {
  on_secured(engine_->is_resumed());
  reach(DialStage::upgrade);
}

bool RawConnection::fail_in_tls() {
  if (state_ != State::dialling || engine_ == nullptr || !engine_->failure()) return false;
  ++stats().tls_failures_total;
  const tls::Failure failure = *engine_->failure();
  on_address_failed(failure.code, failure.reason);
  return true;
}

void RawConnection::on_socket_closed() {
  if (is_in_tls()) engine_->on_end();
  if (fail_in_tls()) return;
  endpoint_.on_end(steady_now(), {});
  drain();
}

std::optional<std::chrono::seconds> RawConnection::certificate_left() const {
  const auto ends_at = engine_ == nullptr ? std::nullopt : engine_->certificate_ends_at();
  if (!ends_at) return std::nullopt;
  return std::chrono::seconds(*ends_at - std::time(nullptr));
}

// ---- what is asked of us

void RawConnection::on_request(const websocket::ServerUpgrade& request) {
  if (request.kind() == websocket::RequestKind::upgrade) return on_upgrade_request(request);
  HttpRequest asked;
  asked.method = HttpMethod::get;
  asked.path = percent_decoded(request.path());
  asked.host = request.host();
  turn_away(answer_of(events().on_http_request(asked)));
}

void RawConnection::on_upgrade_request(const websocket::ServerUpgrade& request) {
  switch (judge({.host = std::string(request.host()),
                 .origin = std::string(request.origin().value_or(std::string_view{})),
                 .forwarded_for = request.head().joined("x-forwarded-for"),
                 .forwarded_proto = request.head().joined("x-forwarded-proto")})) {
    case Verdict::welcome:
      break;
    case Verdict::foreign_page:
      return turn_away(answer_of(403));
    case Verdict::busy: {
      wire::http::Answer answer = answer_of(503);
      answer.fields.push_back({"Retry-After", "5"});
      return turn_away(answer);
    }
  }
  std::vector<wire::http::Field> fields;
  for (auto& [name, value] : answer_fields(percent_decoded(request.path()))) {
    if (wire::http::is_field_value(value)) fields.push_back({name, value});
  }
  endpoint_.accept(transport_.handshakes().digest(request.key()), fields);
  on_established();
}

void RawConnection::turn_away(const wire::http::Answer& answer) {
  endpoint_.answer(answer);
  on_turned_away();
}

// ---- messages

int RawConnection::on_bytes(std::span<std::uint8_t> bytes) {
  endpoint_.on_bytes(steady_now(), bytes);
  if (!drain()) return -1;
  // What the bytes themselves caused: answers, pongs, the end. What the owner says to them has its
  // turn.
  return endpoint_.output().empty() && !endpoint_.wants_end() ? 0 : on_writable();
}

bool RawConnection::drain() {
  while (const auto effect = endpoint_.poll_effect()) {
    if (const auto* message = std::get_if<websocket::MessageArrived>(&*effect)) {
      on_message(*message);
    } else if (const auto* closed = std::get_if<websocket::Closed>(&*effect)) {
      on_closed(*closed);
    } else if (const auto* asked = std::get_if<websocket::Asked>(&*effect)) {
      on_request(*asked->request);
    } else if (std::holds_alternative<websocket::TurnedAway>(*effect)) {
      on_turned_away();
    } else if (const auto* answered = std::get_if<websocket::Answered>(&*effect)) {
      if (!on_answer(*answered->answer)) return false;
    }
  }
  return true;
}

void RawConnection::on_message(const websocket::MessageArrived& message) {
  const bool was_known = may_be_identified();
  stats().bytes_received_total += message.payload.size();
  deliver(kind_of(message.kind), message.payload);
  if (!was_known && may_be_identified()) endpoint_.set_reader_limits(reader_limits());
}

void RawConnection::on_closed(const websocket::Closed& closed) {
  if (closed.by == websocket::EndedBy::transport) return on_lost();
  if (closed.flaw == websocket::Flaw::too_many_controls) {
    if (state_ == State::open) ++stats().side_floods_total;
    end(static_cast<std::uint16_t>(link::CloseStatus::excess), "too much beside messages");
    timer_.start(Duration::zero());  // Nothing more is read of a flood.
    return;
  }
  end(closed.status, closed.reason);
  limit_closing();
}

void RawConnection::limit_closing() { timer_.start(endpoint_.next_deadline() - steady_now()); }

RawConnection::Incomplete RawConnection::incomplete() const {
  return {endpoint_.incomplete_since(), endpoint_.incomplete_bytes()};
}

void RawConnection::on_look() {
  endpoint_.set_reader_limits(reader_limits());
  endpoint_.release_storage();
}

websocket::EndpointOptions RawConnection::endpoint_options() const {
  websocket::EndpointOptions made;
  made.codec.reader = reader_limits();
  // What others may send us says nothing about what we send, except where it is more than usual.
  const std::size_t largest =
      std::max(options().frame_bytes_max, TransportOptions{}.frame_bytes_max);
  made.codec.output_bytes_max = made.batch_bytes_max + largest + kBatchSlackBytes;
  made.codec.close_within = options().close_within;
  made.queue_bytes_max = options().queue_bytes_max;
  made.request_within = options().request_within;
  made.gone_within = options().close_within;
  return made;
}

/// Control frames: what `SideTraffic` lets pass from one look to the next. Whom we dialled may send
/// as many as it likes, as there.
websocket::ReaderLimits RawConnection::reader_limits() const {
  const TransportOptions& all = options();
  const MessageBounds bounds = message_bounds();
  websocket::ReaderLimits limits;
  limits.frame_bytes_max = bounds.bytes_max;
  limits.message_bytes_max = bounds.bytes_max;
  limits.fragments_max = bounds.fragments_max;
  const auto seconds = (all.look_every * all.side_looks) / std::chrono::seconds(1) + 1;
  const auto slack =
      static_cast<std::uint32_t>(all.side_traffic.slack_bytes / kLargestControlFrameBytes);
  const std::uint32_t rate = all.side_traffic.control_frames_per_second;
  limits.controls = is_accepted_
                        ? Pace::per_second(rate, rate * static_cast<std::uint32_t>(seconds) + slack)
                        : Pace{};
  return limits;
}

// ---- writing

bool RawConnection::enqueue(link::FrameKind kind, Bytes bytes) {
  const auto queued = endpoint_.send(kind_of(kind), std::move(bytes));
  if (!queued && queued.error() == websocket::QueueRefusal::full) return false;
  if (!queued && queued.error() == websocket::QueueRefusal::too_large) {
    cut("a message larger than may be sent");
  }
  loop().flush_this_turn(*this);
  return true;
}

void RawConnection::on_close_ordered() {
  endpoint_.close(steady_now(), close_status_, reason_);
  limit_closing();
  loop().flush_this_turn(*this);
}

void RawConnection::flush() {
  if (socket_ != nullptr && on_writable() != 0) loop().kill(socket_);
}

void RawConnection::flush_next_turn() {
  if (socket_ != nullptr) lws_callback_on_writable(socket_);
}

int RawConnection::on_writable() {
  if (is_write_broken_) return 0;
  if (!write_out()) return on_write_failed();
  if (has_gone()) {
    report_drained();
    fill_batch();
    if (!write_out()) return on_write_failed();
    if (has_gone()) report_drained();
  }
  if (can_write() || (may_fill() && endpoint_.has_queued())) {
    lws_callback_on_writable(socket_);
    return 0;
  }
  if (!endpoint_.wants_end() || !has_gone()) return 0;
  if (engine_ != nullptr && engine_->state() == tls::State::open) {
    engine_->close();
    return on_writable();
  }
  endpoint_.on_end_said();
  ::shutdown(lws_get_socket_fd(socket_), SHUT_WR);
  return 0;
}

int RawConnection::on_write_failed() {
  if (state_ != State::open) return -1;
  is_write_broken_ = true;
  timer_.start(options().close_within);
  return 0;
}

void RawConnection::fill_batch() {
  if (!may_fill()) return;
  // Only a close needs the time, and a clock costs as much as a small frame.
  const Instant now = state_ == State::closing ? steady_now() : Instant{};
  while (const auto message = endpoint_.batch_next(now)) count_sent(message->payload.size());
}

bool RawConnection::write_out() {
  while (true) {
    encrypt();
    const ByteSpan bytes = engine_ == nullptr ? endpoint_.output() : engine_->ciphertext();
    // An engine that has failed by itself says nothing that could wake anybody.
    const bool is_broken = engine_ != nullptr && engine_->state() == tls::State::failed;
    if (bytes.empty()) return !is_broken;
    // Not libwebsockets' write: it would copy what the system does not take, and read nothing more
    // until that has gone, which two ends may do at the same time.
    const ssize_t taken =
        ::send(lws_get_socket_fd(socket_), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (engine_ == nullptr) {
      endpoint_.on_written(static_cast<std::size_t>(taken));
    } else {
      engine_->consume(static_cast<std::size_t>(taken));
    }
  }
}

void RawConnection::encrypt() {
  if (engine_ == nullptr) return;
  while (!endpoint_.output().empty()) {
    const std::size_t taken = engine_->send(endpoint_.output());
    if (taken == 0) return;
    endpoint_.on_written(taken);
  }
}

bool RawConnection::can_write() const {
  if (engine_ == nullptr) return !endpoint_.output().empty();
  if (!engine_->ciphertext().empty()) return true;
  return engine_->state() == tls::State::open && !endpoint_.output().empty();
}

bool RawConnection::has_gone() const {
  return endpoint_.output().empty() && (engine_ == nullptr || engine_->ciphertext().empty());
}

}  // namespace trestle::host
