#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/keyring.hpp"
#include "trestle/crypto/sealed_value.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/options.hpp"
#include "trestle/node/put_options.hpp"

namespace trestle::node {

struct SealedValuesStats {
  std::uint64_t sealed = 0;         ///< Anew for a version above somebody's included.
  std::uint64_t opened = 0;         ///< What is for everybody included.
  std::uint64_t not_for_us = 0;     ///< No key of ours.
  std::uint64_t not_genuine = 0;    ///< Their own author's doing: the signature was good.
  std::uint64_t plain_read = 0;     ///< In a network with a key, while that is allowed.
  std::uint64_t plain_refused = 0;  ///< While it is not.
};

/// The values of this node's users, sealed on their way out and opened on their way in: a policy.
/// Below it, in the DHT, on the wire and on the disk, there are sealed ones only.
///
/// Sealing and opening are done at once, not by effects: of 10 KiB it takes a few microseconds, and
/// an agreement, which takes some fifty, is needed only for each reader that a user named.
class SealedValues {
 public:
  /// The suite outlives it.
  SealedValues(const ValueOptions& options, std::string network, const crypto::Identity& identity,
               crypto::Suite& suite);

  // ---- out ----
  /// For whom such a value is sealed, nothing if it is not; or why it cannot be put: see
  /// `Node::put_as`. `value_bytes_max`: what a store takes.
  Result<std::optional<crypto::Audience>, ErrorCode> audience_of(const PutOptions& options,
                                                                 std::size_t plain_bytes,
                                                                 std::size_t value_bytes_max) const;
  /// This operation will want it sealed. As many at once as there may be operations.
  void await(OperationId operation, crypto::Audience audience, const PutOptions& options,
             Bytes plain);
  /// The value of this record, which is complete but for that and the signature.
  Bytes seal(OperationId operation, const wire::Record& record);
  /// For whom it was sealed, and its plain bytes are forgotten; nothing if it was not.
  std::optional<crypto::Audience> take_ended(OperationId operation);

  // ---- in ----
  struct Reading {
    /// UNAUTHORIZED: sealed for others. PROTOCOL_ERROR: not what its author sealed for this key.
    /// REFUSED: not sealed, though the network has a key.
    ErrorCode code = ErrorCode::none;
    /// On the code, or on what is to be logged of a good one. Static storage.
    std::string_view detail{};
    std::optional<crypto::Audience> audience{};
  };
  /// Puts the plain value in the place of the sealed one. The signature was checked before.
  Reading open(WallTime today, wire::Record& record);

  // ---- keys ----
  /// These are the network's keys from now on.
  void replace_network_keys(const crypto::NetworkKeys& keys) { keys_.network = keys; }
  /// The same with those that came with a membership, wrapped for us; older ones than we have
  /// change nothing. INVALID_TOKEN if they are for somebody else, or of another network.
  ErrorCode adopt_network_keys(ByteSpan wrapped);
  bool has_network_key() const { return !keys_.network.empty(); }
  const SealedValuesStats& stats() const { return stats_; }

 private:
  struct Awaited {
    crypto::Audience audience = crypto::Audience::network;
    std::vector<crypto::X25519Key> readers;  ///< The author included.
    Bytes plain;
  };

  Reading plain_reading(WallTime today);

  std::string network_;
  crypto::Keyring keys_;
  WallTime plain_until_;
  crypto::Suite* suite_;
  crypto::Sealer sealer_;
  FlatMap<OperationId, Awaited> awaited_;
  SealedValuesStats stats_;
};

}  // namespace trestle::node
