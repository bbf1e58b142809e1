#pragma once

#include <optional>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/sealer.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::crypto {

/// Bytes that only holders of a key can read or make:
///
///     | version = 1 | nonce, 12 bytes | ciphertext, as long as the plain bytes | tag, 16 bytes |
///
/// The nonce is drawn anew for each message. Two of 2^32 messages under one key share one with a
/// probability of 2^-33, so a key is replaced before it has sealed that many: a node that seals a
/// thousand values a second does so for seven weeks.
inline constexpr std::size_t kSealedOverheadBytes = 1 + kSealNonceBytes + kSealTagBytes;

/// `label` and `context` say what the bytes are (a value under some key of some network, an
/// identity): whoever opens must say the same, so that nothing sealed for one place passes for
/// something in another. Neither is stored.
Bytes seal(Suite& suite, Sealer& sealer, const SealKey& key, std::string_view label,
           ByteSpan context, ByteSpan plain);

/// Nothing, for whatever reason: who tries to open forged bytes learns no more than that (T23).
std::optional<Bytes> open(Sealer& sealer, const SealKey& key, std::string_view label,
                          ByteSpan context, ByteSpan sealed);

}  // namespace trestle::crypto
