#pragma once

#include <string_view>

#include "trestle/base/result.hpp"
#include "trestle/wire/json/document.hpp"
#include "trestle/wire/json/limits.hpp"

namespace trestle::wire::json::portable {

/// The reader in plain C++ behind `json::parse` where simdjson cannot be linked. Always part of the
/// library, so that the two can be compared with each other.
Result<Document, ParseError> parse(std::string_view text, const Limits& limits = {});

}  // namespace trestle::wire::json::portable
