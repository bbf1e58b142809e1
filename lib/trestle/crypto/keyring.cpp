#include "trestle/crypto/keyring.hpp"

#include "trestle/crypto/hkdf.hpp"

namespace trestle::crypto {
namespace {

constexpr std::string_view kSelfLabel = "trestle self key v1";

}  // namespace

SealingSecrets sealing_secrets(Suite& suite, const IdentityKeys& keys) {
  return {keys.proof.key, keys.sealing,
          derive<SelfSecret>(suite, keys.proof.secret.bytes(), kSelfLabel)};
}

}  // namespace trestle::crypto
