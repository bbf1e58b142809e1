#pragma once

#include <optional>
#include <string>

#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/message/connection.hpp"

/// What peers of the old dialect show of themselves inside their `metadata`, beyond a description.
namespace trestle::wire::legacy {

/// The P-256 key of a browser: a JWK with `kty` "EC" and 32-byte `x` and `y` (protocol
/// section 3.4). Nothing for the hex key of a Node.js peer, or for anything else.
std::optional<PublicKey> browser_key_of(const std::optional<RawJson>& metadata);

/// The shared bridge secret, which a JavaScript bridge shows in clear when it registers
/// (section 3.1). Never to be passed on, shown or logged.
std::optional<std::string> bridge_token_of(const std::optional<RawJson>& metadata);

}  // namespace trestle::wire::legacy
