#include "trestle/wire/http/body_reader.hpp"

#include <algorithm>

namespace trestle::wire::http {
namespace {

constexpr std::uint8_t kReturn = '\r';
constexpr std::uint8_t kFeed = '\n';
/// Another digit fits below it; 2^63 bytes are more than anybody sends.
constexpr std::uint64_t kLengthMax = ~std::uint64_t{0} >> 5;
constexpr unsigned kNoDigit = 16;

unsigned digit(std::uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - unsigned{'0'};
  const auto lower = static_cast<std::uint8_t>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - unsigned{'a'} + 10 : kNoDigit;
}

}  // namespace

BodyReader::Step BodyReader::next(ByteSpan input) {
  Step step;
  if (framing_ != Framing::chunked) {
    if (state_ == State::incomplete) step = take_content(input);
    return step;
  }
  while (state_ == State::incomplete && step.taken < input.size()) {
    if (place_ == Place::content) {
      Step part = take_content(input.subspan(step.taken));
      part.taken += step.taken;
      return part;
    }
    on_chunk_byte(input[step.taken]);
    ++step.taken;
  }
  return step;
}

BodyReader::Step BodyReader::take_content(ByteSpan input) {
  if (framing_ == Framing::until_end) return {input.size(), input};
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  left_ -= taken;
  if (left_ == 0) {
    if (framing_ == Framing::chunked) {
      place_ = Place::content_return;
    } else {
      state_ = State::complete;
    }
  }
  return {taken, input.first(taken)};
}

void BodyReader::on_end() {
  if (state_ != State::incomplete) return;
  if (framing_ != Framing::until_end) return fail(BodyFlaw::cut_off);
  state_ = State::complete;
}

void BodyReader::on_chunk_byte(std::uint8_t byte) {
  switch (place_) {
    case Place::length:
    case Place::extension:
      return on_length_byte(byte);
    case Place::line_feed:
      return byte == kFeed ? on_chunk_line_end() : fail(BodyFlaw::chunk_line);
    case Place::content:
      return;  // taken as a whole
    case Place::content_return:
      if (byte != kReturn) return fail(BodyFlaw::chunk_end);
      place_ = Place::content_feed;
      return;
    case Place::content_feed:
      if (byte != kFeed) return fail(BodyFlaw::chunk_end);
      place_ = Place::length;
      left_ = 0;
      line_bytes_ = 0;
      return;
    default:
      return on_trailer_byte(byte);
  }
}

/// The length, and behind it, after white space or a semicolon, what we pass over.
void BodyReader::on_length_byte(std::uint8_t byte) {
  if (++line_bytes_ > limits_.chunk_line_bytes_max) return fail(BodyFlaw::chunk_line);
  const bool has_length = line_bytes_ > 1;
  if (byte == kReturn && has_length) {
    place_ = Place::line_feed;
  } else if (place_ == Place::extension) {
    if (byte == kReturn || byte == kFeed || byte == 0) fail(BodyFlaw::chunk_line);
  } else if (const unsigned value = digit(byte); value != kNoDigit) {
    if (left_ > kLengthMax) return fail(BodyFlaw::chunk_line);
    left_ = left_ << 4 | value;
  } else if (has_length && (byte == ';' || byte == ' ' || byte == '\t')) {
    place_ = Place::extension;
  } else {
    fail(BodyFlaw::chunk_line);
  }
}

void BodyReader::on_chunk_line_end() {
  place_ = left_ == 0 ? Place::trailer_begin : Place::content;
}

void BodyReader::on_trailer_byte(std::uint8_t byte) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max) return fail(BodyFlaw::trailer);
  const bool is_feed_awaited = place_ == Place::trailer_feed || place_ == Place::last_feed;
  if (is_feed_awaited != (byte == kFeed)) return fail(BodyFlaw::trailer);
  if (place_ == Place::last_feed) {
    state_ = State::complete;
  } else if (place_ == Place::trailer_feed) {
    place_ = Place::trailer_begin;
  } else if (byte == kReturn) {
    place_ = place_ == Place::trailer_begin ? Place::last_feed : Place::trailer_feed;
  } else {
    place_ = Place::trailer_line;
  }
}

void BodyReader::fail(BodyFlaw flaw) {
  state_ = State::flawed;
  flaw_ = flaw;
}

}  // namespace trestle::wire::http
