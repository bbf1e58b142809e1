#pragma once

#include "trestle/base/result.hpp"
#include "trestle/wire/legacy/bridge_link.hpp"
#include "trestle/wire/legacy/bridge_status.hpp"
#include "trestle/wire/legacy/decode_error.hpp"
#include "trestle/wire/legacy/invitation.hpp"
#include "trestle/wire/legacy/limits.hpp"
#include "trestle/wire/legacy/peer_offer.hpp"
#include "trestle/wire/legacy/raw_json.hpp"

namespace trestle::wire::legacy {

/// Reads an opaque member that has a known shape. For `PeerOffer`, `OnboardingHelp`,
/// `OnboardingRefusal`, `NetworkState`, `BridgeHealth` and `BridgeNodeInfo`; other types do not
/// link. Never answers `missing_type` or `unknown_type`.
template <typename Body>
Result<Body, DecodeError> decode_body(const RawJson& raw, const Limits& limits = {});

/// Writes such a member. Deterministic.
template <typename Body>
RawJson encode_body(const Body& body);

}  // namespace trestle::wire::legacy
