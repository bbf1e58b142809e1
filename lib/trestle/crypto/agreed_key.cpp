#include "trestle/crypto/agreed_key.hpp"

#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {

X25519Pair ephemeral_pair(Suite& suite) {
  X25519Secret secret;
  suite.random(secret.writable());
  return x25519_pair(secret);
}

/// The public keys are mixed in: of one shared secret there are several (X25519 ignores the highest
/// bit and takes numbers above the prime), and each is to mean another key.
std::optional<SealKey> agreed_key(Suite& suite, const X25519Pair& own, const AgreedBetween& between,
                                  std::string_view label, ByteSpan context) {
  const X25519Key& other = own.key == between.recipient ? between.ephemeral : between.recipient;
  SharedSecret shared;
  if (!x25519_agree(own, other, shared)) return std::nullopt;
  Transcript transcript;
  transcript.add(between.ephemeral.bytes);
  transcript.add(between.recipient.bytes);
  transcript.add(context);
  return derive<SealKey>(suite, shared.bytes(), label, transcript.take());
}

}  // namespace trestle::crypto
