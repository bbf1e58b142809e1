#pragma once

#include <string>
#include <string_view>

#include "trestle/base/result.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/legacy/frame.hpp"
#include "trestle/wire/legacy/limits.hpp"

namespace trestle::wire::legacy {

/// Reads one text frame. Unknown members are skipped; of a member given twice the last counts, as
/// in JavaScript.
Result<Frame, DecodeError> decode(std::string_view text, const Limits& limits = {});

/// Writes a frame, compact, `type` first and members in the order of the JavaScript system.
/// Deterministic.
std::string encode(const Frame& frame);

/// The frame's `type` on the wire: `find_node`, ...; for logs, traces and counters. Lives for ever.
std::string_view type_name(const Frame& frame);

}  // namespace trestle::wire::legacy
