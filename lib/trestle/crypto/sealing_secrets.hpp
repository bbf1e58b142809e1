#pragma once

#include "trestle/crypto/secret.hpp"
#include "trestle/crypto/suite/curve25519.hpp"

namespace trestle::crypto {

/// What a node seals under that is for nobody but itself.
using SelfSecret = Secret<struct SelfRole>;

/// The secrets of an identity that the core itself works with: opening a value for its user is no
/// effect. Those that sign stay with the driver.
struct SealingSecrets {
  X25519Pair pair;
  SelfSecret self;
};

}  // namespace trestle::crypto
