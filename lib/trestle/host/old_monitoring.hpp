#pragma once

#include <string_view>

#include "trestle/base/time.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/host/snapshot.hpp"

namespace trestle::host {

/// What the old answers say beyond the snapshot.
struct OldMonitoringFacts {
  WallTime now{};
  std::size_t connections_max = 0;
  std::uint16_t port = 0;
  bool is_genesis_allowed = false;
};

/// What the old system's monitoring expects at a path of the public port (ROLL-01): the same names
/// and types, filled with our figures where we have them. Never more than the old system told: of
/// the stored keys only their number.
///
/// `/health` says down (503) on a bootstrap that can introduce nobody; the old one said `ok`
/// always.
HttpReply old_monitoring_reply(std::string_view path, const Snapshot& snapshot,
                               const OldMonitoringFacts& facts);

}  // namespace trestle::host
