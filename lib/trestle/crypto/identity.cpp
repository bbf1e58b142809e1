#include "trestle/crypto/identity.hpp"

namespace trestle::crypto {

NodeId node_id_of(Suite& suite, const PublicKey& key) {
  const Digest256 digest = suite.sha256(key);
  return NodeId::from_bytes(std::span(digest).first<NodeId::kBytes>());
}

NodeId place_of_key(Suite& suite, std::string_view key) {
  return NodeId::from_bytes(suite.sha1(as_bytes(key)));
}

}  // namespace trestle::crypto
