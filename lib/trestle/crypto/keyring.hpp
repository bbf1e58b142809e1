#pragma once

#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/crypto/secret.hpp"
#include "trestle/crypto/suite/curve25519.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

/// What a node seals under that is for nobody but itself.
using SelfSecret = Secret<struct SelfRole>;

/// The secrets of an identity that the core itself works with: opening a value for its user is no
/// effect. Those that sign stay with the driver.
struct SealingSecrets {
  PublicKey author{};
  X25519Pair pair;
  SelfSecret self;
};

/// From the scalar that the identity file holds, as the other keys of the identity: who moves it to
/// another machine reads there what he wrote for himself.
SealingSecrets sealing_secrets(Suite& suite, const IdentityKeys& keys);

/// What a node opens values with: a value.
struct Keyring {
  SealingSecrets own;
  NetworkKeys network;
};

}  // namespace trestle::crypto
