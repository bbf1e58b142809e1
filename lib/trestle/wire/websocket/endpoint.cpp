#include "trestle/wire/websocket/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::wire::websocket {

Endpoint::Endpoint(const EndpointOptions& options)
    : queue_bytes_max_(options.queue_bytes_max),
      batch_bytes_max_(options.batch_bytes_max),
      message_bytes_max_(options.codec.output_bytes_max -
                         std::min(options.codec.output_bytes_max, kFrameHeadBytesMax)),
      gone_within_(options.gone_within) {}

Endpoint Endpoint::server(Instant now, const EndpointOptions& options) {
  Endpoint made(options);
  made.speaker_ = Reading{ServerUpgrade(), options.codec};
  made.gives_up_at_ = after(now, options.request_within);
  return made;
}

Endpoint Endpoint::client(ClientUpgrade request, const EndpointOptions& options,
                          MaskSource& masks) {
  Endpoint made(options);
  made.head_ = request.take_output();
  made.speaker_ = Waiting{std::move(request), options.codec, &masks};
  return made;
}

// ---- commands

void Endpoint::accept(const HandshakeDigest& digest, std::span<const http::Field> fields) {
  auto* reading = std::get_if<Reading>(&speaker_);
  TRESTLE_ASSERT(reading != nullptr && is_turn_told_);
  reading->upgrade.accept(digest, {}, fields);
  head_ = reading->upgrade.take_output();
  open(Connection::server(reading->codec));
}

void Endpoint::answer(const http::Answer& answer) {
  auto* reading = std::get_if<Reading>(&speaker_);
  TRESTLE_ASSERT(reading != nullptr && is_turn_told_);
  reading->upgrade.answer(answer);
  turn_away(reading->upgrade);
}

void Endpoint::turn_away(ServerUpgrade& upgrade) {
  head_ = upgrade.take_output();
  input_ = {};
  hangs_up_ = true;
  gives_up_at_ = after(now_, gone_within_);
  speaker_ = {};
}

Result<void, QueueRefusal> Endpoint::send(MessageKind kind, Bytes&& payload) {
  const auto* codec = std::get_if<Connection>(&speaker_);
  const bool is_over =
      codec == nullptr ? std::holds_alternative<std::monostate>(speaker_) : !codec->is_open();
  if (close_ || is_over) return refuse(QueueRefusal::closed);
  if (payload.size() > message_bytes_max_) return refuse(QueueRefusal::too_large);
  if (payload.size() > queue_bytes_max_ - queue_bytes_) return refuse(QueueRefusal::full);
  queue_bytes_ += payload.size();
  queue_.push({kind, std::move(payload)});
  return {};
}

void Endpoint::close(Instant now, std::uint16_t status, std::string_view reason) {
  if (close_ || std::holds_alternative<std::monostate>(speaker_)) return;
  now_ = now;
  close_ = Close{status, std::string(reason)};
  gives_up_at_ = std::min(gives_up_at_, after(now, gone_within_));
}

void Endpoint::break_off() {
  speaker_ = {};
  input_ = {};
  forget_queue();
  Bytes().swap(head_);
  head_gone_ = 0;
  gives_up_at_ = kNever;
  is_writing_ = false;
  hangs_up_ = true;
  is_broken_off_ = true;
}

void Endpoint::set_reader_limits(const ReaderLimits& limits) {
  if (auto* codec = std::get_if<Connection>(&speaker_)) codec->set_reader_limits(limits);
}

void Endpoint::forget_queue() {
  queue_.clear();
  queue_bytes_ = 0;
}

// ---- inputs

void Endpoint::on_bytes(Instant now, std::span<std::uint8_t> input) {
  now_ = now;
  if (auto* codec = std::get_if<Connection>(&speaker_)) {
    codec->on_bytes(now, input);
  } else if (auto* reading = std::get_if<Reading>(&speaker_)) {
    input_ = input.subspan(reading->upgrade.on_bytes(input));
  } else if (auto* waiting = std::get_if<Waiting>(&speaker_)) {
    input_ = input.subspan(waiting->upgrade.on_bytes(input));
  }
}

void Endpoint::on_end(Instant now, std::string_view why) {
  if (std::holds_alternative<std::monostate>(speaker_)) return;
  now_ = now;
  why_ended_ = why;
  is_end_due_ = true;
  if (auto* codec = std::get_if<Connection>(&speaker_)) codec->on_end();
}

void Endpoint::on_written(std::size_t bytes) {
  if (head_.empty()) {
    auto& codec = std::get<Connection>(speaker_);
    codec.on_written(bytes);
    is_writing_ = !codec.output().empty();
    return;
  }
  head_gone_ += bytes;
  TRESTLE_ASSERT(head_gone_ <= head_.size());
  is_writing_ = head_gone_ < head_.size();
  if (is_writing_) return;
  Bytes().swap(head_);
  head_gone_ = 0;
}

// ---- time

Instant Endpoint::next_deadline() const {
  const auto* codec = std::get_if<Connection>(&speaker_);
  return codec == nullptr ? gives_up_at_ : std::min(gives_up_at_, codec->next_deadline());
}

void Endpoint::on_deadline(Instant now) {
  now_ = now;
  auto* codec = std::get_if<Connection>(&speaker_);
  if (codec != nullptr) codec->on_deadline(now);
  if (now < gives_up_at_) return;
  gives_up_at_ = kNever;
  if (std::holds_alternative<std::monostate>(speaker_)) return break_off();
  is_given_up_ = true;
  on_end(now, codec == nullptr ? "no whole request in time" : "what was said cannot leave");
}

// ---- effects

std::optional<EndpointEffect> Endpoint::poll_effect() {
  if (auto* codec = std::get_if<Connection>(&speaker_)) return poll_codec(*codec);
  if (auto* reading = std::get_if<Reading>(&speaker_)) return poll_request(*reading);
  if (const auto* waiting = std::get_if<Waiting>(&speaker_)) return poll_answer(*waiting);
  return std::nullopt;
}

std::optional<EndpointEffect> Endpoint::poll_request(Reading& reading) {
  using Phase = ServerUpgrade::Phase;
  if (reading.upgrade.phase() == Phase::reading) return poll_end();
  if (reading.upgrade.phase() == Phase::answered) {
    const TurnedAway news{reading.upgrade.flaw()};
    turn_away(reading.upgrade);
    return news;
  }
  TRESTLE_ASSERT(!is_turn_told_);  // the owner has not taken its turn
  is_turn_told_ = true;
  return Asked{&reading.upgrade};
}

std::optional<EndpointEffect> Endpoint::poll_answer(const Waiting& waiting) {
  using Phase = ClientUpgrade::Phase;
  if (waiting.upgrade.phase() == Phase::waiting) return poll_end();
  if (!std::exchange(is_turn_told_, true)) return Answered{&waiting.upgrade};
  if (waiting.upgrade.phase() == Phase::open) {
    open(Connection::client(waiting.codec, *waiting.masks));
  } else {
    break_off();
  }
  return poll_effect();
}

void Endpoint::open(Connection codec) {
  speaker_ = std::move(codec);
  if (!close_) gives_up_at_ = kNever;
  auto& opened = std::get<Connection>(speaker_);
  opened.on_bytes(now_, std::exchange(input_, {}));
  if (is_end_due_) opened.on_end();
}

std::optional<EndpointEffect> Endpoint::poll_codec(Connection& codec) {
  while (const auto effect = codec.poll_effect()) {
    if (const auto* message = std::get_if<MessageArrived>(&*effect)) return *message;
    if (const auto* closed = std::get_if<Closed>(&*effect)) return on_closed(*closed);
    if (std::holds_alternative<HangUp>(*effect)) hangs_up_ = true;
  }
  if (is_given_up_) break_off();
  return std::nullopt;
}

std::optional<EndpointEffect> Endpoint::poll_end() {
  if (!is_end_due_) return std::nullopt;
  break_off();
  return Closed{EndedBy::transport, kAbnormalClosure, why_ended_, {}};
}

/// A peer that has just spoken gets its time anew; one that is gone does not.
EndpointEffect Endpoint::on_closed(Closed closed) {
  forget_queue();
  const Instant limit = after(now_, gone_within_);
  const bool is_lost = closed.by == EndedBy::transport;
  gives_up_at_ = is_lost ? std::min(gives_up_at_, limit) : limit;
  if (is_lost && !why_ended_.empty()) closed.reason = why_ended_;
  return closed;
}

// ---- writing

std::optional<QueuedMessage> Endpoint::batch_next(Instant now) {
  auto* codec = std::get_if<Connection>(&speaker_);
  if (codec == nullptr || !codec->is_open()) return std::nullopt;
  if (queue_.empty()) {
    if (!close_) return std::nullopt;
    codec->close(now, close_->status, close_->reason);
    has_said_close_ = true;
    return std::nullopt;
  }
  if (codec->output().size() >= batch_bytes_max_) return std::nullopt;
  const QueuedMessage& front = queue_.front();
  // Nearly as large as all there is room for: it leaves alone.
  if (!codec->send(front.kind, front.payload)) return std::nullopt;
  std::optional<QueuedMessage> message = queue_.pop();
  queue_bytes_ -= message->payload.size();
  return message;
}

ByteSpan Endpoint::output() const {
  if (!head_.empty()) return ByteSpan(head_).subspan(head_gone_);
  const auto* codec = std::get_if<Connection>(&speaker_);
  return codec == nullptr ? ByteSpan{} : codec->output();
}

// ---- look

bool Endpoint::is_open() const {
  const auto* codec = std::get_if<Connection>(&speaker_);
  return codec != nullptr && codec->is_open();
}

bool Endpoint::is_reading() const {
  if (const auto* codec = std::get_if<Connection>(&speaker_)) {
    return codec->incomplete_since() != kNever;
  }
  const auto* reading = std::get_if<Reading>(&speaker_);
  if (reading != nullptr) return reading->upgrade.head().size() > 0;
  const auto* waiting = std::get_if<Waiting>(&speaker_);
  return waiting != nullptr && waiting->upgrade.head().size() > 0;
}

Instant Endpoint::incomplete_since() const {
  const auto* codec = std::get_if<Connection>(&speaker_);
  return codec == nullptr ? kNever : codec->incomplete_since();
}

std::size_t Endpoint::incomplete_bytes() const {
  const auto* codec = std::get_if<Connection>(&speaker_);
  return codec == nullptr ? 0 : codec->buffered_bytes();
}

std::size_t Endpoint::buffered_bytes() const {
  const std::size_t said = head_.size() - head_gone_ + queue_bytes_;
  if (const auto* codec = std::get_if<Connection>(&speaker_)) {
    return said + codec->buffered_bytes() + codec->output().size();
  }
  const auto* reading = std::get_if<Reading>(&speaker_);
  if (reading != nullptr) return said + reading->upgrade.head().size();
  const auto* waiting = std::get_if<Waiting>(&speaker_);
  return waiting == nullptr ? said : said + waiting->upgrade.head().size();
}

void Endpoint::release_storage() {
  queue_.release_storage();
  if (auto* codec = std::get_if<Connection>(&speaker_)) codec->release_storage();
}

}  // namespace trestle::wire::websocket
