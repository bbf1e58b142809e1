#include "trestle/crypto/suite/curve25519.hpp"

#include <openssl/err.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/suite/openssl/handles.hpp"

// As in suite.cpp: what a peer can cause is answered with `false` and leaves the error queue empty;
// everything else is asserted.
namespace trestle::crypto {

using namespace openssl;

namespace {

constexpr char kEdwards[] = "ED25519";
constexpr char kMontgomery[] = "X25519";

template <typename Role>
Key private_key(const char* kind, const Secret<Role>& secret) {
  Key key(EVP_PKEY_new_raw_private_key_ex(nullptr, kind, nullptr, secret.bytes().data(),
                                          secret.bytes().size()));
  TRESTLE_ASSERT(key != nullptr);
  return key;
}

/// Any 32 bytes are taken; whether they are a point shows when the key is used.
Key public_key(const char* kind, const std::array<std::uint8_t, kCurve25519Bytes>& bytes) {
  Key key(EVP_PKEY_new_raw_public_key_ex(nullptr, kind, nullptr, bytes.data(), bytes.size()));
  TRESTLE_ASSERT(key != nullptr);
  return key;
}

std::array<std::uint8_t, kCurve25519Bytes> public_bytes(const Key& key) {
  std::array<std::uint8_t, kCurve25519Bytes> bytes;
  std::size_t size = bytes.size();
  TRESTLE_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) == 1);
  TRESTLE_ASSERT(size == bytes.size());
  return bytes;
}

HashContext new_context() {
  HashContext context(EVP_MD_CTX_new());
  TRESTLE_ASSERT(context != nullptr);
  return context;
}

}  // namespace

Ed25519Pair ed25519_pair(const Ed25519Secret& secret) {
  return {secret, {public_bytes(private_key(kEdwards, secret))}};
}

Ed25519Signature ed25519_sign(const Ed25519Pair& pair, ByteSpan message) {
  const Key key = private_key(kEdwards, pair.secret);
  const HashContext context = new_context();
  TRESTLE_ASSERT(EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(),
                                       nullptr) == 1);
  Ed25519Signature signature;
  std::size_t size = signature.bytes.size();
  TRESTLE_ASSERT(EVP_DigestSign(context.get(), signature.bytes.data(), &size, message.data(),
                                message.size()) == 1);
  TRESTLE_ASSERT(size == signature.bytes.size());
  return signature;
}

bool ed25519_verify(const Ed25519Key& key, ByteSpan message, const Ed25519Signature& signature) {
  if (!is_strict(key, signature)) return false;
  const Key handle = public_key(kEdwards, key.bytes);
  const HashContext context = new_context();
  TRESTLE_ASSERT(EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                         handle.get(), nullptr) == 1);
  const int outcome = EVP_DigestVerify(context.get(), signature.bytes.data(),
                                       signature.bytes.size(), message.data(), message.size());
  if (outcome == 1) return true;
  ERR_clear_error();
  return false;
}

X25519Pair x25519_pair(const X25519Secret& secret) {
  return {secret, {public_bytes(private_key(kMontgomery, secret))}};
}

bool x25519_agree(const X25519Pair& pair, const X25519Key& other, SharedSecret& out) {
  out = SharedSecret();
  if (is_small_order(other)) return false;
  const Key own = private_key(kMontgomery, pair.secret);
  const Key theirs = public_key(kMontgomery, other.bytes);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  TRESTLE_ASSERT(context != nullptr);
  TRESTLE_ASSERT(EVP_PKEY_derive_init(context.get()) == 1);
  std::size_t size = SharedSecret::kBytes;
  // OpenSSL refuses a result of zero as well.
  const bool is_agreed = EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
                         EVP_PKEY_derive(context.get(), out.writable().data(), &size) == 1 &&
                         size == SharedSecret::kBytes;
  if (is_agreed) return true;
  out = SharedSecret();
  ERR_clear_error();
  return false;
}

}  // namespace trestle::crypto
