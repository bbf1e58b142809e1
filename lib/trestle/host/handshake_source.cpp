#include "trestle/host/handshake_source.hpp"

#include <array>
#include <cstdint>

#include "trestle/base/bytes.hpp"

namespace trestle::host {
namespace {

namespace websocket = wire::websocket;

template <std::size_t kBytes>
std::array<std::uint8_t, kBytes> random_bytes(crypto::Suite& suite) {
  std::array<std::uint8_t, kBytes> bytes{};
  suite.random(bytes);
  return bytes;
}

}  // namespace

HandshakeSource::HandshakeSource()
    : masks_(random_bytes<websocket::MaskSource::kSeedBytes>(suite_)) {}

websocket::HandshakeKey HandshakeSource::make_key() {
  return websocket::HandshakeKey(random_bytes<websocket::HandshakeKey::kNonceBytes>(suite_));
}

websocket::HandshakeDigest HandshakeSource::digest(const websocket::HandshakeKey& key) {
  return suite_.sha1(as_bytes(key.challenge()));
}

}  // namespace trestle::host
