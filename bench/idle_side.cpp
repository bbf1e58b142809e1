#include "idle_side.hpp"

#include <utility>

namespace trestle::bench {
namespace {

/// Dials under way at a time: below what an acceptor takes of unopened links.
constexpr std::size_t kDialsAtOnce = 64;

}  // namespace

IdleSide::IdleSide(std::string url, std::size_t wanted, const link::LocalPeer& local,
                   crypto::Suite& suite, Rng rng)
    : url_(std::move(url)),
      wanted_(wanted),
      channels_(link::ConnectionOwner::node, local, suite, {}, rng) {}

void IdleSide::dial_more(Instant now) {
  while (dialled_ < wanted_ && dialled_ - open_ - lost_ < kDialsAtOnce) {
    ++dialled_;
    channels_.dial(now, url_);
  }
}

void IdleSide::on_dialled(Instant now, link::ConnectionId connection) {
  channels_.on_dialled(now, connection);
}
void IdleSide::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                              std::string_view reason) {
  channels_.on_dial_failed(now, connection, code, reason);
}
void IdleSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                        ByteSpan bytes) {
  channels_.on_frame(now, connection, kind, bytes);
}
void IdleSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}
void IdleSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                         std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
}
void IdleSide::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                         const wire::Signature& signature) {
  channels_.on_signed(now, connection, ticket, signature);
}
void IdleSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           bool valid) {
  channels_.on_verified(now, connection, ticket, valid);
}

std::optional<node::Effect> IdleSide::poll_effect(Instant now) {
  while (auto effect = channels_.poll_effect()) {
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      return as_effect(std::move(*order));
    }
    const auto& news = std::get<link::ChannelSet::News>(*effect);
    if (std::holds_alternative<link::Channel::Opened>(news.news)) ++open_;
    if (std::holds_alternative<link::Channel::Closed>(news.news)) ++lost_;
    dial_more(now);
  }
  return std::nullopt;
}

}  // namespace trestle::bench
