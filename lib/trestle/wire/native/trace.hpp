#pragma once

#include <string>

#include "trestle/wire/message/message.hpp"

namespace trestle::wire::native {

/// One record as one line of JSON, for `--trace-frames`:
/// `{"type":"find_node","request":7,"target":"00..."}`.
///
/// Bytes are printed as hex; values longer than 32 bytes as their length and their first 32 bytes.
/// Proofs are cut to their first 4 bytes, so that a log is no collection of them. Control
/// characters are escaped and what is not UTF-8 is replaced by U+FFFD: a peer's text can neither
/// forge a line nor break the JSON (T28).
std::string to_json(const Envelope& envelope);

}  // namespace trestle::wire::native
