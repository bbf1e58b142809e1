// Requests that peers of the old dialect have carried to somebody they are not linked to (protocol
// of the old dialect, section 4.4). A JavaScript peer drops what is not for itself; we hand it on.
//
// None is ever sent through a JavaScript peer: it passes nothing on unless told the whole route,
// and then the answer, which has none, is dropped on its way back.

#include <algorithm>
#include <utility>

#include "trestle/node/member/carrier.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

namespace {

/// What JavaScript peers write into their envelopes.
constexpr std::int64_t kLegacyHops = 3;

}  // namespace

/// The asker stands on the link on which the envelope came; the source that it names is believed
/// for nothing but the answer's address.
void Carrier::on_overlay(Instant now, link::ConnectionId connection, const NodeId& from,
                         const legacy::OverlayRoutedMessage& envelope) {
  auto inside = legacy::decode(envelope.payload.json);
  auto* request = inside ? std::get_if<legacy::RoutedDhtRequest>(&*inside) : nullptr;
  if (request == nullptr || request->destination != envelope.destination ||
      request->source != envelope.source) {
    ++stats_.requests;
    ++stats_.refused;
    return;
  }
  auto question = legacy::decode(request->payload.json);
  const bool known = question && (std::holds_alternative<legacy::FindNode>(*question) ||
                                  std::holds_alternative<legacy::FindValue>(*question) ||
                                  std::holds_alternative<legacy::Ping>(*question));
  // The old dialect has no word for a refusal, and its peers wait only three seconds.
  if (!known || refusal(now, envelope.source, from)) {
    if (!known) ++stats_.requests;
    if (!known) ++stats_.refused;
    return;
  }
  auto reading = dialect_.read(legacy::box(std::move(*question)));
  auto& asked = std::get<wire::Envelope>(reading);
  const Carried carried{.kind = Kind::overlay,
                        .connection = connection,
                        .id = {},
                        .inner_id = asked.request_id,
                        .destination = envelope.destination,
                        .origin = envelope.source,
                        .text_id = std::move(request->request_id)};
  if (envelope.destination == dht_->self().id) {
    ++stats_.served;
    if (std::holds_alternative<wire::Ping>(asked.message)) {
      return bring_back(now, carried, wire::Pong{});
    }
    return bring_back(now, carried, dht_->serve_carried(now, envelope.source, asked.message));
  }
  const auto onward = way(envelope.destination, from, envelope.source);
  const auto ttl = std::clamp<std::int64_t>(envelope.ttl, 0, options_.hops_max);
  if (ttl == 0 || !onward) {
    ++stats_.dead_ends;
    return bring_back(now, carried, wire::Failure{ErrorCode::unreachable, 0, ""});
  }
  carry_on(now, carried, *onward, std::move(asked), static_cast<std::uint32_t>(ttl) - 1);
}

/// Wrapped even for a source that is linked to us: a JavaScript requester drops the bare form. A
/// failure comes out as an answer with nobody in it, which spares the requester its timeout.
void Carrier::bring_back_overlay(Instant now, const Carried& carried, const wire::Message& answer) {
  const auto text = dialect_.write(now, carried.inner_id, answer);
  if (!text) return;
  const std::int64_t time = local_->wall_clock.at(now).time_since_epoch().count();
  const std::string from = dht_->self().id.to_hex();
  const legacy::RoutedDhtResponse response{.request_id = carried.text_id,
                                           .source = carried.destination,
                                           .destination = carried.origin,
                                           .payload = {*text},
                                           .timestamp = time,
                                           .from = from};
  legacy::OverlayRoutedMessage envelope;
  envelope.message_id = "overlay_" + dht_->self().id.to_short_hex() + "_" + std::to_string(time) +
                        "_" + std::to_string(++last_message_);
  envelope.source = carried.destination;
  envelope.destination = carried.origin;
  envelope.route.emplace();
  envelope.payload = {legacy::encode(response)};
  envelope.ttl = kLegacyHops;
  envelope.timestamp = time;
  envelope.from = from;
  outbox_.push(CarryText{carried.connection, legacy::encode(envelope)});
}

}  // namespace trestle::node
