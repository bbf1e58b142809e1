#pragma once

#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

// HKDF with SHA-256 (RFC 5869), over the suite's HMAC.

/// A key of fixed size from a secret of any size and quality.
Digest256 hkdf_extract(Suite& suite, ByteSpan salt, ByteSpan input);

/// What one extracted key is stretched to at most: 255 digests, by the RFC.
inline constexpr std::size_t kHkdfBytesMax = 255 * std::tuple_size_v<Digest256>;

/// Fills `out`, at most `kHkdfBytesMax`, from an extracted key. Different `info`, unrelated bytes.
void hkdf_expand(Suite& suite, const Digest256& key, ByteSpan info, std::span<std::uint8_t> out);

/// The secret for one use of `input`: extract and expand, with label and context each under its
/// length, so that no two uses share a secret. `label` names the use and its version ("trestle
/// ed25519 v1"), `context` whatever else it depends on.
void derive_bytes(Suite& suite, ByteSpan input, std::string_view label, ByteSpan context,
                  std::span<std::uint8_t> out);

/// The same, as a `Secret` of one role.
template <typename Derived>
Derived derive(Suite& suite, ByteSpan input, std::string_view label, ByteSpan context = {}) {
  Derived secret;
  derive_bytes(suite, input, label, context, secret.writable());
  return secret;
}

}  // namespace trestle::crypto
