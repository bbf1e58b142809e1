#pragma once

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/wire/websocket/handshake_key.hpp"
#include "trestle/wire/websocket/mask_source.hpp"

namespace trestle::host {

/// What the codec wants of cryptography: nonces, digests, masks. One for all connections of a loop.
class HandshakeSource {
 public:
  HandshakeSource();

  /// A fresh one, for a dial.
  wire::websocket::HandshakeKey make_key();
  wire::websocket::HandshakeDigest digest(const wire::websocket::HandshakeKey& key);
  wire::websocket::MaskSource& masks() { return masks_; }

 private:
  crypto::Suite suite_;
  wire::websocket::MaskSource masks_;
};

}  // namespace trestle::host
