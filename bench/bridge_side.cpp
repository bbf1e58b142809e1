#include "bridge_side.hpp"

#include <algorithm>
#include <utility>

namespace trestle::bench {

using link::Channel;

BridgeSide::BridgeSide(const BridgeSideOptions& options, const link::LocalPeer& local,
                       crypto::Suite& suite, Rng rng)
    : options_(options),
      channels_(link::ConnectionOwner::node, local, suite, options.channels, rng.fork("channels")),
      desk_({.id = local.identity.id,
             .role = wire::Role::bridge,
             .address = local.address,
             .metadata = {}},
            options.desk, rng.fork("desk")) {}

void BridgeSide::start(Instant now) {
  for (std::uint64_t number = 1; number <= options_.members; ++number) {
    desk_.on_member_up(now, member(number));
  }
}

link::ConnectionId BridgeSide::on_accepted(Instant now, const link::Accepted& accepted) {
  return channels_.on_accepted(now, accepted);
}
void BridgeSide::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                          ByteSpan bytes) {
  channels_.on_frame(now, connection, kind, bytes);
}
void BridgeSide::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}
void BridgeSide::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                           std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
}
void BridgeSide::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           const wire::Signature& signature) {
  channels_.on_signed(now, connection, ticket, signature);
}
void BridgeSide::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                             bool valid) {
  channels_.on_verified(now, connection, ticket, valid);
}

Instant BridgeSide::next_deadline() const {
  return std::min({channels_.next_deadline(), desk_.next_deadline(), probes_.next()});
}

void BridgeSide::on_deadline(Instant now) {
  channels_.on_deadline(now);
  while (const auto number = probes_.pop_due(now)) {
    desk_.on_probe_result(now, member(*number).id, true);
  }
  desk_.on_deadline(now);
}

std::optional<node::Effect> BridgeSide::poll_effect(Instant now) {
  while (true) {
    if (pump_desk(now)) continue;
    auto effect = channels_.poll_effect();
    if (!effect) return std::nullopt;
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      return as_effect(std::move(*order));
    }
    on_news(now, std::move(std::get<link::ChannelSet::News>(*effect)));
  }
}

void BridgeSide::on_news(Instant now, link::ChannelSet::News&& news) {
  if (const auto* requested = std::get_if<Channel::Requested>(&news.news)) {
    if (const auto* introduce = std::get_if<wire::IntroduceRequest>(&requested->message)) {
      desk_.on_request(now, news.connection, requested->id, *introduce);
    }
  } else if (const auto* withdrawn = std::get_if<Channel::Withdrawn>(&news.news)) {
    desk_.on_cancelled(now, news.connection, withdrawn->id);
  } else if (std::holds_alternative<Channel::Closed>(news.news)) {
    desk_.on_source_closed(now, news.connection);
  }
}

bool BridgeSide::pump_desk(Instant now) {
  bool moved = false;
  while (auto effect = desk_.poll_effect()) {
    moved = true;
    if (auto* answer = std::get_if<bridge::Answer>(&*effect)) {
      channels_.respond(now, answer->source, answer->request_id, answer->message);
    } else if (const auto* asked = std::get_if<bridge::Probe>(&*effect)) {
      const auto number = static_cast<Deadlines::Slot>(asked->member.middle());
      probes_.set(number, after(now, options_.probe_answered_after));
    }
  }
  return moved;
}

}  // namespace trestle::bench
