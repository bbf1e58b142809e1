#include "trestle/wire/websocket/message_reader.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::wire::websocket {
namespace {

/// What a message that has been delivered may leave behind: a batch, so that a busy connection
/// whose inputs cut one message each does not ask for memory each time.
constexpr std::size_t kStorageKeptBytesMax = std::size_t{64} * 1024;

}  // namespace

void MessageReader::on_bytes(Instant now, std::span<std::uint8_t> input) {
  TRESTLE_ASSERT(input_.empty());
  now_ = now;
  if (!is_over_) input_ = input;
}

std::optional<Arrival> MessageReader::next() {
  if (is_over_) return std::nullopt;
  drop_delivered();
  while (true) {
    if (!is_in_frame_) {
      const auto head = take_head();
      if (!head) return fail(head.error());
      if (*head == 0) return std::nullopt;
      if (const auto flaw = begin_frame()) return fail(*flaw);
    }
    const std::span<std::uint8_t> part = take_payload();
    auto arrival = is_control(frame_.opcode) ? on_control(part) : on_data(part);
    if (arrival || missing_ > 0) return arrival;
  }
}

void MessageReader::release_storage() {
  drop_delivered();
  if (message_.empty()) Bytes().swap(message_);
}

Arrival MessageReader::fail(Flaw flaw) {
  is_over_ = true;
  input_ = {};
  incomplete_since_ = kNever;
  Bytes().swap(message_);
  return ReadingFailed{flaw};
}

void MessageReader::drop_delivered() {
  if (!is_delivered_) return;
  is_delivered_ = false;
  message_.clear();
  if (message_.capacity() > kStorageKeptBytesMax) Bytes().swap(message_);
}

/// The next head into `frame_`: its size, or 0 if it is not whole yet.
Result<std::size_t, Flaw> MessageReader::take_head() {
  if (head_bytes_ == 0) {
    const auto size = read_head(input_, sender_, frame_);
    if (!size) return size;
    if (*size > 0) {
      input_ = input_.subspan(*size);
      return size;
    }
    // Less than a head is left. What is there is looked at again when more of it comes.
    if (!input_.empty()) incomplete_since_ = std::min(incomplete_since_, now_);
    std::copy(input_.begin(), input_.end(), head_.begin());
    head_bytes_ = static_cast<std::uint8_t>(input_.size());
    input_ = {};
    return 0;
  }
  while (!input_.empty()) {
    head_[head_bytes_++] = input_.front();
    input_ = input_.subspan(1);
    const auto size = read_head(ByteSpan(head_).first(head_bytes_), sender_, frame_);
    if (size && *size == 0) continue;
    head_bytes_ = 0;
    return size;
  }
  return 0;
}

/// Whether the frame may come here, and how much it may carry.
std::optional<Flaw> MessageReader::begin_frame() {
  if (is_control(frame_.opcode)) {
    if (frame_.opcode != Opcode::close && !controls_.take(now_, limits_.controls)) {
      return Flaw::too_many_controls;
    }
  } else if (const auto flaw = begin_data_frame()) {
    return flaw;
  }
  incomplete_since_ = std::min(incomplete_since_, now_);
  is_in_frame_ = true;
  taken_ = 0;
  missing_ = frame_.payload_bytes;
  return std::nullopt;
}

std::optional<Flaw> MessageReader::begin_data_frame() {
  const bool is_continuation = frame_.opcode == Opcode::continuation;
  if (is_continuation && !is_in_message_) return Flaw::stray_continuation;
  if (!is_continuation && is_in_message_) return Flaw::nested_message;
  if (!is_continuation) {
    is_in_message_ = true;
    kind_ = frame_.opcode == Opcode::text ? MessageKind::text : MessageKind::binary;
    fragments_ = 0;
    message_bytes_ = 0;
    utf8_ = {};
  }
  if (++fragments_ > limits_.fragments_max) return Flaw::too_many_fragments;
  if (frame_.payload_bytes > limits_.frame_bytes_max) return Flaw::too_large;
  // Below 2^63 each: the sum does not overflow.
  message_bytes_ += frame_.payload_bytes;
  if (message_bytes_ > limits_.message_bytes_max) return Flaw::too_large;
  return std::nullopt;
}

/// What the input has of the frame's payload, unmasked.
std::span<std::uint8_t> MessageReader::take_payload() {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(missing_, input_.size()));
  const std::span<std::uint8_t> part = input_.first(bytes);
  input_ = input_.subspan(bytes);
  if (frame_.is_masked) apply_mask(part, frame_.mask, static_cast<std::size_t>(taken_ % 4));
  taken_ += bytes;
  missing_ -= bytes;
  return part;
}

std::optional<Arrival> MessageReader::on_data(ByteSpan part) {
  if (kind_ == MessageKind::text && !utf8_.take(part)) return fail(Flaw::not_utf8);
  if (missing_ > 0 || !frame_.is_final) {
    keep(part);
    is_in_frame_ = missing_ > 0;
    return std::nullopt;
  }
  if (kind_ == MessageKind::text && !utf8_.is_whole()) return fail(Flaw::not_utf8);
  is_in_frame_ = false;
  is_in_message_ = false;
  incomplete_since_ = kNever;
  if (message_.empty()) return MessageArrived{kind_, part};
  keep(part);
  is_delivered_ = true;
  return MessageArrived{kind_, message_};
}

std::optional<Arrival> MessageReader::on_control(ByteSpan part) {
  const bool is_whole = missing_ == 0;
  if (is_whole && control_bytes_ == 0) return control_arrival(part);
  std::copy(part.begin(), part.end(), control_.begin() + control_bytes_);
  control_bytes_ = static_cast<std::uint8_t>(control_bytes_ + part.size());
  if (!is_whole) return std::nullopt;
  return control_arrival(ByteSpan(control_).first(std::exchange(control_bytes_, 0)));
}

Arrival MessageReader::control_arrival(ByteSpan payload) {
  is_in_frame_ = false;
  if (!is_in_message_) incomplete_since_ = kNever;
  if (frame_.opcode == Opcode::ping) return PingArrived{payload};
  if (frame_.opcode == Opcode::pong) return PongArrived{payload};
  const auto notice = read_close(payload);
  if (!notice) return fail(notice.error());
  is_over_ = true;
  input_ = {};
  incomplete_since_ = kNever;
  Bytes().swap(message_);
  return CloseArrived{*notice};
}

/// Room for bytes that are there, not for bytes that were announced: at most twice of it, and no
/// more than the frames so far can fill.
void MessageReader::keep(ByteSpan part) {
  const std::size_t needed = message_.size() + part.size();
  if (needed > message_.capacity()) {
    const auto announced = static_cast<std::size_t>(message_bytes_);
    message_.reserve(std::min(std::max(needed, 2 * message_.capacity()), announced));
  }
  append(message_, part);
}

}  // namespace trestle::wire::websocket
