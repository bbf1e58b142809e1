#pragma once

#include "trestle/crypto/suite/curve25519.hpp"

namespace trestle::crypto {

/// What strict verification asks of an Ed25519 signature before any arithmetic, in every suite:
///
/// - S is below the order of the base point. With S + order the same signature would have a second
///   encoding, and whoever remembers signatures could be shown one twice.
/// - The y of key and R is below the field's prime, so that a point has one encoding.
/// - Neither is one of the eight points of small order. Under such a key anybody can make a
///   signature that verifies, some of them for every message.
bool is_strict(const Ed25519Key& key, const Ed25519Signature& signature);

/// Whether a key is one that `is_strict` would refuse with every signature.
bool is_strict_key(const Ed25519Key& key);

/// Whether agreement with this key gives zero whatever the secret: one of the seven encodings of
/// points of small order, with either value of the bit that X25519 ignores.
bool is_small_order(const X25519Key& key);

}  // namespace trestle::crypto
