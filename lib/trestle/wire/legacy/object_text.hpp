#pragma once

#include <string_view>

#include "trestle/base/result.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/legacy/decode_error.hpp"

namespace trestle::wire::legacy {

/// Reads a text that must be one JSON object.
inline Result<json::Document, DecodeError> parse_object(std::string_view text,
                                                        const json::Limits& limits) {
  Result<json::Document, json::ParseError> document = json::parse(text, limits);
  if (!document) {
    const bool too_large = document.error() == json::ParseError::oversized ||
                           document.error() == json::ParseError::too_many_values;
    return refuse(too_large ? DecodeError::oversized : DecodeError::bad_json);
  }
  if (document->root().kind() != json::Kind::object) return refuse(DecodeError::not_an_object);
  return std::move(*document);
}

}  // namespace trestle::wire::legacy
