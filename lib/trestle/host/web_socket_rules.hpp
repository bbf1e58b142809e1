#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/bytes.hpp"

namespace trestle::host {

// What RFC 6455 demands of a server and libwebsockets 4.1.6 does not check. What it gets wrong
// beyond our reach stands in docs/conformance.md.

/// The request for a WebSocket, as far as these rules look at it.
struct UpgradeRequest {
  bool is_get = false;
  std::string http_version;  ///< `HTTP/1.1`
  std::string key;           ///< Sec-WebSocket-Key
  std::string version;       ///< Sec-WebSocket-Version
};

enum class UpgradeFlaw : std::uint8_t {
  none,
  form,     ///< Not GET, not HTTP/1.1, or a key that is not the base64 of 16 bytes: 400.
  version,  ///< Another version of the protocol than 13: 426.
};

/// Section 4.2.1.
UpgradeFlaw flaw_of(const UpgradeRequest& request);

/// Section 5.5.1 and 7.4: nothing, or a status that may be sent and a reason that is UTF-8.
bool is_sound_close(ByteSpan payload);

}  // namespace trestle::host
