#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trestle::pool {

/// Where one bridge can be reached: candidate addresses in the order in which they are tried, for
/// example an internal one before the public one (X15). However many there are, the bridge gets one
/// connection. Each may name the id that must answer there (`link::PinnedUrl`).
struct BridgeEndpoint {
  std::vector<std::string> urls;
  friend bool operator==(const BridgeEndpoint&, const BridgeEndpoint&) = default;
};

/// How bridges are asked (X1).
enum class BridgeMode : std::uint8_t {
  pool,      ///< One persistent connection per bridge, many requests on it. The default.
  stateless  ///< Connect, ask, disconnect: one connection per request, for comparison and rollback.
};

}  // namespace trestle::pool
