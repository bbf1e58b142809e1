#pragma once

#include <string_view>

#include "trestle/base/result.hpp"
#include "trestle/wire/json/document.hpp"
#include "trestle/wire/json/limits.hpp"

namespace trestle::wire::json {

/// Reads one JSON text (RFC 8259) completely: grammar, numbers, escapes and UTF-8 are all checked,
/// so that later looks at the document cannot fail. A byte order mark is refused, as JavaScript
/// refuses it. Which reader stands behind this is chosen at link time (design section 2): simdjson
/// natively, `portable` where that cannot be linked. Both make the same tape.
Result<Document, ParseError> parse(std::string_view text, const Limits& limits = {});

}  // namespace trestle::wire::json
