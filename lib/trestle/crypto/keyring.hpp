#pragma once

#include <optional>

#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/network_key.hpp"

namespace trestle::crypto {

/// What a node opens values with: a value.
struct Keyring {
  PublicKey author{};
  /// Nothing: only what is for the network or for everybody is opened.
  std::optional<SealingSecrets> own{};
  NetworkKeys network{};
};

}  // namespace trestle::crypto
