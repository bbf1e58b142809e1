// Requests of other peers: each is answered at once, once.
#include <utility>

#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht {
namespace {

wire::Failure failure(ErrorCode code, const char* sentence) {
  return {.code = code, .retry_after_ms = 0, .text = sentence};
}

const char* sentence_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::store_full:
      return "The store or your share of it is full; store elsewhere or let records expire.";
    case ErrorCode::too_large:
      return "The value is larger than this node keeps; split it.";
    default:
      return "The key is empty or too long.";
  }
}

constexpr const char* kDataRefused =
    "This node is a bridge: it keeps and serves no data. Ask a node.";

}  // namespace

void Dht::on_request(Instant now, const NodeId& from, RequestToken token,
                     const wire::Message& request) {
  ++stats_.requests;
  table_.on_seen(now, from);
  outbox_.push(Respond{.token = token, .message = serve(now, from, request)});
}

wire::Message Dht::serve(Instant now, const NodeId& from, const wire::Message& request) {
  if (!open_) return failure(ErrorCode::shutting_down, "This node is shutting down.");
  if (const auto* find_node = std::get_if<wire::FindNodeRequest>(&request)) {
    return wire::FindNodeResponse{contacts_for(from, find_node->target)};
  }
  if (const auto* find_value = std::get_if<wire::FindValueRequest>(&request)) {
    return serve_find_value(now, from, *find_value);
  }
  if (const auto* store = std::get_if<wire::StoreRequest>(&request)) {
    return serve_store(now, from, *store);
  }
  ++stats_.requests_senseless;
  return failure(ErrorCode::invalid_request,
                 "Only find_node, find_value and store are DHT requests.");
}

wire::Message Dht::serve_find_value(Instant now, const NodeId& from,
                                    const wire::FindValueRequest& request) {
  if (options_.data == DataPolicy::refuses_data) {
    ++stats_.data_refused;
    return failure(ErrorCode::data_refused, kDataRefused);
  }
  if (request.key.empty() || request.key.size() > options_.records.key_bytes_max) {
    ++stats_.requests_senseless;
    return failure(ErrorCode::invalid_request, sentence_for(ErrorCode::invalid_request));
  }
  wire::FindValueResponse response;
  if (auto record = records_.find(now, request.key)) {
    response.found = true;
    response.record = std::move(*record);
    return response;
  }
  response.contacts = contacts_for(from, crypto::place_of_key(*suite_, request.key));
  return response;
}

wire::Message Dht::serve_store(Instant now, const NodeId& from, const wire::StoreRequest& request) {
  if (options_.data == DataPolicy::refuses_data) {
    ++stats_.data_refused;
    return failure(ErrorCode::data_refused, kDataRefused);
  }
  const auto kept = records_.put(now, from, request.record);
  if (kept) {
    ++stats_.stores_accepted;
    return wire::StoreResponse{};
  }
  ++stats_.stores_refused;
  return failure(kept.error(), sentence_for(kept.error()));
}

/// Peers of the table only: what we hand out has shown itself to us (T9). A peer without an address
/// is named only while we are linked to it, which the table sees to (X25).
wire::Contacts Dht::contacts_for(const NodeId& asker, const NodeId& target) const {
  const Selection selection{.reach = Reach::usable, .excluding = asker};
  return table_.closest_contacts(target, options_.contacts_per_answer_max, selection);
}

}  // namespace trestle::dht
