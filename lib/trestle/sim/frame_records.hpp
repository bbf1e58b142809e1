#pragma once

#include <vector>

#include "trestle/link/transport.hpp"
#include "trestle/sim/happening.hpp"

namespace trestle::sim {

/// Reads the heads of a native frame's records into `records`. False if the frame does not decode
/// as what docs/protocol.md says: no node of ours may send such a frame. Text frames (the old
/// dialect) have no records.
bool read_frame_records(link::FrameKind kind, ByteSpan frame, std::vector<RecordHead>& records);

}  // namespace trestle::sim
