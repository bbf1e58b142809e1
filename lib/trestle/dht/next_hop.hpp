#pragma once

#include <optional>
#include <span>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"

namespace trestle::dht {

/// A peer that could hand something on.
struct Hop {
  NodeId id{};
  Duration round_trip{};
};

/// Who of these takes a message for `target` on from us: only peers strictly nearer to it than we
/// are, so that no message ever goes round in a circle (P-KR-7, P-KR-12); of those the ones that
/// share most leading bits with it, and of these the quickest, nearest if several are (X28). Nobody
/// if we are nearest ourselves.
std::optional<NodeId> next_hop(const NodeId& self, const NodeId& target, std::span<const Hop> hops);

}  // namespace trestle::dht
