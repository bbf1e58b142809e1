#include "trestle/wire/websocket/connection.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::wire::websocket {
namespace {

Opcode opcode_of(MessageKind kind, Part part) {
  if (part == Part::middle || part == Part::last) return Opcode::continuation;
  return kind == MessageKind::text ? Opcode::text : Opcode::binary;
}

}  // namespace

Connection::Connection(Role peer, const ConnectionOptions& options, MaskSource* masks)
    : options_(options),
      masks_(masks),
      reader_(peer, options.reader),
      output_(options.output_bytes_max) {}

// ---- commands

Result<void, SendRefusal> Connection::send(MessageKind kind, ByteSpan payload, Part part) {
  if (phase_ != Phase::open) return refuse(SendRefusal::closed);
  TRESTLE_ASSERT(is_sending_parts_ == (part == Part::middle || part == Part::last));
  const bool is_final = part == Part::whole || part == Part::last;
  if (!output_.append(opcode_of(kind, part), is_final, payload, masks_)) {
    return refuse(SendRefusal::full);
  }
  is_sending_parts_ = !is_final;
  if (is_final) ++stats_.messages_sent_total;
  stats_.message_bytes_sent_total += payload.size();
  return {};
}

Result<void, SendRefusal> Connection::ping(ByteSpan payload) {
  TRESTLE_ASSERT(payload.size() <= kControlPayloadBytesMax);
  if (phase_ != Phase::open) return refuse(SendRefusal::closed);
  if (!output_.append(Opcode::ping, true, payload, masks_)) return refuse(SendRefusal::full);
  return {};
}

void Connection::close(Instant now, std::uint16_t status, std::string_view reason) {
  if (phase_ != Phase::open) return;
  send_close({status, reason});
  phase_ = Phase::closing;
  deadline_ = after(now, options_.close_within);
}

// ---- inputs

void Connection::on_bytes(Instant now, std::span<std::uint8_t> input) {
  now_ = now;
  if (phase_ == Phase::open || phase_ == Phase::closing) reader_.on_bytes(now, input);
}

void Connection::on_end() {
  if (phase_ == Phase::open || phase_ == Phase::closing) {
    end({EndedBy::transport, kAbnormalClosure, "the transport ended without a close", {}});
  }
  must_hang_up_ = true;
}

void Connection::on_written(std::size_t bytes) {
  output_.consume(bytes);
  if (!owed_pong_bytes_ || phase_ != Phase::open) return;
  const ByteSpan payload = ByteSpan(owed_pong_).first(*owed_pong_bytes_);
  if (output_.append(Opcode::pong, true, payload, masks_)) owed_pong_bytes_.reset();
}

// ---- time, drain

void Connection::on_deadline(Instant now) {
  if (now < deadline_) return;
  if (phase_ == Phase::closing)
    end({EndedBy::transport, kAbnormalClosure, "the close was not answered", {}});
  must_hang_up_ = true;
  deadline_ = kNever;
}

std::optional<Effect> Connection::poll_effect() {
  while (true) {
    if (closed_) return *std::exchange(closed_, std::nullopt);
    if (phase_ == Phase::over) return std::nullopt;
    if (must_hang_up_) {
      phase_ = Phase::over;
      deadline_ = kNever;
      return HangUp{};
    }
    if (phase_ == Phase::closed) return std::nullopt;
    const auto arrival = reader_.next();
    if (!arrival) return std::nullopt;
    if (auto effect = on_arrival(*arrival)) return effect;
  }
}

std::optional<Effect> Connection::on_arrival(const Arrival& arrival) {
  if (const auto* message = std::get_if<MessageArrived>(&arrival)) return on_message(*message);
  if (const auto* close = std::get_if<CloseArrived>(&arrival)) {
    on_peer_closed(close->notice);
    return std::nullopt;
  }
  if (const auto* failed = std::get_if<ReadingFailed>(&arrival)) {
    on_flaw(failed->flaw);
    return std::nullopt;
  }
  ++stats_.controls_received_total;
  if (const auto* ping = std::get_if<PingArrived>(&arrival)) {
    answer_ping(ping->payload);
    return std::nullopt;
  }
  if (phase_ != Phase::open) return std::nullopt;
  return std::get<PongArrived>(arrival);
}

std::optional<Effect> Connection::on_message(const MessageArrived& message) {
  if (phase_ != Phase::open) {
    ++stats_.messages_discarded_total;
    return std::nullopt;
  }
  ++stats_.messages_received_total;
  stats_.message_bytes_received_total += message.payload.size();
  return message;
}

void Connection::answer_ping(ByteSpan payload) {
  if (phase_ != Phase::open) return;
  if (output_.append(Opcode::pong, true, payload, masks_)) {
    owed_pong_bytes_.reset();
    return;
  }
  std::copy(payload.begin(), payload.end(), owed_pong_.begin());
  owed_pong_bytes_ = static_cast<std::uint8_t>(payload.size());
}

void Connection::on_peer_closed(const CloseNotice& notice) {
  const bool is_answer = phase_ == Phase::closing;
  // 5.5.1: the answer usually echoes the status. The reason was the peer's own.
  if (!is_answer) send_close({notice.status, {}});
  end({is_answer ? EndedBy::us : EndedBy::peer, notice.status, notice.reason, {}});
  if (!is_client()) return;
  // 7.1.1: the server ends the transport. We wait for it a while.
  must_hang_up_ = false;
  deadline_ = after(now_, options_.close_within);
}

void Connection::on_flaw(Flaw flaw) {
  if (phase_ == Phase::open) send_close({status_of(flaw), sentence(flaw)});
  end({EndedBy::flaw, status_of(flaw), sentence(flaw), flaw});
}

void Connection::send_close(const CloseNotice& notice) {
  std::array<std::uint8_t, kControlPayloadBytesMax> payload{};
  const std::size_t bytes = write_close(notice, payload);
  const bool is_appended =
      output_.append(Opcode::close, true, ByteSpan(payload).first(bytes), masks_, Room::beyond);
  TRESTLE_ASSERT(is_appended);
  owed_pong_bytes_.reset();
}

void Connection::end(const Closed& closed) {
  closed_ = closed;
  phase_ = Phase::closed;
  must_hang_up_ = true;
  deadline_ = kNever;
}

void Connection::release_storage() {
  reader_.release_storage();
  output_.release_storage();
}

}  // namespace trestle::wire::websocket
