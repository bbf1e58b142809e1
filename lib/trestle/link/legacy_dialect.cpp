#include "trestle/link/legacy_dialect.hpp"

#include <charconv>
#include <utility>

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/link/legacy_values.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::link {

namespace legacy = wire::legacy;

namespace {

/// A value of a JavaScript node lives 24 h unless it says otherwise (protocol of the old dialect,
/// section 2).
constexpr std::uint64_t kLegacyTtlMs = 24ull * 60 * 60 * 1000;

wire::Contacts contacts_of(const std::vector<legacy::FoundNode>& nodes) {
  wire::Contacts contacts;
  contacts.reserve(nodes.size());
  for (const legacy::FoundNode& node : nodes) {
    contacts.push_back(legacy::to_contact(node.id, node.metadata));
  }
  return contacts;
}

legacy::RawJson own_metadata(const LocalPeer& local) {
  return legacy::describe({.role = local.role,
                           .address = local.address,
                           .start_time_ms = local.started_at.time_since_epoch().count(),
                           .membership_token = {}});
}

}  // namespace

// ---- opening

std::string LegacyDialect::hello() const {
  return legacy::encode(legacy::DhtPeerHello{local_.identity.id, own_metadata(local_)});
}

std::string LegacyDialect::connected(Instant now) const {
  return legacy::encode(
      legacy::DhtPeerConnected{local_.identity.id, true, wall_ms(now), own_metadata(local_)});
}

std::string LegacyDialect::bootstrap_accepted(Instant now) const {
  legacy::AuthSuccess success;
  success.bridge_node_id = local_.identity.id;
  if (!local_.address.empty()) {
    success.listening_address = local_.address;
    success.public_wss_address = local_.address;
  }
  success.from = local_.identity.id.to_hex();
  success.timestamp = wall_ms(now);
  return legacy::encode(success);
}

/// An empty secret is nobody's: a bridge without one serves no bootstrap node of the old dialect.
bool LegacyDialect::is_shared_secret(std::string_view token) const {
  return !local_.legacy_bridge_secret.empty() &&
         crypto::equal_in_constant_time(as_bytes(token), local_.legacy_bridge_secret);
}

// ---- reading

LegacyDialect::Reading LegacyDialect::read(legacy::FrameBox&& box) {
  legacy::Frame& frame = box->frame;
  if (auto* hello_frame = std::get_if<legacy::DhtPeerHello>(&frame)) {
    return Introduced{legacy::to_contact(hello_frame->peer_id, hello_frame->metadata), true};
  }
  if (auto* connected_frame = std::get_if<legacy::DhtPeerConnected>(&frame)) {
    return Introduced{
        legacy::to_contact(connected_frame->bridge_node_id, connected_frame->metadata), false};
  }
  if (const auto* shown = std::get_if<legacy::BootstrapAuth>(&frame)) {
    return BootstrapShown{local_.role == wire::Role::bridge && is_shared_secret(shown->auth_token)};
  }
  if (auto* ping = std::get_if<legacy::Ping>(&frame)) {
    const wire::Message message = wire::Ping{};
    return wire::Envelope{open(std::move(ping->request_id), ping->timestamp, message), message};
  }
  if (auto* find_node = std::get_if<legacy::FindNode>(&frame)) {
    // A target that is no id still gets an answer: the peers nearest to zero are as good as any.
    const auto target = NodeId::from_hex(find_node->target.value_or(""));
    return ask(std::move(find_node->request_id), wire::FindNodeRequest{target.value_or(NodeId{})});
  }
  if (auto* find_value = std::get_if<legacy::FindValue>(&frame)) {
    return ask(std::move(find_value->request_id),
               wire::FindValueRequest{std::move(find_value->key)});
  }
  if (auto* store = std::get_if<legacy::Store>(&frame)) {
    wire::Record record{.key = std::move(store->key), .value = {}, .left_ms = kLegacyTtlMs};
    set_value_from_json(record, store->value);
    return ask(std::move(store->request_id), wire::StoreRequest{std::move(record)});
  }
  if (auto* pong = std::get_if<legacy::Pong>(&frame)) {
    return wire::Envelope{own_id(pong->request_id.value_or("")), wire::Pong{}};
  }
  if (auto* nodes = std::get_if<legacy::FindNodeResponse>(&frame)) {
    return wire::Envelope{own_id(nodes->request_id),
                          wire::FindNodeResponse{contacts_of(nodes->nodes)}};
  }
  if (auto* value = std::get_if<legacy::FindValueResponse>(&frame)) {
    wire::FindValueResponse response;
    response.found = value->found && value->value.has_value();
    response.record.key = take_key(own_id(value->request_id));
    response.record.left_ms = kLegacyTtlMs;
    if (response.found) set_value_from_json(response.record, *value->value);
    if (value->nodes) response.contacts = contacts_of(*value->nodes);
    return wire::Envelope{own_id(value->request_id), std::move(response)};
  }
  if (auto* stored = std::get_if<legacy::StoreResponse>(&frame)) {
    if (stored->success) return wire::Envelope{own_id(stored->request_id), wire::StoreResponse{}};
    wire::Failure failure{ErrorCode::refused, 0, stored->error.value_or("")};
    return wire::Envelope{own_id(stored->request_id), std::move(failure)};
  }
  return std::move(box);
}

wire::RequestId LegacyDialect::open(std::optional<std::string> request_id,
                                    std::optional<std::int64_t> timestamp,
                                    const wire::Message& request) {
  const wire::RequestId id{++last_served_};
  served_.insert(id, Served{std::move(request_id), timestamp, request.index()});
  return id;
}

wire::Envelope LegacyDialect::ask(std::string request_id, wire::Message request) {
  const wire::RequestId id = open(std::move(request_id), std::nullopt, request);
  return {id, std::move(request)};
}

/// The number in an id that we made, or 0, which no request has.
wire::RequestId LegacyDialect::own_id(const std::string& text) const {
  const std::string prefix = local_.identity.id.to_short_hex() + "_";
  if (!text.starts_with(prefix)) return {};
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data() + prefix.size(), end, number);
  return error == std::errc{} && parsed == end ? wire::RequestId{number} : wire::RequestId{};
}

/// Requests that time out leave their key behind, so the oldest goes when there are more than can
/// be in flight.
void LegacyDialect::remember_key(wire::RequestId id, const std::string& key) {
  constexpr std::size_t kInFlightMax = 1024;
  if (asked_keys_.size() >= kInFlightMax) asked_keys_.erase(asked_keys_.begin());
  asked_keys_.insert(id, key);
}

std::string LegacyDialect::take_key(wire::RequestId id) {
  std::string* key = asked_keys_.find(id);
  if (key == nullptr) return {};
  std::string taken = std::move(*key);
  asked_keys_.erase(id);
  return taken;
}

// ---- writing

bool LegacyDialect::has_word_for(const wire::Message& request) {
  if (const auto* store = std::get_if<wire::StoreRequest>(&request)) {
    return json_of_value(store->record).has_value();
  }
  return std::holds_alternative<wire::Ping>(request) ||
         std::holds_alternative<wire::FindNodeRequest>(request) ||
         std::holds_alternative<wire::FindValueRequest>(request);
}

std::string LegacyDialect::text_id(wire::RequestId id) const {
  return local_.identity.id.to_short_hex() + "_" + std::to_string(id.value);
}

std::optional<std::string> LegacyDialect::write(Instant now, wire::RequestId id,
                                                const wire::Message& message) {
  if (wire::is_request(message)) {
    if (!has_word_for(message)) return std::nullopt;
    return write_request(now, id, message);
  }
  const Served* found = served_.find(id);
  if (found == nullptr || !wire::is_answer(message)) return std::nullopt;
  const Served served = *found;
  served_.erase(id);
  return write_answer(now, served, message);
}

std::string LegacyDialect::write_request(Instant now, wire::RequestId id,
                                         const wire::Message& message) {
  // Every request ends alike; `finish` fills in what the JavaScript connection manager adds.
  const auto finish = [&](auto frame) {
    frame.request_id = text_id(id);
    frame.node_id = local_.identity.id;
    frame.from = local_.identity.id.to_hex();
    frame.timestamp = wall_ms(now);
    return legacy::encode(frame);
  };
  if (const auto* asked = std::get_if<wire::FindNodeRequest>(&message)) {
    legacy::FindNode frame;
    frame.target = asked->target.to_hex();
    return finish(std::move(frame));
  }
  if (const auto* asked = std::get_if<wire::FindValueRequest>(&message)) {
    legacy::FindValue frame;
    frame.key = asked->key;
    remember_key(id, asked->key);
    return finish(std::move(frame));
  }
  if (const auto* asked = std::get_if<wire::StoreRequest>(&message)) {
    legacy::Store frame;
    frame.key = asked->record.key;
    frame.value = *json_of_value(asked->record);
    return finish(std::move(frame));
  }
  return finish(legacy::Ping{});
}

std::string LegacyDialect::write_answer(Instant now, const Served& served,
                                        const wire::Message& answer) const {
  const std::string from = local_.identity.id.to_hex();
  const std::int64_t time = wall_ms(now);
  const std::string request_id = served.request_id.value_or("");
  if (const auto* nodes = std::get_if<wire::FindNodeResponse>(&answer)) {
    return write_nodes(now, request_id, nodes->contacts);
  }
  if (const auto* value = std::get_if<wire::FindValueResponse>(&answer)) {
    return write_found(now, request_id, *value);
  }
  if (std::holds_alternative<wire::StoreResponse>(answer)) {
    return legacy::encode(legacy::StoreResponse{request_id, true, std::nullopt, from, time});
  }
  if (const auto* failure = std::get_if<wire::Failure>(&answer)) {
    return write_failure(now, served, *failure);
  }
  legacy::Pong pong;
  pong.request_id = served.request_id;
  pong.timestamp = time;
  pong.original_timestamp = served.timestamp;
  pong.from = from;
  return legacy::encode(pong);
}

/// There is no general refusal in the old dialect: each request is refused in the words of its own
/// answer.
std::string LegacyDialect::write_failure(Instant now, const Served& served,
                                         const wire::Failure& failure) const {
  const std::string request_id = served.request_id.value_or("");
  const wire::Message find_node = wire::FindNodeRequest{};
  const wire::Message find_value = wire::FindValueRequest{};
  if (served.message_index == find_node.index()) return write_nodes(now, request_id, {});
  if (served.message_index == find_value.index()) return write_found(now, request_id, {});
  const std::string error = std::string(name(failure.code)) + ": " + failure.text;
  return legacy::encode(
      legacy::StoreResponse{request_id, false, error, local_.identity.id.to_hex(), wall_ms(now)});
}

std::string LegacyDialect::write_nodes(Instant now, const std::string& request_id,
                                       const wire::Contacts& contacts) const {
  legacy::FindNodeResponse response;
  response.request_id = request_id;
  for (const wire::Contact& contact : contacts) {
    response.nodes.push_back({contact.id, std::nullopt, wall_ms(now), legacy::RawJson{"[]"},
                              legacy::metadata_of(contact)});
  }
  response.from = local_.identity.id.to_hex();
  response.timestamp = wall_ms(now);
  return legacy::encode(response);
}

std::string LegacyDialect::write_found(Instant now, const std::string& request_id,
                                       const wire::FindValueResponse& found) const {
  legacy::FindValueResponse response;
  response.request_id = request_id;
  if (found.found) response.value = json_of_value(found.record);
  response.found = response.value.has_value();
  if (!response.found) {
    response.nodes.emplace();
    for (const wire::Contact& contact : found.contacts) {
      response.nodes->push_back({contact.id, std::nullopt, wall_ms(now), legacy::RawJson{"[]"},
                                 legacy::metadata_of(contact)});
    }
  }
  response.from = local_.identity.id.to_hex();
  response.timestamp = wall_ms(now);
  return legacy::encode(response);
}

}  // namespace trestle::link
