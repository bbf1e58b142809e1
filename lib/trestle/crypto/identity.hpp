#pragma once

#include <optional>

#include "trestle/base/node_id.hpp"
#include "trestle/crypto/sealing_secrets.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

/// The id that belongs to a key: the first 160 bits of SHA-256 over x then y (design section 5).
NodeId node_id_of(Suite& suite, const PublicKey& key);

/// The place of a stored value: SHA-1 of its key text, in both dialects.
NodeId place_of_key(Suite& suite, std::string_view key);

/// Who we are, as the core knows it. The private key stays with the driver.
struct Identity {
  PublicKey key{};
  NodeId id{};
  /// Nothing: values for ourselves or for named readers are neither written nor read.
  std::optional<SealingSecrets> sealing{};
};
/// All of it. The sealing secrets come from the scalar that the identity file holds, as the other
/// keys of an identity: who moves it to another machine reads there what he wrote for himself.
Identity identity_of(Suite& suite, const KeyPair& pair);

}  // namespace trestle::crypto
