#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/result.hpp"
#include "trestle/crypto/secret.hpp"
#include "trestle/crypto/suite/curve25519.hpp"
#include "trestle/crypto/suite/sealer.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/crypto/token.hpp"

namespace trestle::crypto {

/// What the members of a network know and nobody else: keys for values are derived from it.
using NetworkSecret = Secret<struct NetworkRole>;

/// Names a network key in what is sealed under it. Derived from the secret, so that two keys which
/// were given the same epoch in two places are not taken for each other.
using NetworkKeyId = std::array<std::uint8_t, 8>;

struct NetworkKey {
  /// Counts the replacements, from 1.
  std::uint32_t epoch = 0;
  NetworkKeyId id{};
  NetworkSecret secret;
};

/// The keys of a network, the newest first: that one seals, all of them open. A value.
class NetworkKeys {
 public:
  /// Records live for 30 days at most: with eight keys none is lost that is replaced every five
  /// days.
  static constexpr std::size_t kMax = 8;

  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  /// The one to seal under. Not if there is none.
  const NetworkKey& current() const { return keys_.front(); }
  const NetworkKey* find(const NetworkKeyId& id) const;
  /// Draws a new one, which becomes the current one; the oldest goes if there are too many.
  void renew(Suite& suite);

  /// By epoch and id.
  friend bool operator==(const NetworkKeys& left, const NetworkKeys& right);

 private:
  friend Bytes encode(const NetworkKeys& keys);
  friend Result<NetworkKeys, ErrorCode> decode_network_keys(Suite& suite, ByteSpan bytes);

  std::vector<NetworkKey> keys_;
};

/// A full list.
inline constexpr std::size_t kNetworkKeysBytesMax = 1 + 1 + NetworkKeys::kMax * (4 + 32);

///     | version = 1 | count: 1, 1..8 | count times epoch: 4, secret: 32; epochs strictly falling |
///
/// Whoever has these bytes reads the network: `cleanse` them. Not of an empty list.
Bytes encode(const NetworkKeys& keys);
/// PROTOCOL_ERROR for anything but the one encoding of a list.
Result<NetworkKeys, ErrorCode> decode_network_keys(Suite& suite, ByteSpan bytes);

/// A list as it is handed to a new member, sealed to its X25519 key:
///
///     | version = 1 | ephemeral X25519 key: 32 | sealed bytes of the list |
inline constexpr std::size_t kWrappedNetworkKeysBytesMax =
    1 + kCurve25519Bytes + 1 + kSealNonceBytes + kSealTagBytes + kNetworkKeysBytesMax;

/// Nothing if the recipient's key is of small order: an identity record with such a key is refused.
/// The wrapping says nothing of who made it: that is for whatever carries it.
std::optional<Bytes> wrap_network_keys(Suite& suite, Sealer& sealer, const NetworkHash& network,
                                       const X25519Key& recipient, const NetworkKeys& keys);
/// INVALID_TOKEN unless it was wrapped in this network for this recipient, whatever is wrong (T23).
Result<NetworkKeys, ErrorCode> unwrap_network_keys(Suite& suite, Sealer& sealer,
                                                   const NetworkHash& network,
                                                   const X25519Pair& recipient, ByteSpan wrapped);

}  // namespace trestle::crypto
