#include "trestle/http/http1_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/http/answer.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::http {
namespace {

using wire::http::append_field;
using wire::http::BodyReader;
using wire::http::Head;
using wire::http::read_status_line;
using wire::http::StatusLine;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
/// A length of sixteen hexadecimal digits and two line ends.
constexpr std::size_t kChunkFrameBytesMax = 20;
constexpr unsigned kSwitching = 101;

/// Digits alone, and no more than fit.
std::optional<std::uint64_t> length_of(std::string_view text) {
  std::uint64_t length = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return length;
}

/// Whether a request says how long its body is although it has none (RFC 9110, section 8.6).
bool says_length(const Request& request) {
  return request.body_bytes != 0 || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

}  // namespace

// ---- commands

Result<void, StartRefusal> Http1Client::start(ExchangeId exchange, const Request& request) {
  if (is_over_ || is_retiring_) return refuse(StartRefusal::retiring);
  if (exchange_) return refuse(StartRefusal::busy);
  if (flaw_of(request) != RequestFlaw::none) return refuse(StartRefusal::malformed);
  Exchange begun;
  begun.id = exchange;
  begun.is_head = request.method == "HEAD";
  begun.left = request.body_bytes;
  begun.is_sent = request.body_bytes == 0;
  exchange_ = begun;
  write_head(request);
  return {};
}

void Http1Client::write_head(const Request& request) {
  Bytes head;
  append(head, as_bytes(request.method + " " + request.target + " HTTP/1.1\r\n"));
  append_field(head, "Host", request.authority);
  for (const Field& field : request.fields) append_field(head, field.name, field.value);
  if (!request.body_bytes) {
    append_field(head, "Transfer-Encoding", "chunked");
  } else if (says_length(request)) {
    append_field(head, "Content-Length", std::to_string(*request.body_bytes));
  }
  append(head, as_bytes(kLineEnd));
  output_.add(head);
}

std::size_t Http1Client::send(ExchangeId exchange, ByteSpan content) {
  if (!is_current(exchange) || exchange_->is_sent) return 0;
  TRESTLE_ASSERT(!exchange_->left || content.size() <= *exchange_->left);
  const std::size_t frame = exchange_->left ? 0 : kChunkFrameBytesMax;
  const std::size_t waits = output_.size() + frame;
  const std::size_t room = options_.output_bytes_max - std::min(options_.output_bytes_max, waits);
  const std::size_t taken = std::min(content.size(), room);
  exchange_->wants_room = taken < content.size();
  if (taken == 0) return 0;
  if (exchange_->left) {
    output_.add(content.first(taken));
    *exchange_->left -= taken;
    exchange_->is_sent = *exchange_->left == 0;
    return taken;
  }
  std::array<char, kChunkFrameBytesMax> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), taken, 16);
  TRESTLE_ASSERT(error == std::errc());
  output_.add(as_bytes(std::string_view(digits.data(), end)));
  output_.add(as_bytes(kLineEnd));
  output_.add(content.first(taken));
  output_.add(as_bytes(kLineEnd));
  return taken;
}

void Http1Client::end(ExchangeId exchange) {
  if (!is_current(exchange) || exchange_->is_sent) return;
  TRESTLE_ASSERT(!exchange_->left);
  output_.add(as_bytes(kLastChunk));
  exchange_->is_sent = true;
}

void Http1Client::cancel(ExchangeId exchange) {
  if (is_current(exchange)) finish(ExchangeFlaw::cancelled);
}

void Http1Client::retire() {
  is_retiring_ = true;
  if (!exchange_) finish(ExchangeFlaw::none);
}

// ---- inputs

void Http1Client::on_bytes(ByteSpan input) {
  if (!is_over_) input_ = input;
}

void Http1Client::on_end() {
  if (is_over_) return;
  if (!exchange_) return finish(ExchangeFlaw::none);
  if (!exchange_->body) return finish(ExchangeFlaw::cut_off);
  exchange_->body->on_end();
  if (exchange_->body->state() == BodyReader::State::flawed) return finish(ExchangeFlaw::cut_off);
  on_answer_ended();
}

void Http1Client::on_written(std::size_t bytes) {
  if (bytes == 0) return;
  output_.consume(bytes);
  if (!exchange_) return;
  exchange_->has_left = true;
  if (exchange_->wants_room && output_.size() <= options_.output_bytes_max / 2) {
    exchange_->wants_room = false;
    outbox_.push(RoomMade{exchange_->id});
  }
}

// ---- drain

std::optional<ClientEffect> Http1Client::poll_effect() {
  while (outbox_.empty() && read()) {
  }
  return outbox_.poll();
}

bool Http1Client::read() {
  if (is_over_) return false;
  if (exchange_ && exchange_->body && exchange_->body->state() == BodyReader::State::complete) {
    on_answer_ended();
    return true;
  }
  if (input_.empty()) return false;
  if (!exchange_) {
    finish(ExchangeFlaw::unasked);
  } else if (exchange_->body) {
    read_body();
  } else {
    read_head();
  }
  return true;
}

void Http1Client::read_head() {
  if (!head_) head_.emplace(options_.head);
  input_ = input_.subspan(head_->on_bytes(input_));
  if (head_->state() == Head::State::flawed) return finish(ExchangeFlaw::head);
  if (head_->state() == Head::State::complete) on_head();
}

void Http1Client::on_head() {
  const auto line = read_status_line(head_->start_line());
  if (!line) return finish(ExchangeFlaw::head);
  if (line->status < 200) {
    const bool is_too_many = ++exchange_->interim_answers > options_.interim_answers_max;
    if (line->status == kSwitching || is_too_many) return finish(ExchangeFlaw::interim);
    head_.reset();
    return;
  }
  exchange_->body = framing_of_answer(*line);
  if (!exchange_->body) return finish(ExchangeFlaw::framing);
  HeadArrived arrived{.exchange = exchange_->id, .status = line->status, .fields = {}};
  arrived.fields.reserve(head_->fields());
  for (std::size_t index = 0; index < head_->fields(); ++index) {
    const Head::Field field = head_->field(index);
    arrived.fields.push_back({std::string(field.name), std::string(field.value)});
  }
  head_.reset();
  outbox_.push(std::move(arrived));
  if (!keeps_alive_) outbox_.push(Retiring{});
}

/// RFC 9112, section 6.3. Also notes whether the connection can go on behind it. Two lengths, a
/// length beside a coding, or another coding than chunks: what one reader takes for the end of the
/// answer is the middle of it to another.
std::optional<BodyReader> Http1Client::framing_of_answer(const StatusLine& line) {
  keeps_alive_ = line.is_http_1_1 && !head_->lists("connection", "close");
  const std::size_t codings = head_->count("transfer-encoding");
  const std::size_t lengths = head_->count("content-length");
  if (codings + lengths > 1 || (codings > 0 && !line.is_http_1_1)) return std::nullopt;
  const bool is_chunked = codings == 1 && wire::http::equals_ignoring_case(
                                              *head_->value("transfer-encoding"), "chunked");
  if (codings == 1 && !is_chunked) return std::nullopt;
  const auto length = lengths == 1 ? length_of(*head_->value("content-length")) : std::nullopt;
  if (lengths == 1 && !length) return std::nullopt;
  if (!has_body(exchange_->is_head ? "HEAD" : "GET", line.status)) return BodyReader::none();
  if (is_chunked) return BodyReader::chunked(options_.body);
  if (length) return BodyReader::of_length(*length);
  keeps_alive_ = false;
  return BodyReader::until_end();
}

void Http1Client::read_body() {
  const BodyReader::Step step = exchange_->body->next(input_);
  input_ = input_.subspan(step.taken);
  if (exchange_->body->state() == BodyReader::State::flawed) return finish(ExchangeFlaw::body);
  if (!step.content.empty()) outbox_.push(ContentArrived{exchange_->id, step.content});
}

void Http1Client::on_answer_ended() {
  // Without the rest of the request the server would take the next one for it.
  const bool goes_on = keeps_alive_ && exchange_->is_sent && !is_retiring_;
  outbox_.push(AnswerEnded{exchange_->id});
  exchange_.reset();
  if (!goes_on) finish(ExchangeFlaw::none);
}

void Http1Client::finish(ExchangeFlaw flaw) {
  is_over_ = true;
  input_ = {};
  head_.reset();
  if (exchange_) {
    const Doubt doubt = exchange_->has_left ? Doubt::may_have_acted : Doubt::untouched;
    outbox_.push(ExchangeFailed{exchange_->id, flaw, doubt});
    exchange_.reset();
  }
  outbox_.push(HangUp{flaw});
}

}  // namespace trestle::http
