#pragma once

#include <optional>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/curve25519.hpp"
#include "trestle/crypto/suite/sealer.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

// Sealing to somebody who has said nothing but his public key: the sender draws a pair for this one
// time and sends its public half along. Nobody learns from that who sent it; it has to be signed,
// or come over a link that is proven.

/// A pair for one message.
X25519Pair ephemeral_pair(Suite& suite);

/// Both halves of a conversation, as both sides know them.
struct AgreedBetween {
  X25519Key ephemeral;
  X25519Key recipient;
};

/// The key that both sides compute: the sender from its own ephemeral pair and the recipient's key,
/// the recipient from its pair and the ephemeral key. `label` and `context` as everywhere. Nothing
/// if the other's key is of small order.
std::optional<SealKey> agreed_key(Suite& suite, const X25519Pair& own, const AgreedBetween& between,
                                  std::string_view label, ByteSpan context);

}  // namespace trestle::crypto
