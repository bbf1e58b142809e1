#pragma once

#include <optional>
#include <vector>

#include "trestle/link/transport.hpp"
#include "trestle/sim/happening.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::sim {

/// The heads of a native frame's records, in order; records of unknown type are left out, as
/// readers leave them out. A text frame has none. False if the frame cannot be cut into records.
bool read_heads(link::FrameKind kind, ByteSpan frame, std::vector<RecordHead>& heads);

/// Whether every record of the frame can be read, to the last field.
bool decodes(link::FrameKind kind, ByteSpan frame);

/// The `index`-th of the records that `read_heads` named, whole: for checkers that ask for one
/// kind of message now and then.
std::optional<wire::Envelope> read_record(ByteSpan frame, std::size_t index);

}  // namespace trestle::sim
