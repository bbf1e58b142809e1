#include "trestle/link/legacy_values.hpp"

#include "trestle/wire/json/parse.hpp"

namespace trestle::link {
namespace {

/// The characters of `json` if it is a JSON string that we would write exactly so.
std::optional<std::string> plain_text(const std::string& json) {
  if (!json.starts_with('"')) return std::nullopt;
  const auto document = wire::json::parse(json);
  if (!document) return std::nullopt;
  const auto text = document->root().text();
  if (!text || wire::legacy::RawJson::of_text(*text).json != json) return std::nullopt;
  return std::string(*text);
}

}  // namespace

std::optional<wire::legacy::RawJson> json_of_value(const wire::Record& record) {
  // What is sealed the old dialect has no word for, and its peers have no key.
  if (record.kind != wire::RecordKind::value) return std::nullopt;
  const std::string_view text = as_text(record.value);
  // A native peer may claim of any bytes that they are JSON: unchecked they would break our frame,
  // or write into it.
  if (record.legacy) return wire::legacy::RawJson::checked(text);
  const wire::legacy::RawJson quoted = wire::legacy::RawJson::of_text(text);
  // Bytes that are no text come out changed, and so cannot be given to a peer that knows text
  // alone.
  if (plain_text(quoted.json) != text) return std::nullopt;
  return quoted;
}

void set_value_from_json(wire::Record& record, const wire::legacy::RawJson& value) {
  record.legacy = true;
  record.value = to_bytes(as_bytes(value.json));
}

}  // namespace trestle::link
