#include "trestle/http/http2_client.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::http {
namespace {

/// What HTTP/2 counts for each line beside its name and value (RFC 9113, section 6.5.2).
constexpr std::size_t kFieldOverheadBytes = 32;
/// Each server may have a few; more are a flood.
constexpr std::size_t kSettingsMax = 64;

std::string_view text_of(const std::uint8_t* bytes, std::size_t count) {
  return as_text(ByteSpan(bytes, count));
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  // nghttp2 reads and copies both.
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(as_bytes(text).data());
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), wire::http::lower_case);
  return lower;
}

unsigned status_of(std::string_view value) {
  unsigned status = 0;  // nghttp2 has looked at it: three digits
  for (const char letter : value) status = 10 * status + static_cast<unsigned>(letter - '0');
  return status;
}

}  // namespace

/// nghttp2's calls, made while it reads or makes frames. What they come to lies in the outbox.
struct Http2Client::Session {
  static Http2Client& client(void* self) { return *static_cast<Http2Client*>(self); }
  static Exchange* exchange(nghttp2_session* session, std::int32_t stream) {
    return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_bytes, const std::uint8_t* value,
                       std::size_t value_bytes, std::uint8_t, void* self) {
    Exchange* const found = exchange(session, frame->hd.stream_id);
    if (found == nullptr) return 0;
    const bool fits = on_field(*found, text_of(name, name_bytes), text_of(value, value_bytes),
                               client(self).options_.head_bytes_max);
    if (!fits) client(self).abandon(*found, ExchangeFlaw::head);
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY && !client(self).is_retiring_) {
      client(self).is_retiring_ = true;
      client(self).outbox_.push(Retiring{});
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
      client(self).outbox_.push(PongArrived{});
    }
    Exchange* found = exchange(session, frame->hd.stream_id);
    if (found != nullptr && frame->hd.type == NGHTTP2_HEADERS) {
      client(self).on_head(*found);
      found = exchange(session, frame->hd.stream_id);
    }
    const bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool has_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (found != nullptr && has_end && is_last) client(self).on_answer_ended(*found);
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                     const std::uint8_t* data, std::size_t bytes, void* self) {
    const Exchange* const found = exchange(session, stream);
    if (found == nullptr) {
      nghttp2_session_consume(session, stream, bytes);
    } else {
      client(self).outbox_.push(ContentArrived{found->id, ByteSpan(data, bytes)});
    }
    return 0;
  }

  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    Exchange* const found = exchange(session, frame->hd.stream_id);
    if (found != nullptr) found->has_left = true;
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code,
                             void* self) {
    Exchange* const found = exchange(session, stream);
    if (found != nullptr) client(self).on_stream_closed(*found, code);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* room,
                           std::size_t bytes, std::uint32_t* flags, nghttp2_data_source*,
                           void* self) {
    Exchange* const found = exchange(session, stream);
    if (found == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // being reset
    return client(self).read_body(*found, {room, bytes}, *flags);
  }
};

void Http2Client::Free::operator()(nghttp2_session* session) const { nghttp2_session_del(session); }

Http2Client::Http2Client(const Http2Options& options) : options_(options) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* bounds = nullptr;
  nghttp2_session* session = nullptr;
  TRESTLE_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
  TRESTLE_ASSERT(nghttp2_option_new(&bounds) == 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Session::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Session::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Session::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Session::on_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Session::on_stream_close);
  nghttp2_option_set_no_auto_window_update(bounds, 1);
  nghttp2_option_set_max_outbound_ack(bounds, options.acknowledgements_max);
  nghttp2_option_set_max_settings(bounds, kSettingsMax);
  TRESTLE_ASSERT(nghttp2_session_client_new2(&session, callbacks, this, bounds) == 0);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(bounds);
  session_.reset(session);

  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.head_bytes_max},
  }};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(options.connection_window_bytes));
  pump();
}

Http2Client::~Http2Client() = default;

// ---- commands

std::size_t Http2Client::room() const {
  if (is_over_ || is_retiring_) return 0;
  const std::uint32_t allowed =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const std::size_t most = std::min(allowed, options_.exchanges_max);
  return most - std::min(most, exchanges_.size());
}

Result<void, StartRefusal> Http2Client::start(ExchangeId exchange, const Request& request) {
  const bool takes_more = nghttp2_session_check_request_allowed(session_.get()) != 0;
  if (is_over_ || is_retiring_ || !takes_more) return refuse(StartRefusal::retiring);
  if (room() == 0) return refuse(StartRefusal::busy);
  if (flaw_of(request) != RequestFlaw::none) return refuse(StartRefusal::malformed);
  const auto [place, is_new] = exchanges_.try_emplace(exchange);
  TRESTLE_ASSERT(is_new);
  Exchange& made = place->second;
  made.id = exchange;
  made.left = request.body_bytes;
  made.is_body_ended = request.body_bytes == 0;
  if (!submit(made, request)) {  // the streams of this connection are used up
    exchanges_.erase(place);
    return refuse(StartRefusal::retiring);
  }
  pump();
  return {};
}

bool Http2Client::submit(Exchange& exchange, const Request& request) {
  std::vector<std::string> names;  // in lower case (RFC 9113, section 8.2.1)
  names.reserve(request.fields.size());
  const std::string length = request.body_bytes ? std::to_string(*request.body_bytes) : "";
  std::vector<nghttp2_nv> lines{
      pair_of(":method", request.method),
      pair_of(":scheme", options_.scheme == Scheme::https ? "https" : "http"),
      pair_of(":authority", request.authority),
      pair_of(":path", request.target),
  };
  for (const Field& field : request.fields) {
    names.push_back(in_lower_case(field.name));
    lines.push_back(pair_of(names.back(), field.value));
  }
  if (request.body_bytes.value_or(0) > 0) lines.push_back(pair_of("content-length", length));
  nghttp2_data_provider body{};
  body.read_callback = Session::read_body;
  exchange.stream = nghttp2_submit_request(session_.get(), nullptr, lines.data(), lines.size(),
                                           exchange.is_body_ended ? nullptr : &body, &exchange);
  return exchange.stream > 0;
}

std::size_t Http2Client::send(ExchangeId exchange, ByteSpan content) {
  Exchange* const found = find(exchange);
  if (found == nullptr || found->is_body_ended) return 0;
  TRESTLE_ASSERT(!found->left || content.size() <= *found->left);
  const std::size_t waits = found->body.size();
  const std::size_t room = options_.body_bytes_max - std::min(options_.body_bytes_max, waits);
  const std::size_t taken = std::min(content.size(), room);
  found->wants_room = taken < content.size();
  if (taken == 0) return 0;
  found->body.add(content.first(taken));
  if (found->left) {
    *found->left -= taken;
    found->is_body_ended = *found->left == 0;
  }
  nghttp2_session_resume_data(session_.get(), found->stream);
  pump();
  return taken;
}

void Http2Client::end(ExchangeId exchange) {
  Exchange* const found = find(exchange);
  if (found == nullptr || found->is_body_ended) return;
  TRESTLE_ASSERT(!found->left);
  found->is_body_ended = true;
  nghttp2_session_resume_data(session_.get(), found->stream);
  pump();
}

void Http2Client::cancel(ExchangeId exchange) {
  Exchange* const found = find(exchange);
  if (found == nullptr) return;
  abandon(*found, ExchangeFlaw::cancelled);
  pump();
}

void Http2Client::consume(ExchangeId exchange, std::size_t bytes) {
  if (is_over_) return;
  const Exchange* const found = find(exchange);
  if (found != nullptr) {
    nghttp2_session_consume(session_.get(), found->stream, bytes);
  } else {
    nghttp2_session_consume_connection(session_.get(), bytes);
  }
  pump();
}

void Http2Client::ping() {
  if (is_over_) return;
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  pump();
}

void Http2Client::retire() {
  is_retiring_ = true;
  pump();
}

// ---- inputs

void Http2Client::on_bytes(ByteSpan input) {
  if (is_over_) return;
  const ssize_t read = nghttp2_session_mem_recv(session_.get(), input.data(), input.size());
  if (read < 0) {
    return finish(read == NGHTTP2_ERR_FLOODED ? ExchangeFlaw::flooded : ExchangeFlaw::protocol);
  }
  pump();
}

void Http2Client::on_end() {
  if (is_over_) return;
  finish(exchanges_.empty() ? ExchangeFlaw::none : ExchangeFlaw::cut_off);
}

void Http2Client::on_written(std::size_t bytes) {
  output_.consume(bytes);
  if (!is_over_) pump();
}

std::optional<ClientEffect> Http2Client::poll_effect() { return outbox_.poll(); }

// ---- from nghttp2

std::ptrdiff_t Http2Client::read_body(Exchange& exchange, std::span<std::uint8_t> room,
                                      std::uint32_t& flags) {
  const ByteSpan waits = exchange.body.waiting();
  if (waits.empty() && !exchange.is_body_ended) return NGHTTP2_ERR_DEFERRED;
  const std::size_t taken = std::min(waits.size(), room.size());
  std::copy_n(waits.begin(), taken, room.begin());
  exchange.body.consume(taken);
  const std::size_t left = exchange.body.size();
  if (left == 0 && exchange.is_body_ended) flags |= NGHTTP2_DATA_FLAG_EOF;
  if (exchange.wants_room && left <= options_.body_bytes_max / 2) {
    exchange.wants_room = false;
    outbox_.push(RoomMade{exchange.id});
  }
  return static_cast<std::ptrdiff_t>(taken);
}

bool Http2Client::on_field(Exchange& exchange, std::string_view name, std::string_view value,
                           std::size_t bytes_max) {
  exchange.head_bytes += name.size() + value.size() + kFieldOverheadBytes;
  if (exchange.head_bytes > bytes_max) return false;
  if (exchange.has_head) return true;  // a trailer, which is passed over
  if (name == ":status") {
    exchange.status = status_of(value);
  } else {
    exchange.fields.push_back({std::string(name), std::string(value)});
  }
  return true;
}

void Http2Client::on_head(Exchange& exchange) {
  if (exchange.has_head) return;
  if (exchange.status < 200) {
    exchange.fields.clear();
    exchange.head_bytes = 0;
    if (++exchange.interim_answers > options_.interim_answers_max) {
      abandon(exchange, ExchangeFlaw::interim);
    }
    return;
  }
  exchange.has_head = true;
  exchange.head_bytes = 0;
  outbox_.push(HeadArrived{exchange.id, exchange.status, std::move(exchange.fields)});
}

void Http2Client::on_answer_ended(Exchange& exchange) {
  outbox_.push(AnswerEnded{exchange.id});
  // The server has heard as much of the request as it wants.
  if (!exchange.is_body_ended || exchange.body.size() > 0) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, exchange.stream, NGHTTP2_NO_ERROR);
  }
  forget(exchange);
}

void Http2Client::on_stream_closed(Exchange& exchange, std::uint32_t code) {
  const bool is_untouched = !exchange.has_left || code == NGHTTP2_REFUSED_STREAM;
  outbox_.push(ExchangeFailed{
      exchange.id, code == NGHTTP2_PROTOCOL_ERROR ? ExchangeFlaw::protocol : ExchangeFlaw::reset,
      is_untouched ? Doubt::untouched : Doubt::may_have_acted});
  forget(exchange);
}

// ---- ends

Http2Client::Exchange* Http2Client::find(ExchangeId exchange) {
  const auto place = exchanges_.find(exchange);
  return place == exchanges_.end() ? nullptr : &place->second;
}

void Http2Client::abandon(Exchange& exchange, ExchangeFlaw flaw) {
  const Doubt doubt = exchange.has_left ? Doubt::may_have_acted : Doubt::untouched;
  outbox_.push(ExchangeFailed{exchange.id, flaw, doubt});
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, exchange.stream, NGHTTP2_CANCEL);
  forget(exchange);
}

/// nghttp2 knows nobody behind the stream from here on.
void Http2Client::forget(const Exchange& exchange) {
  nghttp2_session_set_stream_user_data(session_.get(), exchange.stream, nullptr);
  exchanges_.erase(exchange.id);
}

void Http2Client::pump() {
  if (is_over_) return;
  while (output_.size() < options_.output_bytes_max) {
    const std::uint8_t* frame = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(session_.get(), &frame);
    if (bytes < 0) return finish(ExchangeFlaw::protocol);
    if (bytes == 0) break;
    output_.add(ByteSpan(frame, static_cast<std::size_t>(bytes)));
  }
  if (is_retiring_ && exchanges_.empty()) return finish(ExchangeFlaw::none);
  // It has said goodbye to a server that broke the rules.
  const bool wants_anything = nghttp2_session_want_read(session_.get()) != 0 ||
                              nghttp2_session_want_write(session_.get()) != 0;
  if (!wants_anything) finish(ExchangeFlaw::protocol);
}

void Http2Client::finish(ExchangeFlaw flaw) {
  is_over_ = true;
  for (const auto& [id, exchange] : exchanges_) {
    const Doubt doubt = exchange.has_left ? Doubt::may_have_acted : Doubt::untouched;
    outbox_.push(ExchangeFailed{id, flaw, doubt});
  }
  exchanges_.clear();
  outbox_.push(HangUp{flaw});
}

}  // namespace trestle::http
