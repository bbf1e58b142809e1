#include "trestle/crypto/identity.hpp"

#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/identity_record.hpp"

namespace trestle::crypto {
namespace {

constexpr std::string_view kSelfLabel = "trestle self key v1";

}  // namespace

NodeId node_id_of(Suite& suite, const PublicKey& key) {
  const Digest256 digest = suite.sha256(key);
  return NodeId::from_bytes(std::span(digest).first<NodeId::kBytes>());
}

NodeId place_of_key(Suite& suite, std::string_view key) {
  return NodeId::from_bytes(suite.sha1(as_bytes(key)));
}

Identity identity_of(Suite& suite, const KeyPair& pair) {
  return {pair.key, node_id_of(suite, pair.key),
          SealingSecrets{identity_keys(suite, pair).sealing,
                         derive<SelfSecret>(suite, pair.secret.bytes(), kSelfLabel)}};
}

}  // namespace trestle::crypto
