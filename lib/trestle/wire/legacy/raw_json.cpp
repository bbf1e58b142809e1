#include "trestle/wire/legacy/raw_json.hpp"

#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::wire::legacy {

RawJson RawJson::of_text(std::string_view text) {
  RawJson raw;
  raw.json.clear();
  json::append_quoted(raw.json, text);
  return raw;
}

std::optional<RawJson> RawJson::checked(std::string_view text) {
  const Result<json::Document, json::ParseError> document = json::parse(text);
  if (!document) return std::nullopt;
  return RawJson{std::string(document->root().raw())};
}

}  // namespace trestle::wire::legacy
