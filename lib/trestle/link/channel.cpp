#include "trestle/link/channel.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::link {

using crypto::Side;

namespace {

/// Stands in for the id of a request that has none yet: the longest there is, so that its size is
/// not underestimated.
constexpr wire::RequestId kAnyRequestId{~std::uint64_t{0}};

/// What a library that knows nothing of us is told about a close.
CloseStatus status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
    case ErrorCode::idle:
      return CloseStatus::normal;
    case ErrorCode::shutting_down:
      return CloseStatus::going_away;
    case ErrorCode::protocol_error:
      return CloseStatus::protocol_error;
    case ErrorCode::too_large:
      return CloseStatus::too_large;
    case ErrorCode::version_mismatch:
      return CloseStatus::version_mismatch;
    default:
      return CloseStatus::refused;
  }
}

}  // namespace

Channel::Channel(ConnectionId id, Side side, const LocalPeer& local, crypto::Suite& suite,
                 const ChannelOptions& options, LegacyMode legacy, Rng rng, std::string dialled_url,
                 wire::Dialect dialect)
    : id_(id),
      side_(side),
      legacy_mode_(legacy),
      state_(State::dialling),
      options_(options),
      local_(local),
      handshake_(std::make_unique<Handshake>(side, local, suite, std::move(dialled_url))),
      multiplexer_(options.multiplexer),
      keepalive_(options.keepalive, rng.fork("keepalive")) {
  if (side == Side::dialler) peer_.dialect = dialect;
}

// ---- commands

Result<wire::RequestId, ErrorCode> Channel::request(Instant now, const wire::Message& message,
                                                    Instant deadline, Token token) {
  TRESTLE_ASSERT(token != kPingToken);
  if (state_ != State::open) return refuse(ErrorCode::connection_lost);
  if (speaks_legacy() && !LegacyDialect::has_word_for(message)) {
    return refuse(ErrorCode::unsupported);
  }
  const wire::native::RecordDraft draft(message, options_.limits);
  if (!draft.fits(kAnyRequestId)) return refuse(ErrorCode::too_large);
  // The last place is the ping's.
  if (in_flight() + 1 >= options_.multiplexer.in_flight_max) return refuse(ErrorCode::busy);
  const auto id = multiplexer_.open(now, message, deadline, token);
  TRESTLE_ASSERT(id.has_value());
  write(now, *id, message, draft);
  return *id;
}

void Channel::cancel(Instant now, wire::RequestId id) {
  if (!multiplexer_.cancel(id)) return;
  write(now, id, wire::Cancel{});
  pump(now);
}

bool Channel::respond(Instant now, wire::RequestId id, const wire::Message& answer) {
  if (state_ != State::open || !served_.erase(id)) return false;
  const wire::native::RecordDraft draft(answer, options_.limits);
  if (draft.fits(id)) {
    write(now, id, answer, draft);
  } else {
    write(now, id, wire::Failure{ErrorCode::too_large, 0, "the answer is over a size limit"});
  }
  return true;
}

bool Channel::notify(Instant now, const wire::Message& message) {
  if (state_ != State::open || speaks_legacy()) return false;
  const wire::native::RecordDraft draft(message, options_.limits);
  if (!draft.fits({})) return false;
  write(now, {}, message, draft);
  return true;
}

void Channel::send_text(Instant now, std::string text) {
  if (state_ == State::closed) return;
  send(now, FrameKind::text, to_bytes(as_bytes(text)));
}

void Channel::open_as_legacy(Instant now, const wire::Contact& peer) {
  if (state_ != State::closed) open_unpinged(now, peer);
}

void Channel::close(Instant now, ErrorCode code, std::string text, std::uint32_t retry_after_ms) {
  if (state_ == State::closed) return;
  const bool say_why = state_ != State::dialling && !speaks_legacy();
  if (say_why) say_goodbye(now, {code, retry_after_ms, text});
  close_with_status(now, status_of(code), code, std::move(text));
}

/// A stranger is told twice as much as it said at most, in no more frames than it sent (T11): of a
/// long sentence as much as there is room for, of none the status has to be enough.
void Channel::say_goodbye(Instant now, wire::Goodbye goodbye) {
  std::size_t text_bytes = std::min(goodbye.text.size(), options_.limits.text_bytes_max);
  if (is_stranger()) {
    constexpr std::size_t kLongerLengths = 2;  // of the record and of its text
    const std::size_t bare =
        wire::native::RecordDraft(wire::Goodbye{goodbye.code, goodbye.retry_after_ms, {}},
                                  options_.limits)
            .bytes({}) +
        kLongerLengths;
    const std::uint64_t said = stats_.bytes_out + batch_.size();
    const std::uint64_t may_be_said = 2 * stats_.bytes_in;
    const bool has_turn = !batch_.empty() || stats_.frames_out < stats_.frames_in;
    if (!has_turn || may_be_said < said + bare) return;
    text_bytes = std::min<std::uint64_t>(text_bytes, may_be_said - said - bare);
  }
  goodbye.text.resize(text_bytes);
  write(now, {}, goodbye);
  flush(now);
}

void Channel::close_with_status(Instant now, CloseStatus status, ErrorCode code,
                                std::string reason) {
  flush(now);  // may find that the peer does not read, and end the channel for that
  if (state_ == State::closed) return;
  order(CloseTransport{id_, status, reason});
  end(code, std::move(reason), false, static_cast<std::uint16_t>(status));
  pump(now);
}

// ---- inputs

void Channel::on_transport_open(Instant now) {
  if (state_ == State::closed) return;  // by the owner, who has not been told so far
  TRESTLE_ASSERT(state_ == State::dialling);
  state_ = State::opening;
  open_by_ = after(now, options_.open_within);
  if (side_ == Side::dialler && speaks_legacy() && handshake_->expected()) {
    met_another_ = true;
    return close(now, ErrorCode::unauthorized,
                 "node " + handshake_->expected()->to_hex() +
                     " is expected, and the old dialect proves no id");
  }
  if (side_ == Side::dialler && speaks_legacy() && legacy_mode_ == LegacyMode::clients) {
    open_unpinged(now, {{}, wire::Role::bootstrap, wire::Dialect::legacy, {}, {}});
    report<Opened>(peer_);
  } else if (side_ == Side::dialler && speaks_legacy()) {
    send_text(now, legacy().hello());
  } else if (side_ == Side::dialler) {
    handshake_->start();
  }
  pump(now);
}

void Channel::on_frame(Instant now, FrameKind kind, ByteSpan bytes) {
  if (state_ == State::closed) return;
  ++stats_.frames_in;
  stats_.bytes_in += bytes.size();
  keepalive_.on_heard(now);
  const bool decides = stats_.frames_in == 1 && side_ == Side::acceptor;
  if (kind == FrameKind::binary && !speaks_legacy()) {
    on_native_frame(now, bytes);
  } else if (kind == FrameKind::text && decides && legacy_mode_ == LegacyMode::refused) {
    close(now, ErrorCode::unsupported, "the old dialect is switched off here");
  } else if (kind == FrameKind::text && (decides || speaks_legacy())) {
    peer_.dialect = wire::Dialect::legacy;
    on_legacy_frame(now, as_text(bytes));
  } else {
    close(now, ErrorCode::protocol_error, "frames of both kinds on one connection");
  }
  pump(now);
}

void Channel::on_drained(Instant, std::size_t bytes) {
  unsent_bytes_ -= std::min(bytes, unsent_bytes_);
  if (unsent_bytes_ <= options_.unsent_soft_bytes_max) slow_until_ = kNever;
}

void Channel::on_transport_closed(Instant now, ErrorCode code, std::string_view reason,
                                  std::uint16_t status) {
  if (state_ == State::closed) return;
  end(code, std::string(reason), true, status);
  pump(now);
}

void Channel::on_signed(Instant now, Ticket ticket, const wire::Signature& signature) {
  if (state_ != State::opening || ticket != open_ticket_) return;
  handshake_->on_signed(signature);
  pump(now);
}

void Channel::on_verified(Instant now, Ticket ticket, bool valid) {
  if (state_ != State::opening || ticket != open_ticket_) return;
  handshake_->on_verified(valid);
  pump(now);
}

// ---- time

Instant Channel::next_deadline() const {
  if (state_ == State::closed) return kNever;
  return std::min(
      {open_by_, slow_until_, multiplexer_.next_deadline(), keepalive_.next_deadline()});
}

void Channel::on_deadline(Instant now) {
  if (state_ == State::closed) return;
  if (now >= open_by_) {
    close(now, ErrorCode::timeout, "the link was not opened in time");
    return;
  }
  if (now >= slow_until_) {
    cut_slow_reader();
    return;
  }
  multiplexer_.on_deadline(now);
  keepalive_.on_deadline(now);
  pump(now);
}

// ---- frames

void Channel::write(Instant now, wire::RequestId id, const wire::Message& message) {
  write(now, id, message, wire::native::RecordDraft(message, options_.limits));
}

void Channel::write(Instant now, wire::RequestId id, const wire::Message& message,
                    const wire::native::RecordDraft& draft) {
  if (speaks_legacy()) {
    if (auto text = legacy().write(now, id, message)) send_text(now, std::move(*text));
    return;
  }
  const std::size_t bytes = draft.bytes(id);
  if (!batch_.empty() && batch_.size() + bytes > options_.batch_bytes_max) {
    flush(now);
    if (state_ == State::closed) return;
  }
  if (batch_.empty()) batch_.reserve(std::max(bytes, last_batch_bytes_));
  draft.append_to(batch_, id);
}

void Channel::flush(Instant now) {
  if (batch_.empty()) return;
  last_batch_bytes_ = batch_.size();
  send(now, FrameKind::binary, std::exchange(batch_, {}));
}

void Channel::send(Instant now, FrameKind kind, Bytes bytes) {
  ++stats_.frames_out;
  stats_.bytes_out += bytes.size();
  unsent_bytes_ += bytes.size();
  order(SendFrame{id_, kind, std::move(bytes)});
  if (state_ == State::closed) return;
  if (unsent_bytes_ >
      (is_stranger() ? options_.unsent_bytes_max_before_open : options_.unsent_bytes_max)) {
    return cut_slow_reader();
  }
  if (unsent_bytes_ > options_.unsent_soft_bytes_max && slow_until_ == kNever) {
    slow_until_ = after(now, options_.unsent_soft_for);
  }
}

void Channel::cut_slow_reader() {
  order(CloseTransport{id_, CloseStatus::refused, "slow reader"});
  end(ErrorCode::slow_reader, "the peer does not read what it asked for", false,
      static_cast<std::uint16_t>(CloseStatus::refused));
}

void Channel::open(Instant now, const wire::Contact& peer) {
  peer_ = peer;
  state_ = State::open;
  handshake_.reset();
  open_by_ = kNever;
  opened_at_ = now;
  keepalive_.start(now, side_ == Side::dialler ? PingPart::leads : PingPart::follows);
  report<Opened>(peer_);
  if (local_.credentials) write(now, {}, *local_.credentials);
}

LegacyDialect& Channel::legacy() {
  if (!legacy_) legacy_ = std::make_unique<LegacyDialect>(local_);
  return *legacy_;
}

void Channel::open_unpinged(Instant now, const wire::Contact& peer) {
  peer_ = peer;
  peer_.dialect = wire::Dialect::legacy;
  state_ = State::open;
  handshake_.reset();
  open_by_ = kNever;
  opened_at_ = now;
}

void Channel::end(ErrorCode code, std::string text, bool by_peer, std::uint16_t status) {
  state_ = State::closed;
  handshake_.reset();
  open_by_ = kNever;
  slow_until_ = kNever;
  batch_.clear();
  served_.clear();
  keepalive_.stop();
  // That it had no use or no room for the link says nothing against a peer which our question
  // crossed.
  const bool is_lost = by_peer && code != ErrorCode::idle && code != ErrorCode::busy;
  multiplexer_.close(is_lost ? ErrorCode::connection_lost : code);
  while (const auto failed = multiplexer_.poll_effect()) {
    if (failed->token != kPingToken) report<RequestFailed>(failed->token, failed->code);
  }
  report<Closed>(code, std::move(text), by_peer, status);
}

// ---- children

void Channel::pump(Instant now) {
  pump_handshake(now);
  pump_requests(now);
  pump_keepalive(now);
}

void Channel::pump_handshake(Instant now) {
  while (state_ == State::opening) {
    auto effect = handshake_->poll_effect();
    if (!effect) return;
    if (auto* send_order = std::get_if<Handshake::Send>(&*effect)) {
      write(now, {}, send_order->message);
    } else if (auto* sign = std::get_if<Handshake::SignTranscript>(&*effect)) {
      ++open_ticket_.value;
      order(Sign{id_, open_ticket_, std::move(sign->message)});
    } else if (auto* verify = std::get_if<Handshake::VerifyTranscript>(&*effect)) {
      ++open_ticket_.value;
      order(Verify{id_, open_ticket_, verify->key, std::move(verify->message), verify->signature});
    } else if (auto* completed = std::get_if<Handshake::Completed>(&*effect)) {
      open(now, completed->peer);
    } else if (auto* refused = std::get_if<Handshake::Refused>(&*effect)) {
      met_another_ = refused->is_unexpected;
      close(now, refused->code, std::move(refused->text));
    }
  }
}

void Channel::pump_requests(Instant now) {
  while (const auto failed = multiplexer_.poll_effect()) {
    if (failed->token != kPingToken) {
      // Reported first: writing may end the channel, and nothing is reported after `Closed`.
      report<RequestFailed>(failed->token, failed->code);
      // The peer need not work on what nobody waits for any more.
      if (failed->code != ErrorCode::timeout) continue;
      write(now, failed->id, wire::Cancel{});
      keepalive_.on_unanswered(now, failed->opened_at);
    } else if (failed->code == ErrorCode::timeout) {
      keepalive_.on_miss(now);
    }
  }
}

void Channel::pump_keepalive(Instant now) {
  while (const auto effect = keepalive_.poll_effect()) {
    if (state_ != State::open) continue;
    switch (*effect) {
      case Keepalive::Effect::send_ping: {
        const Instant deadline = after(now, keepalive_.answer_within());
        // `request` keeps one place free for it: a dead link with a full table is found as well.
        const auto pinged = multiplexer_.open(now, wire::Ping{}, deadline, kPingToken);
        TRESTLE_ASSERT(pinged.has_value());
        write(now, *pinged, wire::Ping{});
        break;
      }
      case Keepalive::Effect::became_unhealthy:
        report<HealthChanged>(false);
        break;
      case Keepalive::Effect::became_healthy:
        report<HealthChanged>(true);
        break;
      case Keepalive::Effect::died:
        close(now, ErrorCode::timeout, "pings were not answered");
        return;
    }
  }
}

std::optional<Channel::Effect> Channel::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::link
