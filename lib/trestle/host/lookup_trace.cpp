#include "trestle/host/lookup_trace.hpp"

#include <fmt/core.h>

#include "trestle/host/log.hpp"
#include "trestle/host/status_json.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::host {
namespace {

using wire::json::ArrayWriter;
using wire::json::ObjectWriter;
using wire::json::Value;

std::string text_of(const Value& object, std::string_view name) {
  const auto value = object.member(name);
  if (!value) return {};
  if (const auto text = value->text()) return with_controls_escaped(*text);
  return std::string(value->raw());
}

/// As in the log: the first eight digits tell two peers apart.
std::string short_id(const Value& object, std::string_view name) {
  return text_of(object, name).substr(0, 8);
}

std::string line_for(const Value& step) {
  std::string outcome;
  const std::string code = text_of(step, "code");
  if (!step.member("took_ms")) {
    outcome = "no answer before the end";
  } else if (code == name(ErrorCode::none)) {
    outcome =
        fmt::format("{} contacts after {} ms", text_of(step, "contacts"), text_of(step, "took_ms"));
  } else {
    outcome = fmt::format("{} after {} ms", code, text_of(step, "took_ms"));
  }
  std::string way = fmt::format("hop {}", text_of(step, "hop"));
  if (step.member("named_by")) way += ", named by " + short_id(step, "named_by");
  if (step.member("through")) way += ", through " + short_id(step, "through");
  const bool linked = text_of(step, "connected") == "true";
  return fmt::format("{:>9} ms  {}  {:<10}  {:<9}  {}; {}\n", text_of(step, "asked_ms"),
                     text_of(step, "peer"), linked ? "linked" : "not linked",
                     text_of(step, "reason"), outcome, way);
}

}  // namespace

std::string steps_to_json(const std::vector<dht::LookupStep>& steps) {
  ArrayWriter array;
  for (const dht::LookupStep& step : steps) {
    ObjectWriter object;
    object.text("peer", step.peer.to_hex());
    object.raw("asked_ms", milliseconds_of(step.asked_after));
    object.text("reason", dht::name(step.reason)).boolean("connected", step.connected);
    if (step.named_by) object.text("named_by", step.named_by->to_hex());
    if (step.through) object.text("through", step.through->to_hex());
    object.integer("hop", step.hop).text("code", name(step.code));
    if (step.took) object.raw("took_ms", milliseconds_of(*step.took));
    object.integer("contacts", step.contacts);
    array.raw(object.take());
  }
  return array.take();
}

std::string trace_text(const Value& answer) {
  std::string text;
  if (const auto steps = answer.member("steps")) {
    for (const Value step : steps->items()) text += line_for(step);
  }
  const auto contacts = answer.member("contacts");
  if (!contacts) return text;
  text += "nearest that answered\n";
  for (const Value contact : contacts->items()) {
    text += fmt::format("{}  {}\n", text_of(contact, "id"), text_of(contact, "address"));
  }
  return text;
}

}  // namespace trestle::host
