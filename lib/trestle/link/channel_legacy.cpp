// The part of a channel that reads text frames of the old dialect.

#include <utility>

#include "trestle/link/channel.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle::link {

void Channel::on_legacy_frame(Instant now, std::string_view text) {
  wire::legacy::Limits limits = options_.legacy_limits;
  if (state_ != State::open) limits.json.bytes_max = options_.frame_bytes_max_before_open;
  auto frame = wire::legacy::decode(text, limits);
  if (!frame) {
    ++stats_.legacy_refused;
    if (legacy_mode_ == LegacyMode::clients) return report<LegacyRefused>(frame.error());
    // After the hello nonsense is dropped and counted, as the JavaScript peers do; before it there
    // is nobody to keep.
    if (state_ == State::opening) {
      close_with_status(now, CloseStatus::protocol_error, ErrorCode::protocol_error,
                        "Invalid handshake format");
    }
    return;
  }
  if (legacy_mode_ == LegacyMode::clients)
    return report<LegacyReceived>(wire::legacy::box(std::move(*frame)));
  auto reading = legacy().read(wire::legacy::box(std::move(*frame)));
  if (const auto* introduced = std::get_if<LegacyDialect::Introduced>(&reading)) {
    on_legacy_introduction(now, *introduced);
  } else if (const auto* bootstrap = std::get_if<LegacyDialect::BootstrapShown>(&reading)) {
    on_legacy_bootstrap(now, bootstrap->shows_secret);
  } else if (state_ != State::open) {
    close_with_status(now, CloseStatus::protocol_error, ErrorCode::protocol_error,
                      "Invalid handshake");
  } else if (auto* envelope = std::get_if<wire::Envelope>(&reading)) {
    on_record(now, std::move(*envelope));
  } else {
    report<LegacyReceived>(std::move(std::get<wire::legacy::FrameBox>(reading)));
  }
}

/// Closes with another status than 1000 where it refuses: on 1000 a JavaScript dialler waits for
/// its own timer (section 4.1).
void Channel::on_legacy_introduction(Instant now, const LegacyDialect::Introduced& introduced) {
  const bool is_expected = introduced.is_hello == (side_ == crypto::Side::acceptor);
  if (state_ == State::open || !is_expected) {
    return close_with_status(now, CloseStatus::protocol_error, ErrorCode::protocol_error,
                             "Invalid handshake");
  }
  if (introduced.peer.id == local_.identity.id) {
    return close_with_status(now, CloseStatus::refused, ErrorCode::duplicate_connection,
                             "that id is ours");
  }
  wire::Contact peer = introduced.peer;
  peer.dialect = wire::Dialect::legacy;
  if (introduced.is_hello) send_text(now, legacy().connected(now));
  open(now, peer);
}

/// A bootstrap node of the old system connects to this bridge (section 5.2). Its pings are
/// WebSocket's, it answers none of ours, and it leaves after five idle minutes.
void Channel::on_legacy_bootstrap(Instant now, bool shows_secret) {
  if (state_ == State::open || side_ != crypto::Side::acceptor) {
    return close_with_status(now, CloseStatus::protocol_error, ErrorCode::protocol_error,
                             "Invalid handshake");
  }
  if (!shows_secret) {
    return close_with_status(now, CloseStatus::normal, ErrorCode::unauthorized,
                             "Unauthorized - invalid bridge auth token");
  }
  send_text(now, legacy().bootstrap_accepted(now));
  open_unpinged(now, {{}, wire::Role::bootstrap, wire::Dialect::legacy, {}, {}});
  report<Opened>(peer_);
}

}  // namespace trestle::link
