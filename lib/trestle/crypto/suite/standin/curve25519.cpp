// THE STAND-IN OFFERS NO SECURITY WHATSOEVER; see suite.cpp beside this file.
#include "trestle/crypto/suite/curve25519.hpp"

#include <algorithm>

#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/suite/standin/mixer.hpp"

namespace trestle::crypto {

using standin::Mixer;

namespace {

constexpr std::string_view kOracleKey = "trestle stand-in oracle: no security at all";

template <typename Key, typename Role>
Key public_key_of(std::string_view domain, const Secret<Role>& secret) {
  Mixer mixer(domain);
  mixer.add(secret.bytes());
  Key key;
  mixer.finish(key.bytes);
  return key;
}

Ed25519Signature tag(const Ed25519Key& key, ByteSpan message) {
  Mixer mixer("ed25519 signature");
  mixer.add(as_bytes(kOracleKey));
  mixer.add(key.bytes);
  mixer.add(message);
  Ed25519Signature signature;
  mixer.finish(signature.bytes);
  // Into the range of real ones: below 2^252, and with it below the order.
  signature.bytes.back() &= 0x0f;
  return signature;
}

}  // namespace

Ed25519Pair ed25519_pair(const Ed25519Secret& secret) {
  return {secret, public_key_of<Ed25519Key>("ed25519 key", secret)};
}

Ed25519Signature ed25519_sign(const Ed25519Pair& pair, ByteSpan message) {
  return tag(public_key_of<Ed25519Key>("ed25519 key", pair.secret), message);
}

bool ed25519_verify(const Ed25519Key& key, ByteSpan message, const Ed25519Signature& signature) {
  return is_strict(key, signature) && tag(key, message) == signature;
}

X25519Pair x25519_pair(const X25519Secret& secret) {
  return {secret, public_key_of<X25519Key>("x25519 key", secret)};
}

bool x25519_agree(const X25519Pair& pair, const X25519Key& other, SharedSecret& out) {
  out = SharedSecret();
  if (is_small_order(other)) return false;
  // Both ends know both public keys, and so does everybody else.
  const X25519Key own = public_key_of<X25519Key>("x25519 key", pair.secret);
  Mixer mixer("x25519 agreement");
  mixer.add(as_bytes(kOracleKey));
  mixer.add(std::min(own, other).bytes);
  mixer.add(std::max(own, other).bytes);
  mixer.finish(out.writable());
  return true;
}

}  // namespace trestle::crypto
