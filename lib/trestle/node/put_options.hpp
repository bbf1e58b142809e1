#pragma once

#include <optional>
#include <vector>

#include "trestle/base/time.hpp"
#include "trestle/crypto/sealed_value.hpp"

namespace trestle::node {

/// How a value is put.
struct PutOptions {
  Duration ttl = std::chrono::hours(1);
  /// Nothing: the network, where it has a key. Where it has none, that and `everybody` are the
  /// same: the value is signed, and anybody may read it.
  std::optional<crypto::Audience> audience{};
  /// With `readers`, and only then: the keys of at most 31, out of identity records that were
  /// checked. The author reads it too.
  std::vector<crypto::X25519Key> readers{};
};

}  // namespace trestle::node
