#include "trestle/host/raw_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <libwebsockets.h>
#include <sys/socket.h>

#include "trestle/host/clock.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "trestle/wire/websocket/http_syntax.hpp"

namespace trestle::host {
namespace {

namespace websocket = wire::websocket;

/// What leaves in one write at most, a frame that is larger by itself excepted (design section 8).
constexpr std::size_t kBatchBytesMax = std::size_t{64} * 1024;
/// Heads, and the frame that is a little larger than it may be, which the peer has to refuse.
constexpr std::size_t kBatchSlackBytes = 1024;
constexpr std::size_t kLargestControlFrameBytes = 131;

/// Of a path that is known to be well-formed.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    return websocket::lower_case(letter) - 'a' + 10;
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

websocket::HttpAnswer answer_of(unsigned status) {
  return {.status = status, .content_type = {}, .body = {}, .fields = {}};
}

websocket::HttpAnswer answer_of(HttpReply reply) {
  websocket::HttpAnswer answer{.status = static_cast<unsigned>(reply.status),
                               .content_type = std::move(reply.content_type),
                               .body = std::move(reply.body),
                               .fields = {}};
  for (auto& [name, value] : reply.headers) {
    answer.fields.push_back({std::move(name), std::move(value)});
  }
  return answer;
}

std::string field_of(const websocket::HttpHead& head, std::string_view name) {
  return std::string(head.value(name).value_or(std::string_view{}));
}

}  // namespace

RawConnection::RawConnection(WebSocketTransport& transport, Security security,
                             std::string remote_address)
    : WebSocketConnection(transport, security, std::move(remote_address)),
      speaker_(std::in_place_type<websocket::ServerUpgrade>) {
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
  head_ = upgrade->take_output();
  head_gone_ = 0;
  speaker_ = std::move(*upgrade);
  return true;
}

void RawConnection::on_dial_abandoned() {
  connector_.reset();
  engine_.reset();
  speaker_ = {};
}

bool RawConnection::on_answer(const websocket::ClientUpgrade& upgrade) {
  using Phase = websocket::ClientUpgrade::Phase;
  if (upgrade.phase() == Phase::waiting) return true;
  if (upgrade.phase() == Phase::failed) {
    on_address_failed(ErrorCode::protocol_error,
                      "what answers at " + url_.path + " does not speak WebSocket");
    return false;
  }
  note_upgrade_answer({upgrade.status(), field_of(upgrade.head(), "date"),
                       field_of(upgrade.head(), "content-location")});
  if (upgrade.phase() == Phase::refused) {
    on_address_failed(
        explain_http_answer(upgrade.status(), url_.path, field_of(upgrade.head(), "location")));
    return false;
  }
  speaker_ = Codec::client(codec_options(), transport_.handshakes().masks());
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
  // One turn's bytes decrypted are fewer.
  std::vector<unsigned char>& room = transport_.scratch();
  room.resize(std::max(room.size(), kBatchBytesMax));
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
  if (!fail_in_tls()) on_lost();
}

std::optional<std::chrono::seconds> RawConnection::certificate_left() const {
  const auto ends_at = engine_ == nullptr ? std::nullopt : engine_->certificate_ends_at();
  if (!ends_at) return std::nullopt;
  return std::chrono::seconds(*ends_at - std::time(nullptr));
}

// ---- what is asked of us

void RawConnection::on_request(websocket::ServerUpgrade& upgrade) {
  using Phase = websocket::ServerUpgrade::Phase;
  if (upgrade.phase() == Phase::reading) return;
  if (upgrade.phase() == Phase::answered) {
    on_turned_away();
    head_ = upgrade.take_output();
    hangs_up_ = true;
    speaker_ = {};
  } else if (upgrade.kind() == websocket::RequestKind::upgrade) {
    on_upgrade_request(upgrade);
  } else {
    HttpRequest request;
    request.method = HttpMethod::get;
    request.path = percent_decoded(upgrade.path());
    request.host = upgrade.host();
    turn_away(upgrade, answer_of(events().on_http_request(request)));
  }
}

void RawConnection::on_upgrade_request(websocket::ServerUpgrade& upgrade) {
  switch (judge({.host = std::string(upgrade.host()),
                 .origin = std::string(upgrade.origin().value_or(std::string_view{})),
                 .forwarded_for = upgrade.head().joined("x-forwarded-for"),
                 .forwarded_proto = upgrade.head().joined("x-forwarded-proto")})) {
    case Verdict::welcome:
      break;
    case Verdict::foreign_page:
      return turn_away(upgrade, answer_of(403));
    case Verdict::busy: {
      websocket::HttpAnswer answer = answer_of(503);
      answer.fields.push_back({"Retry-After", "5"});
      return turn_away(upgrade, answer);
    }
  }
  std::vector<websocket::HttpField> fields;
  for (auto& [name, value] : answer_fields(percent_decoded(upgrade.path()))) {
    if (websocket::is_field_value(value)) fields.push_back({name, value});
  }
  upgrade.accept(transport_.handshakes().digest(upgrade.key()), {}, fields);
  head_ = upgrade.take_output();
  speaker_ = Codec::server(codec_options());
  on_established();
}

void RawConnection::turn_away(websocket::ServerUpgrade& upgrade,
                              const websocket::HttpAnswer& answer) {
  upgrade.answer(answer);
  on_request(upgrade);
}

// ---- messages

int RawConnection::on_bytes(std::span<std::uint8_t> bytes) {
  std::size_t taken = 0;
  if (auto* upgrade = std::get_if<websocket::ServerUpgrade>(&speaker_)) {
    taken = upgrade->on_bytes(bytes);
    on_request(*upgrade);
  } else if (auto* asked = std::get_if<websocket::ClientUpgrade>(&speaker_)) {
    taken = asked->on_bytes(bytes);
    if (!on_answer(*asked)) return -1;
  }
  if (std::holds_alternative<Codec>(speaker_)) on_frames(bytes.subspan(taken));
  // What the bytes themselves caused: answers, pongs, the end. What the owner says to them has its
  // turn.
  return waiting().empty() && !hangs_up_ ? 0 : on_writable();
}

void RawConnection::on_frames(std::span<std::uint8_t> bytes) {
  Codec& codec = std::get<Codec>(speaker_);
  codec.on_bytes(steady_now(), bytes);
  while (const auto effect = codec.poll_effect()) {
    if (const auto* message = std::get_if<websocket::MessageArrived>(&*effect)) {
      on_message(*message);
    } else if (const auto* closed = std::get_if<websocket::Closed>(&*effect)) {
      on_closed(*closed);
    } else if (std::holds_alternative<websocket::HangUp>(*effect)) {
      hangs_up_ = true;
    }
  }
}

void RawConnection::on_message(const websocket::MessageArrived& message) {
  const bool was_known = may_be_identified();
  stats().bytes_received_total += message.payload.size();
  deliver(message.kind == websocket::MessageKind::binary ? link::FrameKind::binary
                                                         : link::FrameKind::text,
          message.payload);
  if (!was_known && may_be_identified()) {
    std::get<Codec>(speaker_).set_reader_limits(reader_limits());
  }
}

void RawConnection::on_closed(const websocket::Closed& closed) {
  queue_.clear();
  if (closed.flaw == websocket::Flaw::too_many_controls) {
    if (state_ == State::open) ++stats().side_floods_total;
    end(static_cast<std::uint16_t>(link::CloseStatus::excess), "too much beside messages");
    timer_.start(Duration::zero());  // Nothing more is read of a flood.
    return;
  }
  end(closed.status, closed.reason);
  // For the rest of the closing: this timer, not the codec's, since it runs already.
  timer_.start(options().close_within);
}

RawConnection::Incomplete RawConnection::incomplete() const {
  const auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr) return {};
  return {codec->incomplete_since(), codec->buffered_bytes()};
}

void RawConnection::on_look() {
  auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr) return;
  codec->set_reader_limits(reader_limits());
  codec->release_storage();
}

websocket::ConnectionOptions RawConnection::codec_options() const {
  websocket::ConnectionOptions made;
  made.reader = reader_limits();
  // What others may send us says nothing about what we send, except where it is more than usual.
  const std::size_t largest =
      std::max(options().frame_bytes_max, TransportOptions{}.frame_bytes_max);
  made.output_bytes_max = kBatchBytesMax + largest + kBatchSlackBytes;
  made.close_within = options().close_within;
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

void RawConnection::on_ordered() { loop().flush_this_turn(*this); }

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
  if (can_write() || !queue_.empty()) {
    lws_callback_on_writable(socket_);
    return 0;
  }
  if (!hangs_up_ || !has_gone()) return 0;
  if (engine_ != nullptr && engine_->state() == tls::State::open) {
    engine_->close();
    return on_writable();
  }
  hangs_up_ = false;
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
  auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr || (state_ != State::open && state_ != State::closing)) return;
  while (!queue_.empty() && codec->output().size() < kBatchBytesMax) {
    const Frame frame = take_front();
    const auto kind = frame.kind == link::FrameKind::binary ? websocket::MessageKind::binary
                                                            : websocket::MessageKind::text;
    if (!codec->send(kind, frame.bytes)) return cut("a message larger than may be sent");
  }
  if (queue_.empty() && state_ == State::closing) {
    codec->close(steady_now(), close_status_, reason_);
  }
}

bool RawConnection::write_out() {
  while (true) {
    encrypt();
    const ByteSpan bytes = engine_ == nullptr ? waiting() : engine_->ciphertext();
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
      on_written(static_cast<std::size_t>(taken));
    } else {
      engine_->consume(static_cast<std::size_t>(taken));
    }
  }
}

ByteSpan RawConnection::waiting() const {
  if (head_gone_ < head_.size()) return ByteSpan(head_).subspan(head_gone_);
  const auto* codec = std::get_if<Codec>(&speaker_);
  return codec == nullptr ? ByteSpan{} : codec->output();
}

void RawConnection::on_written(std::size_t bytes) {
  if (head_gone_ == head_.size()) return std::get<Codec>(speaker_).on_written(bytes);
  head_gone_ += bytes;
  if (head_gone_ < head_.size()) return;
  Bytes().swap(head_);
  head_gone_ = 0;
}

void RawConnection::encrypt() {
  if (engine_ == nullptr) return;
  while (!waiting().empty()) {
    const std::size_t taken = engine_->send(waiting());
    if (taken == 0) return;
    on_written(taken);
  }
}

bool RawConnection::can_write() const {
  if (engine_ == nullptr) return !waiting().empty();
  if (!engine_->ciphertext().empty()) return true;
  return engine_->state() == tls::State::open && !waiting().empty();
}

bool RawConnection::has_gone() const {
  return waiting().empty() && (engine_ == nullptr || engine_->ciphertext().empty());
}

}  // namespace trestle::host
