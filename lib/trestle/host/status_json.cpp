#include "trestle/host/status_json.hpp"

#include "trestle/wire/json/utf8.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

using wire::json::ArrayWriter;
using wire::json::ObjectWriter;

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::string to_json(const node::BridgeSlotStatus& bridge) {
  ObjectWriter object;
  object.text("url", bridge.url).text("id", bridge.id.is_zero() ? "" : bridge.id.to_hex());
  object.text("state", bridge.state).text("breaker", bridge.breaker);
  object.integer("connections_opened", number(bridge.connections_opened));
  object.integer("requests", number(bridge.requests)).integer("answers", number(bridge.answers));
  object.integer("busy_answers", number(bridge.busy_answers));
  object.integer("timeouts", number(bridge.timeouts)).integer("failures", number(bridge.failures));
  object.integer("in_flight", number(bridge.in_flight));
  return object.take();
}

std::string to_json(const wire::Contact& contact) {
  ObjectWriter object;
  object.text("id", contact.id.to_hex()).text("role", name(contact.role));
  object.text("dialect", name(contact.dialect)).text("address", contact.address);
  return object.take();
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = wire::json::utf8_sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace

std::string_view name(wire::Role role) {
  switch (role) {
    case wire::Role::bootstrap:
      return "bootstrap";
    case wire::Role::bridge:
      return "bridge";
    case wire::Role::node:
      return "node";
    case wire::Role::observer:
      return "observer";
  }
  return "unknown";
}

std::string_view name(wire::Dialect dialect) {
  switch (dialect) {
    case wire::Dialect::unknown:
      return "unknown";
    case wire::Dialect::native:
      return "native";
    case wire::Dialect::legacy:
      return "legacy";
  }
  return "unknown";
}

std::string peers_to_json(const node::Status& status) {
  ArrayWriter array;
  for (const node::PeerStatus& peer : status.peers) {
    ObjectWriter object;
    object.text("id", peer.id.to_hex()).text("role", name(peer.role));
    object.text("dialect", name(peer.dialect)).text("address", peer.address);
    object.boolean("dialled_by_us", peer.dialled_by_us);
    object.integer("connected_s", whole_seconds(peer.connected_for));
    object.integer("rtt_us", peer.rtt.count());
    array.raw(object.take());
  }
  return array.take();
}

std::string to_json(const node::Status& status) {
  ArrayWriter bridges;
  for (const node::BridgeSlotStatus& bridge : status.bridges) bridges.raw(to_json(bridge));
  ObjectWriter counters;
  for (const auto& [counter, value] : status.counters) counters.integer(counter, number(value));

  ObjectWriter object;
  object.text("program", status.program).text("id", status.id.to_hex());
  object.text("address", status.address).text("state", status.state);
  object.integer("uptime_s", whole_seconds(status.uptime)).boolean("healthy", status.healthy);
  object.raw("peers", peers_to_json(status)).raw("bridges", bridges.take());
  object.raw("counters", counters.take());
  return object.take();
}

std::string to_json(OperationKind kind, const node::OperationEnded& ended) {
  ObjectWriter object;
  object.text("code", name(ended.code));
  if (kind == OperationKind::put) object.integer("replicas", ended.replicas);
  if (kind == OperationKind::get && ended.record) {
    const std::string_view value = as_text(ended.record->value);
    if (is_utf8(value)) {
      object.text("value", value);
    } else {
      object.text("value_hex", to_hex(ended.record->value));
    }
    object.integer("ttl_ms", number(ended.record->ttl_ms));
  }
  if (kind == OperationKind::find) {
    ArrayWriter contacts;
    for (const wire::Contact& contact : ended.contacts) contacts.raw(to_json(contact));
    object.raw("contacts", contacts.take());
  }
  return object.take();
}

std::string code_to_json(ErrorCode code, std::string_view detail) {
  ObjectWriter object;
  object.text("code", name(code));
  if (!detail.empty()) object.text("detail", detail);
  return object.take();
}

}  // namespace trestle::host
