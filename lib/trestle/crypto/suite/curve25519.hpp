#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/secret.hpp"

// The two keys that an identity has besides its P-256 key: Ed25519 signs messages and tokens,
// X25519 agrees on the keys under which values are sealed. Part of the suite's seam, in a header of
// its own because few places need them: OpenSSL in the programs, a stand-in in the simulator.
//
// Everything here is a function of its arguments. Secrets are any 32 random bytes, so there is
// nothing to generate but those (`Suite::random`) and no stored secret is invalid.
namespace trestle::crypto {

inline constexpr std::size_t kCurve25519Bytes = 32;

using Ed25519Secret = Secret<struct Ed25519Role>;
using X25519Secret = Secret<struct X25519Role>;
/// What two sides agreed on. Never a key by itself: `derive` makes keys of it.
using SharedSecret = Secret<struct SharedRole>;

/// A public key that verifies: y of a point of the Edwards curve and the sign of x (RFC 8032).
struct Ed25519Key {
  std::array<std::uint8_t, kCurve25519Bytes> bytes{};
  friend auto operator<=>(const Ed25519Key&, const Ed25519Key&) = default;
};
/// A public key to agree with: u of a point of the Montgomery curve (RFC 7748).
struct X25519Key {
  std::array<std::uint8_t, kCurve25519Bytes> bytes{};
  friend auto operator<=>(const X25519Key&, const X25519Key&) = default;
};
/// R, then S.
struct Ed25519Signature {
  std::array<std::uint8_t, 2 * kCurve25519Bytes> bytes{};
  friend auto operator<=>(const Ed25519Signature&, const Ed25519Signature&) = default;
};

struct Ed25519Pair {
  Ed25519Secret secret;
  Ed25519Key key;
};
struct X25519Pair {
  X25519Secret secret;
  X25519Key key;
};

Ed25519Pair ed25519_pair(const Ed25519Secret& secret);
/// The public key that is mixed into the signature is computed from the secret, never taken from
/// `pair`: a signature under a wrong one would give the secret away.
Ed25519Signature ed25519_sign(const Ed25519Pair& pair, ByteSpan message);
/// Strict (`crypto/edwards_encoding.hpp`): one signature has exactly one encoding, and no key is
/// one whose signatures anybody can make. False is a peer's doing and never asserts.
bool ed25519_verify(const Ed25519Key& key, ByteSpan message, const Ed25519Signature& signature);

X25519Pair x25519_pair(const X25519Secret& secret);
/// False (and `out` zero) if the other key is a point of small order: the result would be zero
/// whatever our secret, so that a third party would know it too.
[[nodiscard]] bool x25519_agree(const X25519Pair& pair, const X25519Key& other, SharedSecret& out);

}  // namespace trestle::crypto
