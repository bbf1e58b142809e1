#include "trestle/host/status_json.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "trestle/host/lookup_trace.hpp"
#include "trestle/wire/json/parse.hpp"
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

std::int64_t whole_milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string to_json(const Histogram& histogram) {
  ObjectWriter object;
  object.integer("count", number(histogram.count()));
  object.raw("p50_ms", milliseconds_of(histogram.quantile(500)));
  object.raw("p90_ms", milliseconds_of(histogram.quantile(900)));
  object.raw("p99_ms", milliseconds_of(histogram.quantile(990)));
  return object.take();
}

std::string to_json(const node::BridgeSlotStatus& bridge, const Histogram& recent) {
  ObjectWriter object;
  object.text("url", bridge.url).text("id", bridge.id.is_zero() ? "" : bridge.id.to_hex());
  object.text("state", bridge.state).text("phase", bridge.phase).text("breaker", bridge.breaker);
  object.boolean("usable", bridge.usable).boolean("excluded", bridge.excluded);
  object.boolean("ejected", bridge.ejected).boolean("attached", bridge.attached);
  object.boolean("leaving", bridge.leaving).text("last_error", name(bridge.last_error));
  object.integer("connected_s", whole_seconds(bridge.connected_for));
  object.integer("last_request_ago_s", whole_seconds(bridge.last_request_ago));
  object.integer("next_dial_in_ms", whole_milliseconds(bridge.next_dial_in));
  object.integer("dial_attempts", bridge.dial_attempts);
  object.integer("breaker_opened", number(bridge.breaker_opened));
  object.integer("connections_opened", number(bridge.connections_opened));
  object.integer("requests", number(bridge.requests)).integer("answers", number(bridge.answers));
  object.integer("busy_answers", number(bridge.busy_answers));
  object.integer("timeouts", number(bridge.timeouts)).integer("failures", number(bridge.failures));
  object.integer("in_flight", number(bridge.in_flight));
  object.integer("retries", number(bridge.retries)).integer("hedges", number(bridge.hedges));
  object.integer("late_answers", number(bridge.late_answers));
  object.integer("invalid_answers", number(bridge.invalid_answers));
  object.raw("request_time", to_json(bridge.request_time));
  object.raw("request_time_last_minute", to_json(recent));
  object.raw("dial_time", to_json(bridge.dial_time));
  return object.take();
}

std::string recent_to_json(const Recent& recent) {
  ObjectWriter object;
  object.integer("span_s", whole_seconds(recent.span)).integer("joins", number(recent.joins));
  object.integer("busy", number(recent.busy)).raw("time", to_json(recent.time));
  return object.take();
}

std::string process_to_json(const Snapshot& snapshot) {
  ObjectWriter object;
  object.integer("resident_bytes", number(snapshot.process.resident_bytes));
  object.integer("descriptors", number(snapshot.process.descriptors));
  object.integer("descriptors_max", number(snapshot.process.descriptors_max));
  object.integer("processor_ms", whole_milliseconds(snapshot.process.processor_time));
  object.integer("log_lines_dropped_total", number(snapshot.log_lines_dropped));
  object.raw("loop_turn_time", to_json(snapshot.turn_time));
  return object.take();
}

std::string threads_to_json(const std::vector<ThreadFigures>& threads) {
  ArrayWriter array;
  for (const ThreadFigures& thread : threads) {
    ObjectWriter object;
    object.integer("connections", number(thread.connections));
    object.integer("orders_peak", number(thread.orders_peak));
    object.integer("order_bytes_peak", number(thread.order_bytes_peak));
    object.integer("events_peak", number(thread.events_peak));
    object.integer("event_bytes_peak", number(thread.event_bytes_peak));
    object.integer("orders_refused", number(thread.orders_refused));
    object.integer("waits", number(thread.waits));
    array.raw(object.take());
  }
  return array.take();
}

std::string weaker_to_json(const std::vector<WeakerMode>& modes) {
  ArrayWriter array;
  for (const WeakerMode& mode : modes) {
    ObjectWriter object;
    array.raw(object.text("mode", mode.name).text("until", mode.end_word).take());
  }
  return array.take();
}

std::string metrics_to_json(const Snapshot& snapshot) {
  ObjectWriter object;
  object.boolean("on", snapshot.are_metrics_on);
  object.integer("scrapes_total", number(snapshot.scrapes));
  object.integer("failures_total", number(snapshot.scrape_failures));
  return object.take();
}

std::string to_json(const wire::Contact& contact) {
  ObjectWriter object;
  object.text("id", contact.id.to_hex()).text("role", name(contact.role));
  object.text("dialect", name(contact.dialect)).text("address", contact.address);
  return object.take();
}

/// What an old peer stored is JSON: its text, where that is all it is, else as it came.
std::string shown_value(const wire::Record& record) {
  const std::string stored(as_text(record.value));
  if (!record.legacy) return stored;
  const auto document = wire::json::parse(stored);
  const auto text = document ? document->root().text() : std::nullopt;
  return text ? std::string(*text) : stored;
}

void add_receipt(ObjectWriter& object, const node::OperationEnded& ended) {
  const auto old_peers = std::ranges::count_if(
      ended.contacts, [](const auto& one) { return one.dialect == wire::Dialect::legacy; });
  object.integer("replicas", ended.replicas).integer("replicas_wanted", ended.replicas_wanted);
  object.boolean("weak", ended.weak).integer("old_peers", old_peers);
  object.integer("version", number(ended.version));
  if (ended.audience) object.text("audience", crypto::name(*ended.audience));
}

void add_value(ObjectWriter& object, const node::OperationEnded& ended) {
  const wire::Record& record = *ended.record;
  const std::string value = shown_value(record);
  if (wire::json::is_utf8(value)) {
    object.text("value", value);
  } else {
    object.text("value_hex", to_hex(as_bytes(value)));
  }
  object.integer("ttl_ms", number(record.ttl_ms)).integer("left_ms", number(record.left_ms));
  if (record.legacy) {
    object.boolean("unsigned", true);
  } else {
    object.integer("version", number(record.version)).text("author", to_hex(record.author));
  }
  object.boolean("sealed", ended.audience.has_value());
  if (ended.audience) object.text("audience", crypto::name(*ended.audience));
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

std::string members_to_json(const std::vector<node::MemberStatus>& members) {
  ArrayWriter array;
  for (const node::MemberStatus& member : members) {
    ObjectWriter object;
    object.text("id", member.id.to_hex());
    object.text("inviter", member.inviter.is_zero() ? "" : member.inviter.to_hex());
    object.integer("depth", member.depth).text("invitation", to_hex(member.invitation));
    object.integer("issued_ms", member.issued.time_since_epoch().count());
    object.integer("expires_ms", member.expires.time_since_epoch().count());
    object.boolean("revoked", member.is_revoked).boolean("linked", member.is_linked);
    array.raw(object.take());
  }
  return array.take();
}

std::string alerts_to_json(const std::vector<Alert>& alerts) {
  ArrayWriter array;
  for (const Alert alert : alerts) array.text(name(alert));
  return array.take();
}

std::string milliseconds_of(Duration duration) {
  // What lies beyond the last bound of a histogram is shown as that bound.
  constexpr Duration kLongest = std::chrono::microseconds(std::int64_t{1} << Histogram::kDoublings);
  const std::int64_t microseconds = std::min(duration, kLongest).count();
  return fmt::format("{}.{:03}", microseconds / 1000, microseconds % 1000);
}

std::string to_json(const Snapshot& snapshot) {
  const node::Status& status = snapshot.status;
  ArrayWriter bridges;
  for (std::size_t index = 0; index < status.bridges.size(); ++index) {
    bridges.raw(to_json(status.bridges[index], snapshot.recent.bridges[index]));
  }
  ArrayWriter bans;
  for (const node::BanStatus& ban : status.bans) {
    ObjectWriter banned;
    bans.raw(banned.text("who", ban.who).integer("left_s", whole_seconds(ban.left)).take());
  }
  ObjectWriter counters;
  for (const auto& [counter, value] : status.counters) counters.integer(counter, number(value));
  ObjectWriter histograms;
  for (const node::NamedHistogram& entry : status.histograms) {
    histograms.raw(entry.name, to_json(entry.histogram));
  }

  ObjectWriter object;
  object.text("program", status.program).text("version", TRESTLE_VERSION);
  object.text("id", status.id.to_hex());
  object.text("address", status.address).text("state", status.state);
  object.integer("uptime_s", whole_seconds(status.uptime)).boolean("healthy", status.healthy);
  if (!status.readiness.empty()) object.text("readiness", status.readiness);
  object.raw("alerts", alerts_to_json(snapshot.alerts));
  object.raw("weaker_modes", weaker_to_json(snapshot.weaker));
  object.raw("peers", peers_to_json(status)).raw("bridges", bridges.take());
  object.raw("bans", bans.take()).raw("threads", threads_to_json(snapshot.threads));
  object.raw("last_minute", recent_to_json(snapshot.recent));
  object.raw("process", process_to_json(snapshot)).raw("metrics", metrics_to_json(snapshot));
  object.raw("counters", counters.take()).raw("histograms", histograms.take());
  return object.take();
}

std::string to_json(OperationKind kind, const node::OperationEnded& ended) {
  ObjectWriter object;
  object.text("code", name(ended.code));
  if (!ended.detail.empty()) object.text("detail", ended.detail);
  switch (kind) {
    case OperationKind::put:
    case OperationKind::refresh:
    case OperationKind::remove:
      add_receipt(object, ended);
      break;
    case OperationKind::get:
      if (ended.record) add_value(object, ended);
      break;
    case OperationKind::trace:
      object.raw("steps", steps_to_json(ended.steps));
      [[fallthrough]];
    case OperationKind::find: {
      ArrayWriter contacts;
      for (const wire::Contact& contact : ended.contacts) contacts.raw(to_json(contact));
      object.raw("contacts", contacts.take());
    }
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
