#pragma once

#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/passphrase.hpp"

namespace trestle::host {

/// An identity's scalar under a passphrase: AES-256-GCM with a key that scrypt (RFC 7914) derives.
///
///     | version = 2 | log2 N: 1 | r: 1 | p: 1 | salt: 16 | sealed scalar (crypto/sealed.hpp): 61 |
///
/// The costs stand in the file, so that they can be raised without locking anybody out; they are
/// authenticated with the rest.
inline constexpr std::uint8_t kSealedKeyVersion = 2;
inline constexpr std::size_t kSealedKeyBytes = 4 + 16 + 61;

Bytes seal_key(crypto::Suite& suite, const crypto::PrivateKey& secret,
               const Passphrase& passphrase);

/// Error: a clause that says what is wrong. A wrong passphrase and damaged bytes cannot be told
/// apart. Costs above 256 MiB or a few seconds are refused before anything is computed.
Result<crypto::PrivateKey, std::string> open_key(ByteSpan sealed, const Passphrase& passphrase);

}  // namespace trestle::host
