// Requests of other peers: each is answered once, all but stores at once.
#include <utility>

#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/dht/refusal.hpp"

namespace trestle::dht {

void Dht::on_request(Instant now, const NodeId& from, RequestToken token,
                     const wire::Message& request) {
  ++counters_.requests;
  table_.on_seen(now, from);
  if (auto refusal = refusal_of_rate(now, from, request)) {
    outbox_.push(Respond{.token = token, .message = std::move(*refusal)});
    return;
  }
  outbox_.push(Respond{.token = token, .message = serve(now, from, request)});
  pump_desk(now);
  pump_upkeep(now);
}

wire::Message Dht::serve(Instant now, const NodeId& from, const wire::Message& request) {
  if (!open_) return refusal_with(ErrorCode::shutting_down);
  if (const auto* find_node = std::get_if<wire::FindNodeRequest>(&request)) {
    return wire::FindNodeResponse{contacts_for(from, find_node->target)};
  }
  if (const auto* find_value = std::get_if<wire::FindValueRequest>(&request)) {
    return serve_find_value(now, from, *find_value);
  }
  if (const auto* offer = std::get_if<wire::ReplicaOffer>(&request)) {
    return serve_offer(now, from, *offer);
  }
  if (options_.data == DataPolicy::refuses_data &&
      std::holds_alternative<wire::StoreRequest>(request)) {
    ++counters_.data_refused;
    return refusal_with(ErrorCode::data_refused);
  }
  ++counters_.requests_senseless;
  return wire::Failure{
      .code = ErrorCode::invalid_request,
      .retry_after_ms = 0,
      .text = "Only find_node, find_value, store and replica_offer are DHT requests."};
}

wire::Message Dht::serve_find_value(Instant now, const NodeId& from,
                                    const wire::FindValueRequest& request) {
  if (options_.data == DataPolicy::refuses_data) {
    ++counters_.data_refused;
    return refusal_with(ErrorCode::data_refused);
  }
  if (request.key.empty() || request.key.size() > options_.records.key_bytes_max) {
    ++counters_.requests_senseless;
    return refusal_with(ErrorCode::invalid_request);
  }
  wire::FindValueResponse response;
  const Replica* kept = records().find(now, request.key);
  // The old dialect has no word for a deleted value, and cannot open a sealed one.
  const bool is_hidden = kept != nullptr && kept->record.kind != wire::RecordKind::value &&
                         dialect_of(from) == wire::Dialect::legacy;
  if (kept != nullptr && !is_hidden) {
    response.found = true;
    response.record = kept->told(now);
    return response;
  }
  response.contacts = contacts_for(from, crypto::place_of_key(*suite_, request.key));
  return response;
}

void Dht::on_store(Instant now, const NodeId& from, RequestToken token,
                   const crypto::VerifiedRecord& record) {
  ++counters_.requests;
  table_.on_seen(now, from);
  if (!open_ || options_.data == DataPolicy::refuses_data) {
    if (open_) ++counters_.data_refused;
    const ErrorCode code = open_ ? ErrorCode::data_refused : ErrorCode::shutting_down;
    return outbox_.push(Respond{token, refusal_with(code)});
  }
  if (auto refusal = refusal_of_rate(now, from, wire::StoreRequest{})) {
    return outbox_.push(Respond{token, std::move(*refusal)});
  }
  desk_.store(now, token, from, dialect_of(from), record);
  note_delivery(now, record->key, from);
  pump_desk(now);
}

wire::Dialect Dht::dialect_of(const NodeId& peer) const {
  const wire::Contact* linked = links_.find(peer);
  return linked != nullptr ? linked->dialect : wire::Dialect::unknown;
}

/// Peers of the table only: what we hand out has shown itself to us (T9). A peer without an address
/// is named only while we are linked to it, which the table sees to (X25). Who failed even once is
/// named only where there are hardly others: an answer has a bounded number of places, and where
/// members come and go all the time one that is dead takes that of a living one, at all of its
/// neighbours alike.
wire::Contacts Dht::contacts_for(const NodeId& asker, const NodeId& target) const {
  const std::size_t most = options_.contacts_per_answer_max;
  auto sound = table_.closest_contacts(target, most, {.reach = Reach::sound, .excluding = asker});
  if (sound.size() == most) return sound;
  return table_.closest_contacts(target, most, {.reach = Reach::usable, .excluding = asker});
}

wire::Message Dht::serve_carried(Instant now, const NodeId& origin, const wire::Message& request) {
  ++counters_.requests;
  const bool asks = std::holds_alternative<wire::FindNodeRequest>(request) ||
                    std::holds_alternative<wire::FindValueRequest>(request);
  // No sign of life of the origin: whoever carried the question may have made it up.
  if (asks) return serve(now, origin, request);
  ++counters_.requests_senseless;
  return wire::Failure{.code = ErrorCode::unsupported,
                       .retry_after_ms = 0,
                       .text = "Only find_node and find_value are carried for others."};
}

}  // namespace trestle::dht
