// The part of a channel that reads native frames: which record means what, in which state.

#include <utility>

#include "trestle/link/channel.hpp"

namespace trestle::link {
namespace {

/// What is said without being asked, once the link is open.
bool is_news(const wire::Message& message) {
  return std::holds_alternative<wire::Announce>(message) ||
         std::holds_alternative<wire::Credentials>(message) ||
         std::holds_alternative<wire::Certify>(message) ||
         std::holds_alternative<wire::Revocations>(message);
}

}  // namespace

void Channel::on_native_frame(Instant now, ByteSpan bytes) {
  wire::native::Limits limits = options_.limits;
  if (state_ != State::open) limits.frame_bytes_max = options_.frame_bytes_max_before_open;
  if (bytes.size() > limits.frame_bytes_max) {
    return close(now, ErrorCode::too_large, "frame over the size limit");
  }
  wire::native::FrameReader reader(bytes, limits);
  while (state_ != State::closed) {
    auto record = reader.next();
    if (!record) {
      const bool oversized = record.error() == wire::native::DecodeError::oversized;
      return close(now, oversized ? ErrorCode::too_large : ErrorCode::protocol_error,
                   std::string(wire::native::name(record.error())));
    }
    if (!record->has_value()) break;
    on_record(now, std::move(**record));
  }
  stats_.unknown_records += reader.unknown_records();
}

void Channel::on_record(Instant now, wire::Envelope&& envelope) {
  if (const auto* goodbye = std::get_if<wire::Goodbye>(&envelope.message))
    return on_goodbye(*goodbye);
  if (state_ == State::opening) {
    handshake_->on_message(envelope.message);
    return pump_handshake(now);
  }
  if (wire::is_request(envelope.message)) return on_request(now, std::move(envelope));
  if (wire::is_answer(envelope.message)) return on_answer(now, std::move(envelope));
  if (std::holds_alternative<wire::Cancel>(envelope.message)) {
    return on_withdrawn(now, envelope.request_id);
  }
  if (is_news(envelope.message)) {
    return report<Notified>(std::move(envelope.message));
  }
  close(now, ErrorCode::protocol_error, "the link is open already");
}

void Channel::on_request(Instant now, wire::Envelope&& envelope) {
  if (envelope.request_id.value == 0) {
    return close(now, ErrorCode::protocol_error, "a request without an id");
  }
  if (std::holds_alternative<wire::Ping>(envelope.message)) {
    return write(now, envelope.request_id, wire::Pong{});
  }
  if (served_.contains(envelope.request_id)) {
    // Not an answer to the first one: that still comes, under the same id.
    return close(now, ErrorCode::protocol_error, "a request id was used twice");
  }
  if (served_.size() >= options_.served_max) {
    ++stats_.busy_answers;
    return write(now, envelope.request_id,
                 wire::Failure{ErrorCode::busy, 1000, "too many open requests"});
  }
  served_.insert(envelope.request_id, envelope.message.index());
  report<Requested>(envelope.request_id, std::move(envelope.message));
}

void Channel::on_withdrawn(Instant now, wire::RequestId id) {
  if (!served_.erase(id)) return;
  report<Withdrawn>(id);
  if (peer_.role == wire::Role::bootstrap) return;
  if (now > after(withdrawals_since_, options_.withdrawals_within)) {
    withdrawals_since_ = now;
    withdrawals_ = 0;
  }
  if (++withdrawals_ > options_.withdrawals_max) {
    close(now, ErrorCode::rate_limited, "too many requests were withdrawn");
  }
}

void Channel::on_answer(Instant now, wire::Envelope&& envelope) {
  const auto matched = multiplexer_.on_answer(now, envelope.request_id, envelope.message);
  if (!matched) return;
  if (matched->token == kPingToken) {
    keepalive_.on_pong(now, matched->round_trip);
  } else if (matched->fits) {
    report<Answered>(matched->token, std::move(envelope.message), matched->round_trip);
  } else {
    report<RequestFailed>(matched->token, ErrorCode::protocol_error);
  }
}

void Channel::on_goodbye(const wire::Goodbye& goodbye) {
  order(CloseTransport{id_, CloseStatus::normal, "goodbye"});
  end(goodbye.code, goodbye.text, true, static_cast<std::uint16_t>(CloseStatus::normal));
}

}  // namespace trestle::link
